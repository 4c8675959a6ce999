/** Capability `media-storage`: an archive, for those who decide what is recorded and when (docs/spec/config.md 10.2). */
import { capability } from '#core/capability';
import type { Sink } from '#hub/sink';

/**
 * The way into one track for one who records on command. It obeys the rules of a sink: the first
 * unit, and the first after a gap, is a key frame. Units that the track has already, from
 * somebody else or because its source is recorded permanently, are stored once.
 */
export interface Inlet extends Sink {
  /** Nothing more comes through this one. */
  close(): void;
}

/** Keeps footage of tracks. Called on the loop of the sources; nothing of it waits. */
export interface MediaStorage {
  /** From now on the track has reason `not-scheduled` while nobody records it. */
  open(track: string): Inlet;
}

export const MediaStorage = capability<MediaStorage>('media-storage', 'An archive that records what it is handed.');
