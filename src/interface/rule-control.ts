/** Interface RuleControl: what a rule sees, and whether it is in force (docs/spec/api.md 7.1). */
import { defineInterface } from '#core/interface';
import { IsoTime, Type } from '#core/schema';

const RuleStatus = Type.Object({
  enabled: Type.Boolean({ description: 'whether it is in force' }),
  active: Type.Array(
    Type.Object({
      origin: Type.Unknown({ description: 'of the event, as the event has it' }),
      topic: Type.String({ description: 'of the event' }),
      since: Type.String({ ...IsoTime, description: 'when it began' }),
    }),
    { description: 'what it would record for now' },
  ),
});

/** Every rule has it. */
export const RuleControl = defineInterface('RuleControl', {
  doc: 'Records because of events.',
  functions: {
    status: {
      doc: 'Whether it is in force, and what holds now.',
      right: 'read',
      params: Type.Object({}),
      result: RuleStatus,
      http: { verb: 'GET', path: '' },
    },
    set: {
      doc: 'Puts it in force or out of it, until the configuration says otherwise or the program starts anew.',
      right: 'operate',
      params: Type.Object({ enabled: Type.Boolean({ description: 'whether it is in force' }) }),
      result: RuleStatus,
      http: { verb: 'POST', path: '' },
    },
  },
});
