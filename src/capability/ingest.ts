/**
 * Capability `ingest`: what a push source provides, and every server that somebody can publish
 * through consumes. The server has spoken the protocol and checked the right; what it hands over
 * are access units, whatever they came in.
 */
import { capability } from '#core/capability';
import type { Sink } from '#hub/sink';
import type { GapReason } from '#media/gap';

export type PublishingProtocol = 'whip' | 'rtsp' | 'ts';

/** Who publishes. */
export interface Publisher {
  readonly protocol: PublishingProtocol;
  /** Address and port, for people. */
  readonly from: string;
  /** The source ends it: taken over by another, no media for too long, a command. Once, and never after `close`. */
  ended(why: string): void;
}

/** A publisher's place in the source. What comes after its end is ignored. */
export interface Publication extends Sink {
  /** Runs are numbered over all publications. */
  nextRunId(): number;
  /** The publisher has gone: as it said (`no-media`), or not (`network-loss`). May be called twice. */
  close(reason: GapReason): void;
}

/** A place for one publisher at a time. */
export interface Ingest {
  /** Media that are taken; others may be sent and are left out. */
  readonly wants: { readonly video: boolean; readonly audio: boolean };
  /** Whose clock says when a picture was taken (config.md 8.1). */
  readonly time: 'server' | 'device';
  /**
   * From now on the place is taken; whoever sends nothing loses it. Fault `busy-publisher` while somebody
   * else has it and it cannot be taken over, `forbidden` for a protocol that is not allowed.
   */
  publish(publisher: Publisher): Publication;
}

export const Ingest = capability<Ingest>('ingest', 'Takes the media that somebody publishes.');
