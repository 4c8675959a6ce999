/** Interface VideoStorage: recorded tracks, their gaps, playback and export (docs/spec/api.md 6). */
import { defineInterface } from '#core/interface';
import { Binary, Interval, IsoTime, Nothing, Nullable, Time, Type } from '#core/schema';
import { type GapReason, gapReasons } from '#media/gap';

/** Of calls whose work grows with the archive; it goes on when nobody waits for it any more. */
const longMs = 600_000;

const Pair = Type.Array(IsoTime, { minItems: 2, maxItems: 2 });
const track = Type.String({ description: "the source's name" });
const range = {
  begin: Type.Optional(Type.String({ ...Time, description: 'first moment; open if absent' })),
  end: Type.Optional(Type.String({ ...Time, description: 'moment after the last; open if absent' })),
};
const interval = Type.Optional(Nullable(Interval, { description: '[begin, end): null or absent means all of it' }));
const container = Type.Optional(
  Type.Union([Type.Literal('fmp4'), Type.Literal('ts')], { description: "default: the server's hls.container" }),
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

const lockId = Type.String({ minLength: 1, maxLength: 128, description: "the lock's name, chosen by who makes it" });
const lockReason = Type.String({ maxLength: 1000, description: 'why, for people' });
/** A range of a track that is exempt from limits and deletion. */
export const LockEntry = Type.Object({
  id: lockId,
  begin: Type.String({ ...IsoTime, description: 'first moment that is kept' }),
  end: Type.String({ ...IsoTime, description: 'moment after the last; may lie in the future' }),
  reason: lockReason,
  until: Nullable(IsoTime, { description: 'when the lock ends by itself; null: when it is unlocked' }),
  by: Nullable(Type.String(), { description: 'login of who made it; null: nobody was logged in' }),
  created: Type.String({ ...IsoTime, description: 'when' }),
});
const Changed = {
  track,
  begin: Type.String({ ...IsoTime, description: 'first moment' }),
  end: Type.String({ ...IsoTime, description: 'moment after the last' }),
  by: Nullable(Type.String(), { description: 'login of who did it; null: nobody was logged in, or its time had come' }),
  reason: Type.Optional(Type.String({ description: 'of the lock' })),
};
const Limit = (description: string) => Type.Optional(Type.Number({ description }));
/** What one track takes and how far back it will reach. */
export const TrackForecast = Type.Object({
  bytes_per_day: Type.Integer({ unit: 'bytes', description: 'of the last seven days' }),
  depth_hours: Type.Number({ description: 'from its first moment to its last' }),
  expected_depth_hours: Nullable(Type.Number(), { description: 'when the ring turns; null: nothing ends it' }),
  wanted_hours: Nullable(Type.Number(), { description: 'the depth that its limits set; null: none does' }),
  limited_by: Nullable(Type.String(), { description: 'name of the limit that rules, or volume; null: none' }),
  locked_bytes: Type.Integer({ unit: 'bytes', description: 'size of the files that locks hold' }),
});

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
            description:
              'isom: a plain MP4 that every player opens; fmp4: fragmented; ts: MPEG-TS, which begins with the key frame that X-Timestamp tells',
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
    stream: {
      doc: 'One track of an interval as a raw elementary stream, from the key frame that X-Timestamp tells on: H.264 and H.265 as Annex B, AAC with ADTS, the rest as stored.',
      right: 'read',
      transport: 'stream',
      params: Type.Object({
        track,
        begin: Type.String({ ...Time, description: 'first moment; the stream begins with the key frame before it' }),
        end: Type.String({ ...Time, description: 'moment after the last, exact' }),
        media: Type.Optional(
          Type.Union([Type.Literal('video'), Type.Literal('audio')], {
            default: 'video',
            description: 'which of both',
          }),
        ),
      }),
      result: Type.Unknown(),
      http: { verb: 'GET', path: '{track}/stream' },
    },
    keyframes: {
      doc: 'Every key frame of an interval; at most 20000.',
      right: 'read',
      params: Type.Object({ track, interval }),
      result: Type.Array(
        Type.Object({
          time: Type.String({ ...IsoTime, description: 'wall clock of the picture' }),
          size: Type.Integer({ unit: 'bytes', description: 'of the picture' }),
        }),
      ),
      http: { verb: 'GET', path: '{track}/keyframes' },
      timeoutMs: longMs,
    },
    keyframe: {
      doc: 'The key frame at or before a time as a one-sample fragmented MP4, without decoding.',
      right: 'read',
      params: Type.Object({
        track,
        timestamp: Type.Optional(Type.String({ ...Time, description: 'absent: the newest' })),
      }),
      result: Binary('video/mp4'),
      http: { verb: 'GET', path: '{track}/keyframe' },
    },
    delete_range: {
      doc: 'Deletes what lies wholly inside and is not locked; waits for the file that is being recorded.',
      right: 'administer',
      params: Type.Object({
        track,
        interval,
        all: Type.Optional(Type.Boolean({ description: 'must be true where a bound is missing' })),
      }),
      result: Type.Object({
        deleted_bytes: Type.Integer({ unit: 'bytes', description: 'that became free' }),
        deleted: Type.Array(Pair, { description: 'what is gone' }),
        kept: Type.Array(Pair, {
          description: 'what of the range is there still: locked, or of a group of pictures that reaches out of it',
        }),
      }),
      http: { verb: 'DELETE', path: '{track}' },
      timeoutMs: longMs,
    },
    rescan: {
      doc: 'Looks for files that somebody put into the folder, and for listed ones that are gone.',
      right: 'administer',
      params: Type.Object({}),
      result: Type.Object({
        found: Type.Integer({ unit: 'files', description: 'files that are listed now and were not' }),
        missing: Type.Integer({ unit: 'files', description: 'files that are listed no more' }),
      }),
      http: { verb: 'POST', path: 'rescan' },
      timeoutMs: longMs,
    },
    locks: {
      doc: 'The locks of a track.',
      right: 'read',
      params: Type.Object({ track }),
      result: Type.Array(LockEntry),
      http: { verb: 'GET', path: '{track}/locks' },
    },
    lock_info: {
      doc: 'One lock.',
      right: 'read',
      params: Type.Object({ track, id: lockId }),
      result: LockEntry,
      http: { verb: 'GET', path: '{track}/locks/{id}' },
    },
    lock: {
      doc: 'Keeps a range from being deleted, in place of a lock with the same id.',
      right: 'operate',
      params: Type.Object({
        track,
        id: lockId,
        begin: Type.String({ ...Time, description: 'first moment to keep' }),
        end: Type.String({ ...Time, description: 'moment after the last; may lie in the future' }),
        reason: lockReason,
        until: Type.Optional(
          Nullable(Time, { description: 'when the lock ends by itself; absent: when it is unlocked' }),
        ),
      }),
      result: LockEntry,
      http: { verb: 'PUT', path: '{track}/locks/{id}' },
    },
    unlock: {
      doc: 'Takes a lock out.',
      right: 'administer',
      params: Type.Object({ track, id: lockId }),
      result: Nothing,
      http: { verb: 'DELETE', path: '{track}/locks/{id}' },
    },
    retention: {
      doc: 'How far back each track will reach, what ends it, and what would help.',
      right: 'read',
      params: Type.Object({}),
      result: Type.Object({
        volume: Type.Object(
          {
            size: Type.Integer({ unit: 'bytes', description: 'of the volume' }),
            free: Type.Integer({ unit: 'bytes', description: 'left on it' }),
          },
          { description: 'where the archive lies' },
        ),
        limits: Type.Object(
          {
            max_size_gb: Limit('most bytes on disk'),
            keep_free_percents: Limit('least free share of the volume'),
            max_depth_abs_hours: Limit('oldest by the wall clock'),
            max_depth_rel_hours: Limit('most recorded hours per track'),
          },
          { description: 'limits of the archive in force, defaults included' },
        ),
        tracks: Type.Record(Type.String(), TrackForecast, { description: 'tracks with footage, by name' }),
        full_at: Nullable(IsoTime, {
          description: 'when the space is used and the ring begins to turn; null: it turns, or never will',
        }),
        advice: Type.Array(Type.String(), { description: 'sentences for the operator' }),
      }),
      http: { verb: 'GET', path: 'retention' },
    },
  },
  signals: {
    GapStarted: { doc: 'A track that is meant to be recorded is not.', data: GapEvent },
    GapEnded: { doc: 'It is recorded again.', data: GapEvent },
    StorageFull: { doc: 'Nothing deletable is left.', data: Trouble },
    DataDeleted: { doc: 'Somebody deleted footage.', data: Type.Object(Changed) },
    LockCreated: { doc: 'A range is kept from being deleted.', data: Type.Object(Changed) },
    LockRemoved: { doc: 'It may be deleted again.', data: Type.Object(Changed) },
    StorageSlow: { doc: 'The disk does not keep up.', data: Trouble },
  },
});
