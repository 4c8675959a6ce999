/** A toy interface with one function of every kind that the faces must handle, and an object that has it. */
import { Fault } from '#core/errors';
import { defineInterface } from '#core/interface';
import { Binary, Interval, Nothing, Nullable, Time, Type } from '#core/schema';
import { type FakePublished, fakePublished } from '#fake/published';

export const Toy = defineInterface('ToyBox', {
  doc: 'Toys.',
  snake: ['toys'],
  functions: {
    summary: {
      doc: 'Zero or more.',
      right: 'read',
      params: Type.Object({}),
      result: Type.Unknown(),
      http: { verb: 'GET', path: '' },
      whenFailed: { count: 0 },
    },
    read: {
      doc: 'One toy within a range.',
      right: 'read',
      params: Type.Object({
        toy: Type.String(),
        interval: Type.Optional(Nullable(Interval)),
        limit: Type.Optional(Type.Integer({ minimum: 1, default: 10 })),
      }),
      result: Type.Unknown(),
      http: { verb: 'GET', path: '{toy}' },
    },
    at: {
      doc: 'What was at a time.',
      right: 'read',
      params: Type.Object({ when: Time, deep: Type.Optional(Type.Boolean()), scale: Type.Optional(Type.Number()) }),
      result: Type.Unknown(),
      http: { verb: 'GET', path: 'fixed/at' },
    },
    set: {
      doc: 'Sets.',
      right: 'operate',
      params: Type.Object({ toy: Type.String(), on: Type.Boolean() }),
      result: Nothing,
      http: { verb: 'POST', path: '{toy}/state', body: 'args' },
    },
    remove: {
      doc: 'Removes.',
      right: 'administer',
      params: Type.Object({ toy: Type.String() }),
      result: Nothing,
      http: { verb: 'DELETE', path: '{toy}' },
    },
    key: {
      doc: 'A key with slashes.',
      right: 'read',
      params: Type.Object({ key: Type.String() }),
      result: Type.String(),
      http: { verb: 'GET', path: 'keys/{key*}' },
    },
    offer: {
      doc: 'Takes text whole.',
      right: 'read',
      params: Type.Object({ sdp: Type.String(), storage: Type.Optional(Type.String()) }),
      result: Type.String(),
      http: { verb: 'POST', path: 'offer', body: { text: 'sdp' } },
    },
    update: {
      doc: 'Takes any JSON whole.',
      right: 'operate',
      params: Type.Object({ value: Type.Unknown() }),
      result: Type.Unknown(),
      http: { verb: 'POST', path: '', body: { json: 'value' } },
    },
    picture: {
      doc: 'A picture.',
      right: 'read',
      params: Type.Object({ toy: Type.Optional(Type.String()) }),
      result: Binary('image/jpeg'),
      http: { verb: 'GET', path: 'picture' },
    },
    film: {
      doc: 'A film.',
      right: 'read',
      transport: 'stream',
      params: Type.Object({ path: Type.String() }),
      result: Type.Unknown(),
      http: { verb: 'GET', path: 'film/{path*}' },
    },
    break: {
      doc: 'Fails as told.',
      right: 'read',
      params: Type.Object({ kind: Type.String(), code: Type.String() }),
      result: Type.Unknown(),
      http: { verb: 'GET', path: 'break' },
    },
  },
  properties: {
    color: { doc: 'The color.', schema: Type.String(), writable: true },
    age: { doc: 'The age.', schema: Type.Integer() },
  },
});

export const pictureBytes = Uint8Array.of(0xff, 0xd8, 1, 2, 3);

export function toy(name = 'toy1', more: Parameters<typeof fakePublished>[3] = {}): FakePublished {
  return fakePublished(
    name,
    [Toy],
    {
      ToyBox: {
        summary: () => ({ count: 3 }),
        read: args => args,
        at: args => args,
        set: () => undefined,
        remove: () => undefined,
        key: ({ key }) => key,
        offer: ({ sdp, storage }) => `${storage ?? '-'}:${sdp}`,
        update: ({ value }) => value,
        picture: ({ toy }) => (toy === 'none' ? null : pictureBytes),
        break: ({ kind, code }) => {
          if (kind === 'raw') throw new TypeError(`secret thing at /etc/passwd`);
          throw new Fault(kind, code, `broke on rtsp://admin:hunter2@10.0.0.1/x`);
        },
        get_color: () => 'red',
        set_color: () => undefined,
        get_age: () => 7,
      },
    },
    more,
  );
}
