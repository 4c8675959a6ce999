import { defineInterface } from '#core/interface';
import { Type } from '#core/schema';

/** What every object has (docs/spec/api.md 1.2, 10). */
export const EventProducer = defineInterface('EventProducer', {
  doc: 'Emits events. Every object does.',
  listed: false,
  functions: {},
  signals: {
    StateChanged: {
      doc: 'The object works, or does not, in another way than before.',
      data: Type.Object({ state: Type.Boolean(), name: Type.String(), error: Type.Optional(Type.String()) }),
    },
  },
});
