/** Configuration of `recctl` (docs/spec/config.md 10.2). */
import { Type } from '#core/schema';

export const recctlConfig = Type.Object({
  prerecord: Type.Number({
    default: 5,
    minimum: 0,
    maximum: 3600,
    live: true,
    unit: 's',
    description: 'how long before the cause a recording begins, at the key frame at or before that moment',
  }),
  postrecord: Type.Number({
    default: 5,
    minimum: 0,
    maximum: 86_400,
    live: true,
    unit: 's',
    description: 'how long it goes on after the last cause',
  }),
  max_buffer_mb: Type.Number({
    default: 256,
    exclusiveMinimum: 0,
    live: true,
    description:
      'most memory for what is kept of all sources, 1 MB = 10^6 bytes; the oldest groups of pictures go first',
  }),
});
