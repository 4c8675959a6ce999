/** A file as something that can be played from its beginning and wound back: the samples in the order in which they are due. */
import type { Track } from '#media/track';

export interface TapeSample {
  /** What the samples are from here on; other tracks than before begin a run. */
  readonly tracks: readonly Track[];
  /** Index into `tracks`. */
  readonly track: number;
  /** Decoding and presentation time, since the beginning of the tape; the first key frame is at 0. */
  readonly dtsSeconds: number;
  readonly ptsSeconds: number;
  readonly keyframe: boolean;
  /** As `AccessUnit` has it. */
  readonly data: Uint8Array;
}

/** A line of subtitles, due at `dtsSeconds`. */
export interface TapeText {
  readonly dtsSeconds: number;
  readonly text: string;
}

export type TapeItem = TapeSample | TapeText;

export interface Tape {
  /** The next item, at once if it is there; undefined at the end. One call at a time. Rejects when the file cannot be read. */
  next(): TapeItem | undefined | Promise<TapeItem | undefined>;
  /** How long the tape is: known when `next` has come to the end. More than 0. */
  readonly seconds: number;
  /** Back to the beginning. */
  rewind(): void;
}

/** What is wanted of a file. */
export interface TapeWishes {
  readonly enable: readonly ('video' | 'audio')[];
  /** Something is left out or wrong; the text is one of few. */
  problem(text: string): void;
}

/** Bytes of a file from `offset` on, fewer at its end. */
export type ReadBytes = (offset: number, length: number) => Promise<Uint8Array>;

/** A tape that lasts no time at all would be played for ever in no time. */
export const shortestSeconds = 0.04;
