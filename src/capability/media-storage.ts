/**
 * Capability `media-storage`: an archive, for those who decide what is recorded and when
 * (docs/spec/config.md 10.2), and for those who have footage of the past that it lacks (8.3).
 */
import { capability } from '#core/capability';
import type { Sink } from '#hub/sink';
import type { AccessUnit } from '#media/access-unit';
import type { GapReason } from '#media/gap';

/**
 * The way into one track for one who records on command. It obeys the rules of a sink: the first
 * unit, and the first after a gap, is a key frame. Units that the track has already, from
 * somebody else or because its source is recorded permanently, are stored once.
 */
export interface Inlet extends Sink {
  /** Nothing more comes through this one. */
  close(): void;
}

/** A time in which a track was meant to have footage, and has none. UTC milliseconds. Plain data. */
export interface MissingFootage {
  readonly beginMs: number;
  readonly endMs: number;
  readonly reason: GapReason;
  /** The incomplete group of pictures right before it: footage from its beginning on takes its place. Null: the first key frame inside is the beginning. */
  readonly lead: { readonly beginMs: number; readonly format: string } | null;
}

/** The way into one gap: units in decoding order with the wall times that they had. What is outside, or cannot be decoded, is left out. */
export interface PastInlet {
  unit(unit: AccessUnit): void;
  /** Bytes that wait for the disk. Whoever does not wait before 64 MiB has failed. */
  readonly waitingBytes: number;
  /** Nothing more is taken: the end of the gap is reached, or it failed. */
  readonly over: boolean;
  /** Nothing more comes. Gives the times that are filled when they are safe, fewer than wanted if less came; rejects with what went wrong. */
  end(): Promise<readonly (readonly [beginMs: number, endMs: number])[]>;
  /** What is not part of the track yet is thrown away. Needed after a rejected `end` as little as after another. */
  cancel(): Promise<void>;
}

/** Keeps footage of tracks. Called on the loop of the sources; nothing of it waits there. */
export interface MediaStorage {
  /** From now on the track has reason `not-scheduled` while nobody records it. */
  open(track: string): Inlet;
  /** What is missing of a track, without anybody having decided so, and would be kept; newest first. Rejects while the archive does not work. */
  missing(track: string): Promise<readonly MissingFootage[]>;
  /** The gap as `missing` told it. One per track at a time; Fault while there is another, or the archive does not work. */
  fill(track: string, gap: MissingFootage): PastInlet;
}

export const MediaStorage = capability<MediaStorage>('media-storage', 'An archive that records what it is handed.');
