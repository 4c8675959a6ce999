/** Interface PtzControl: a camera that can be moved (docs/spec/api.md 7.2). */
import { defineInterface } from '#core/interface';
import { Nothing, Nullable, Type } from '#core/schema';

const speed = (axis: string) =>
  Type.Optional(
    Type.Number({ minimum: -1, maximum: 1, description: `${axis}: factor of the greatest speed, -1..1; missing is 0` }),
  );
const coordinate = (axis: string, least: number) =>
  Type.Optional(
    Type.Number({
      minimum: least,
      maximum: 1,
      description: `${axis}: factor of the whole way, ${least}..1; missing stays`,
    }),
  );

const Preset = Type.Object({
  id: Type.String({ description: 'as the device names it' }),
  name: Type.String({ description: 'for people; may be empty' }),
});
const presets = Type.Array(Preset, { description: 'as the device lists them' });

/** What `info` answers. */
export const PtzInfo = Type.Object({
  capabilities: Type.Object(
    {
      continuous: Type.Boolean({ description: 'move works' }),
      absolute: Type.Boolean({ description: 'goto works with coordinates' }),
      relative: Type.Boolean({ description: 'the device moves by a distance; no function uses it' }),
      presets: Type.Boolean({ description: 'it keeps presets' }),
      home: Type.Boolean({ description: 'goto works with the preset "home"' }),
    },
    { description: 'what the device can do' },
  ),
  status: Type.Object(
    {
      position: Nullable(
        Type.Object({
          pan: Type.Number({ description: 'factor of the whole way, -1..1' }),
          tilt: Type.Number({ description: 'factor of the whole way, -1..1' }),
          zoom: Type.Number({ description: 'factor of the whole way, 0..1' }),
        }),
        { description: 'null if the device does not tell' },
      ),
      moving: Nullable(Type.Boolean(), { description: 'null if the device does not tell' }),
    },
    { description: 'where it looks now' },
  ),
  presets,
});

/** For cameras with pan, tilt or zoom. A device without any answers every function with 501. */
export const PtzControl = defineInterface('PtzControl', {
  doc: 'A camera that can be moved. The newest of several moves wins.',
  functions: {
    info: {
      doc: 'What it can do, where it looks, its presets.',
      right: 'read',
      params: Type.Object({}),
      result: PtzInfo,
      http: { verb: 'GET', path: 'ptz' },
    },
    move: {
      doc: 'Moves with these speeds until it is stopped, by itself after `timeout`.',
      right: 'operate',
      params: Type.Object({
        pan: speed('pan'),
        tilt: speed('tilt'),
        zoom: speed('zoom'),
        timeout: Type.Optional(
          Type.Number({
            default: 5,
            exclusiveMinimum: 0,
            maximum: 300,
            unit: 's',
            description: 'after which it stops by itself; default 5',
          }),
        ),
      }),
      result: Nothing,
      http: { verb: 'POST', path: 'ptz/move' },
    },
    ptz_stop: {
      doc: 'Stops it.',
      right: 'operate',
      params: Type.Object({}),
      result: Nothing,
      http: { verb: 'POST', path: 'ptz/stop' },
    },
    goto: {
      doc: 'Goes to a preset, or to coordinates.',
      right: 'operate',
      params: Type.Object({
        preset: Type.Optional(Type.String({ maxLength: 256, description: 'id of the preset; or coordinates' })),
        pan: coordinate('pan', -1),
        tilt: coordinate('tilt', -1),
        zoom: coordinate('zoom', 0),
      }),
      result: Nothing,
      http: { verb: 'POST', path: 'ptz/goto' },
    },
    presets: {
      doc: 'Its presets.',
      right: 'read',
      params: Type.Object({}),
      result: presets,
      http: { verb: 'GET', path: 'ptz/presets' },
    },
    create_preset: {
      doc: 'Keeps where it looks now as a preset.',
      right: 'operate',
      params: Type.Object({ name: Type.String({ minLength: 1, maxLength: 100, description: 'for people' }) }),
      result: Type.Object({ id: Type.String({ description: 'as the device names it' }) }),
      http: { verb: 'POST', path: 'ptz/presets' },
    },
    delete_preset: {
      doc: 'Forgets a preset.',
      right: 'operate',
      params: Type.Object({ id: Type.String({ maxLength: 256, description: 'of the preset' }) }),
      result: Nothing,
      http: { verb: 'DELETE', path: 'ptz/presets/{id}' },
    },
  },
});
