/** Properties that every source has (docs/spec/config.md 8.1); a type spreads those that mean something to it. */
import type { ProblemText } from '#core/problem';
import { Type } from '#core/schema';

export const commonSourceConfig = {
  dynamic: Type.Boolean({ default: false, description: 'connected only while somebody consumes' }),
  enable: Type.Array(Type.Union([Type.Literal('video'), Type.Literal('audio')]), {
    default: ['video', 'audio'],
    uniqueItems: true,
    description: 'media to take from the source',
  }),
  rtpstats: Type.Boolean({ default: false, description: 'collect RTP loss statistics for metrics' }),
  stall_seconds: Type.Number({
    default: 10,
    exclusiveMinimum: 0,
    maximum: 3600,
    description: 'silence that counts as a failure',
  }),
  linger_seconds: Type.Number({
    default: 10,
    minimum: 0,
    maximum: 86_400,
    description: 'how long an idle dynamic source stays connected',
  }),
  time: Type.Union([Type.Literal('server'), Type.Literal('device')], {
    default: 'server',
    description: "'server': arrival clock, smoothed; 'device': its clock, if within 2 s of ours",
  }),
};

/** Whether `enable` leaves anything of a source: an object's `check` adds what this finds. */
export const checkEnable = ({ enable }: { readonly enable: readonly string[] }): ProblemText[] =>
  enable.length > 0
    ? []
    : [
        {
          severity: 'error',
          code: 'bad-value',
          pointer: '/enable',
          reason: 'expected "video" or "audio", got neither',
        },
      ];
