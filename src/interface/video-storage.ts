/** Interface VideoStorage: recorded tracks, their gaps, playback and export (docs/spec/api.md 6). */
import { defineInterface } from '#core/interface';
import { Interval, IsoTime, Nullable, Time, Type } from '#core/schema';
import { type GapReason, gapReasons } from '#media/gap';

const Pair = Type.Array(IsoTime, { minItems: 2, maxItems: 2 });
const track = Type.String({ description: "the source's name" });
const range = {
  begin: Type.Optional(Type.String({ ...Time, description: 'first moment; open if absent' })),
  end: Type.Optional(Type.String({ ...Time, description: 'moment after the last; open if absent' })),
};
const interval = Type.Optional(Nullable(Interval, { description: '[begin, end): null or absent means all of it' }));
const container = Type.Optional(
  Type.Union([Type.Literal('fmp4'), Type.Literal('ts')], { description: 'default fmp4; ts is not in this build' }),
);

/** Of one track, over all its time. */
export const TrackSummary = Type.Object({
  disk_usage: Type.Integer({ unit: 'bytes', description: 'size of its files' }),
  time_boundaries: Nullable(Pair, { description: 'first and last recorded moment; null while nothing is recorded' }),
});
/** Of the whole archive. */
export const StorageSummary = Type.Object({
  disk_usage: Type.Integer({ unit: 'bytes', description: 'size of all files of all tracks' }),
  disk_free_space: Type.Integer({ unit: 'bytes', description: 'left on the volume' }),
  contexts: Type.Record(Type.String(), TrackSummary, { description: 'tracks on disk, by name' }),
  error: Type.Optional(Type.String({ description: 'why the archive does not work; the other members are zero then' })),
});
/** Of one track within an interval. */
export const TrackDetails = Type.Object({
  ...TrackSummary.properties,
  timeline: Type.Array(Pair, { description: 'recorded intervals within the range, in order, cut to it' }),
});
const reason = Type.Unsafe<GapReason>({
  type: 'string',
  enum: [...gapReasons],
  description: 'why there is none, api.md 6.5',
});
/** A time without footage that was meant to have some. */
export const GapEntry = Type.Object({
  begin: Type.String({ ...IsoTime, description: 'where footage ends' }),
  end: Type.String({
    ...IsoTime,
    description: 'first moment with footage after it; of one that goes on, now or the end of the range',
  }),
  reason,
  filled: Type.Optional(Type.String({ ...IsoTime, description: 'when footage for it arrived later' })),
});
const GapEvent = Type.Object({
  track,
  reason,
  begin: Type.String({ ...IsoTime, description: 'last moment with footage before it' }),
  end: Type.Optional(Type.String({ ...IsoTime, description: 'first moment with footage after it' })),
});
const Trouble = Type.Object({ state: Type.Boolean({ description: 'true: it begins; false: it is over' }) });

/** Every storage has it. */
export const VideoStorage = defineInterface('VideoStorage', {
  doc: 'An archive of recorded tracks.',
  functions: {
    summary: {
      doc: 'Space used and left; every track on disk with its first and last moment.',
      right: 'read',
      params: Type.Object({}),
      result: StorageSummary,
      http: { verb: 'GET', path: '' },
      whenFailed: { disk_usage: 0, disk_free_space: 0, contexts: {} },
    },
    channel_summary: {
      doc: 'One track: its recorded intervals within a range.',
      right: 'read',
      params: Type.Object({ track, interval }),
      result: TrackDetails,
      http: { verb: 'GET', path: '{track}' },
    },
    gaps: {
      doc: 'Why there is no footage, for every moment that was meant to be recorded.',
      right: 'read',
      params: Type.Object({ track, interval }),
      result: Type.Array(GapEntry),
      http: { verb: 'GET', path: '{track}/gaps' },
    },
    playlist: {
      doc: 'HLS playlist of an interval.',
      right: 'read',
      transport: 'stream',
      params: Type.Object({ track, ...range, container }),
      result: Type.String(),
      http: { verb: 'GET', path: '{track}/stream.m3u8' },
    },
    hls: {
      doc: 'Init segments and segments that the playlist names.',
      right: 'read',
      transport: 'stream',
      params: Type.Object({ track, path: Type.String({ description: 'as the playlist has it, after hls/' }) }),
      result: Type.Unknown(),
      http: { verb: 'GET', path: '{track}/hls/{path*}' },
    },
    export: {
      doc: 'An interval as one file: exact begin by edit list, exact end, no transcoding, length known before the first byte.',
      right: 'read',
      transport: 'stream',
      params: Type.Object({
        track,
        begin: Type.String({ ...Time, description: 'first moment, exact' }),
        end: Type.String({ ...Time, description: 'moment after the last, exact' }),
        format: Type.Optional(
          Type.Union([Type.Literal('isom'), Type.Literal('fmp4'), Type.Literal('ts')], {
            default: 'isom',
            description: 'isom: a plain MP4 that every player opens; fmp4 and ts are not in this build',
          }),
        ),
        gaps: Type.Optional(
          Type.Union([Type.Literal('skip'), Type.Literal('keep')], {
            default: 'skip',
            description: 'skip: footage follows footage; keep: a gap lasts as long as it did',
          }),
        ),
      }),
      result: Type.Unknown(),
      http: { verb: 'GET', path: '{track}/export' },
    },
  },
  signals: {
    GapStarted: { doc: 'A track that is meant to be recorded is not.', data: GapEvent },
    GapEnded: { doc: 'It is recorded again.', data: GapEvent },
    StorageFull: { doc: 'Nothing deletable is left.', data: Trouble },
    StorageSlow: { doc: 'The disk does not keep up.', data: Trouble },
  },
});
