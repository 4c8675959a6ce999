import { defineInterface } from '#core/interface';
import { Interval, IsoTime, Nullable, Time, Type } from '#core/schema';
import { type GapReason, gapReasons } from '#media/gap';

const Pair = Type.Array(IsoTime, { minItems: 2, maxItems: 2 });
const track = Type.String({ description: "the source's name" });
const range = { begin: Type.Optional(Time), end: Type.Optional(Time) };

export const TrackSummary = Type.Object({
  disk_usage: Type.Integer({ unit: 'bytes' }),
  time_boundaries: Nullable(Pair),
});
export const StorageSummary = Type.Object({
  disk_usage: Type.Integer({ unit: 'bytes' }),
  disk_free_space: Type.Integer({ unit: 'bytes' }),
  contexts: Type.Record(Type.String(), TrackSummary),
  error: Type.Optional(Type.String()),
});
export const TrackDetails = Type.Object({ ...TrackSummary.properties, timeline: Type.Array(Pair) });
export const GapEntry = Type.Object({
  begin: IsoTime,
  end: IsoTime,
  reason: Type.Unsafe<GapReason>({ type: 'string', enum: [...gapReasons] }),
  filled: Type.Optional(IsoTime),
});
const GapEvent = Type.Object({
  track: Type.String(),
  reason: Type.String(),
  begin: IsoTime,
  end: Type.Optional(IsoTime),
});

/** docs/spec/api.md 6. */
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
      params: Type.Object({ track, interval: Type.Optional(Nullable(Interval)) }),
      result: TrackDetails,
      http: { verb: 'GET', path: '{track}' },
    },
    gaps: {
      doc: 'Why there is no footage, for every moment that was meant to be recorded.',
      right: 'read',
      params: Type.Object({ track, interval: Type.Optional(Nullable(Interval)) }),
      result: Type.Array(GapEntry),
      http: { verb: 'GET', path: '{track}/gaps' },
    },
    playlist: {
      doc: 'HLS playlist of an interval.',
      right: 'read',
      transport: 'stream',
      params: Type.Object({
        track,
        ...range,
        container: Type.Optional(Type.Union([Type.Literal('fmp4'), Type.Literal('ts')])),
      }),
      result: Type.String(),
      http: { verb: 'GET', path: '{track}/stream.m3u8' },
    },
    hls: {
      doc: 'Init segments and segments that the playlist names.',
      right: 'read',
      transport: 'stream',
      params: Type.Object({ track, path: Type.String() }),
      result: Type.Unknown(),
      http: { verb: 'GET', path: '{track}/hls/{path*}' },
    },
    export: {
      doc: 'An interval as one file: exact begin by edit list, exact end, no transcoding, length known before the first byte.',
      right: 'read',
      transport: 'stream',
      params: Type.Object({
        track,
        begin: Time,
        end: Time,
        format: Type.Optional(
          Type.Union([Type.Literal('isom'), Type.Literal('fmp4'), Type.Literal('ts')], { default: 'isom' }),
        ),
        gaps: Type.Optional(Type.Union([Type.Literal('skip'), Type.Literal('keep')], { default: 'skip' })),
      }),
      result: Type.Unknown(),
      http: { verb: 'GET', path: '{track}/export' },
    },
  },
  signals: {
    GapStarted: { doc: 'A track that is meant to be recorded is not.', data: GapEvent },
    GapEnded: { doc: 'It is recorded again.', data: GapEvent },
    StorageFull: { doc: 'Nothing deletable is left.', data: Type.Object({ state: Type.Boolean() }) },
    StorageSlow: { doc: 'The disk does not keep up.', data: Type.Object({ state: Type.Boolean() }) },
  },
});
