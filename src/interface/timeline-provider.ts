/** Interface TimelineProvider: a source with an archive of its own (docs/spec/api.md 6.7). */
import { defineInterface } from '#core/interface';
import { Interval, IsoTime, Nullable, Type } from '#core/schema';

/** For cameras that record themselves. */
export const TimelineProvider = defineInterface('TimelineProvider', {
  doc: 'Recordings that the source itself keeps.',
  functions: {
    timeline: {
      doc: 'Recorded intervals within a range, as the device tells them; asked anew with every call.',
      right: 'read',
      timeoutMs: 30_000,
      params: Type.Object({
        interval: Type.Optional(Nullable(Interval, { description: '[begin, end): null or absent means all of it' })),
      }),
      result: Type.Array(Type.Array(IsoTime, { minItems: 2, maxItems: 2 }), {
        description: '[begin, end] of each, in order, cut to the range',
      }),
      http: { verb: 'GET', path: 'timeline' },
    },
  },
});
