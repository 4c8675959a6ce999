/**
 * Capability `recorded-media`: what an archive provides, and all who play recordings back consume. It is
 * asked piece by piece, and keeps nothing between two questions: who stops asking costs nothing, and footage
 * that is deleted meanwhile is passed over. `#playback/recorded-reader` makes access units of the answers.
 */
import { capability } from '#core/capability';
import type { AccessUnit } from '#media/access-unit';
import type { Track } from '#media/track';

/** From where to read: the `next` of the piece before, or a time. UTC milliseconds. */
export type ReadPlace = { readonly atMs: number } | { readonly next: number };

export interface ReadRequest {
  readonly track: string;
  /**
   * `atMs`: the piece with the key frame at or before it, so that all of it can be decoded; where nothing is
   * recorded then, the next footage. Backward: the last key frame at or before it.
   */
  readonly from: ReadPlace;
  /**
   * `forward`: every unit. `forward-keyframes`, `backward-keyframes`: one key frame of the video, without sound, from
   * each piece that begins with one. Footage without video is read as if every piece began with a key frame.
   */
  readonly how: 'forward' | 'forward-keyframes' | 'backward-keyframes';
  /** Nothing of what begins here or later; backward: nothing that begins before it. */
  readonly untilMs?: number;
}

/** An access unit as plain data; its run is that of the piece. */
export type RecordedUnit = Omit<AccessUnit, 'run' | 'lost'>;

/** What was recorded as one fragment: a second or less, at most one group of pictures. */
export interface RecordedPiece {
  /** Wall clock of its first picture, and where it ends: UTC milliseconds. */
  readonly beginMs: number;
  readonly endMs: number;
  /** Media times of pieces with equal numbers go on from each other, also over what is missing in between. */
  readonly run: number;
  /** Equal for equal `tracks`. */
  readonly format: string;
  readonly tracks: readonly Track[];
  /** It begins with a key frame of the video, or there is no video. */
  readonly keyframe: boolean;
  /** In decoding order, tracks interleaved by time. Their `data` are views of one buffer, which belongs to who asked. */
  readonly units: readonly RecordedUnit[];
  /** For the next question. */
  readonly next: number;
}

/** What exists between two times; read it. Faults: `not-found` for a track that is not there, `unavailable` while the archive is not open. */
export interface RecordedMedia {
  /** Uninterrupted pieces of a track, in order, cut to `[beginMs, endMs)`; all of them without bounds. */
  intervals(track: string, beginMs?: number, endMs?: number): Promise<(readonly [beginMs: number, endMs: number])[]>;
  /** The next piece in the direction asked for; undefined where there is none (yet: a recording may go on). */
  read(request: ReadRequest): Promise<RecordedPiece | undefined>;
}

export const RecordedMedia = capability<RecordedMedia>(
  'recorded-media',
  'Recorded access units, from any time on, forward, or backward by key frames.',
  { calls: ['intervals', 'read'] },
);
