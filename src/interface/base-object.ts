/** Interface BaseObject: what every object is (docs/spec/remote-objects.md 2). */
import { defineInterface } from '#core/interface';
import { Nullable, Type } from '#core/schema';

/** The runtime answers it for every object, whatever its type. */
export const BaseObject = defineInterface('BaseObject', {
  doc: 'Name, type, meta and state of an object. Every object has it.',
  listed: false,
  functions: {},
  properties: {
    name: { doc: 'Its name in the configuration.', schema: Type.String(), constant: true },
    type: { doc: 'Its type, aliases resolved.', schema: Type.String(), constant: true },
    meta: {
      doc: 'Its `meta`, verbatim; null if it has none.',
      schema: Nullable(Type.Object({}, { additionalProperties: true })),
    },
    state: { doc: 'Its state, docs/spec/config.md 6.1.', schema: Type.String() },
  },
});
