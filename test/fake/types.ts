/** Object types for tests of the machine room: shaped like real ones, and they do nothing. */
import { type Capability, capability, many, one, optional } from '#core/capability';
import { defineObjectType, type ObjectType } from '#core/define';
import { Published } from '#core/published';
import { Nullable, Type } from '#core/schema';

export const Media: Capability<object> = capability('live-media', 'toy');
export const Store: Capability<object> = capability('media-storage', 'toy');
export const Guard: Capability<object> = capability('authenticator', 'toy');

const create = (): never => {
  throw new Error('a toy type is only declared');
};
const base = { summary: 'toy', stage: 'main', interfaces: [], create } as const;

const auth = Type.Optional(Nullable(Type.Tuple([Nullable(Type.String()), Nullable(Type.String({ secret: true }))])));

export const rtsp = defineObjectType({
  ...base,
  type: 'rtsp',
  config: Type.Object({
    url: Type.Optional(Type.String()),
    host: Type.Optional(Type.String()),
    port: Type.Integer({ default: 554, minimum: 1, maximum: 65535 }),
    auth,
    transport: Type.Array(Type.Union([Type.Literal('tcp'), Type.Literal('udp')]), { default: ['tcp', 'udp'] }),
    stall_seconds: Type.Number({ default: 10, exclusiveMinimum: 0, live: true }),
    init: Type.Optional(Type.Unknown()),
  }),
  removed: { multicast: 'put "multicast" into "transport"' },
  provides: { media: Media },
  consumes: {},
  check: config =>
    config.url === undefined && config.host === undefined
      ? [
          {
            severity: 'error',
            code: 'missing-property',
            pointer: '',
            reason: 'one of "url" and "host" is required',
          },
        ]
      : [],
});

const limits = Type.Object({
  max_size_gb: Type.Optional(Type.Number({ minimum: 0, live: true })),
  keep_free_percents: Type.Optional(Type.Number({ minimum: 0, maximum: 100, live: true })),
  scheme: Type.Optional(Type.String()),
});

export const storage = defineObjectType({
  ...base,
  type: 'storage',
  aliases: ['storage.local'],
  config: Type.Object({
    folder: Type.String({ minLength: 1 }),
    filesize: Type.Number({ default: 16, unit: 'MB', live: true }),
    limits: Type.Optional(limits),
    tracks: Type.Optional(Type.Record(Type.String(), Type.Object({ limits }))),
  }),
  provides: { store: Store },
  consumes: { sources: many(Media) },
});

export const recctl = defineObjectType({
  ...base,
  type: 'recctl',
  config: Type.Object({ prerecord: Type.Number({ default: 5, live: true }) }),
  provides: {},
  consumes: { store: one(Store), sources: many(Media) },
});

export const webserver = defineObjectType({
  ...base,
  type: 'webserver',
  config: Type.Object({
    port: Type.Integer({ default: 8880, minimum: 0, maximum: 65535 }),
    address: Type.Optional(Type.Union([Type.String(), Type.Array(Type.String())])),
    tls: Type.Optional(Type.Object({ key: Type.String(), certificate: Type.String() })),
    cors: Type.Optional(Type.String({ live: true })),
    hls: Type.Object({ window: Type.Integer({ default: 6 }) }, { live: true, default: {} }),
  }),
  provides: {},
  consumes: { objects: many(Published), guard: optional(Guard) },
});

export const authnz = defineObjectType({
  ...base,
  type: 'authnz',
  config: Type.Object({
    realm: Type.String({ default: 'ocellus' }),
    secret: Type.Optional(Type.String({ secret: true, live: true })),
    accounts: Type.Array(
      Type.Union([
        Type.Object({ type: Type.Literal('apikey'), key: Type.String(), secret: Type.String({ secret: true }) }),
        Type.Object({
          type: Type.Literal('password'),
          login: Type.String(),
          password: Type.String({ secret: true }),
          pubkey: Type.Optional(Type.String()),
        }),
      ]),
      { default: [], live: true },
    ),
    roles: Type.Array(Type.Tuple([Type.Union([Type.String(), Type.Array(Type.String())]), Type.String()]), {
      default: [],
      live: true,
    }),
  }),
  provides: { guard: Guard },
  consumes: {},
});

export const webrtc = defineObjectType({
  ...base,
  type: 'webrtc',
  config: Type.Object({ stunsrv: Type.Optional(Type.Integer()) }),
  provides: {},
  consumes: { sources: many(Media), guard: optional(Guard) },
});

export const toyTypes: readonly ObjectType[] = [rtsp, storage, recctl, webserver, authnz, webrtc];
