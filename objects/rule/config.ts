/** Configuration of `rule` (docs/spec/config.md 10.3). */
import type { ProblemText } from '#core/problem';
import { type Static, Type } from '#core/schema';
import { isZone, weekdays } from './schedule.ts';

const Period = Type.Object({
  days: Type.Optional(
    Type.Array(Type.Union(weekdays.map(d => Type.Literal(d))), { description: 'on which it begins; default all' }),
  ),
  from: Type.String({ pattern: '^([01]\\d|2[0-3]):[0-5]\\d$', description: 'HH:MM' }),
  to: Type.String({
    pattern: '^(([01]\\d|2[0-3]):[0-5]\\d|24:00)$',
    description: 'HH:MM, up to 24:00; not later than from: on the next day',
  }),
  tz: Type.Optional(Type.String({ description: 'time zone, e.g. Europe/Berlin; default that of the machine' })),
});

export const ruleConfig = Type.Object({
  filter: Type.Array(Type.String({ minLength: 1 }), {
    default: [],
    live: true,
    description: 'topics; empty: every one of devices and applications',
  }),
  duration: Type.Number({
    default: 0,
    minimum: 0,
    maximum: 86_400,
    live: true,
    unit: 's',
    description: 'how long an event without a state holds',
  }),
  max_duration: Type.Number({
    default: 0,
    minimum: 0,
    live: true,
    unit: 's',
    description: 'longest that an event holds, in case its end is lost; 0: no limit',
  }),
  enabled: Type.Boolean({ default: true, live: true, description: 'whether it is in force' }),
  schedule: Type.Array(Period, { default: [], live: true, description: 'when it is in force; empty: always' }),
});

export type RuleConfig = Static<typeof ruleConfig>;

/** What the schema cannot say. */
export const checkRule = (c: RuleConfig): ProblemText[] =>
  c.schedule.flatMap(({ tz }, i): ProblemText[] =>
    tz === undefined || isZone(tz)
      ? []
      : [
          {
            severity: 'error',
            code: 'bad-value',
            pointer: `/schedule/${i}/tz`,
            reason: 'expected the name of a time zone such as Europe/Berlin, got another text',
          },
        ],
  );
