/** Interface EventProducer: what every object has (docs/spec/api.md 1.2, 10). */
import { defineInterface } from '#core/interface';
import { Type } from '#core/schema';

/** It has no functions: events reach clients through the event WebSocket, WAMP or scripts. */
export const EventProducer = defineInterface('EventProducer', {
  doc: 'Emits events. Every object does.',
  listed: false,
  functions: {},
  signals: {
    StateChanged: {
      doc: 'The object works, or does not, in another way than before.',
      data: Type.Object({
        state: Type.Boolean({ description: 'it works: running, idle or degraded' }),
        name: Type.String({ description: 'the state, config.md 6.1' }),
        error: Type.Optional(Type.String({ description: 'a sentence, where it does not work or only in part' })),
      }),
    },
  },
});
