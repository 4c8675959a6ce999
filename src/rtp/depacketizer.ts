/** What every payload format's depacketizer is: payloads in the order of their sequence numbers go in, access units come out. */
import type { Track } from '#media/track';
import type { RtpQuirk } from './quirks.ts';

export interface Depacketizer {
  /**
   * The payload is `bytes` from `begin` to `end`. `lost` packets are missing right before it.
   * Units are handed on as soon as they are known to be whole.
   */
  push(bytes: Uint8Array, begin: number, end: number, marker: boolean, timestamp: number, lost: number): void;
  /** What follows has nothing to do with what came before: forgets what is incomplete. */
  restart(): void;
}

export interface UnitTaker {
  /** `data` as `AccessUnit` has it, owned by the taker. `lost` packets are missing before or inside it. */
  unit(timestamp: number, keyframe: boolean, data: Uint8Array, lost: number): void;
  /** H.264 and H.265: other parameter sets than before apply from the next unit that is a keyframe on. In the order of `VideoTrack.parameterSets`. */
  parameterSets(sets: readonly Uint8Array[]): void;
  /** Other formats: from the next unit that is a keyframe on the track is this one. */
  format(track: Track): void;
  /** The sender is treated in a special way from now on. */
  quirk?(name: RtpQuirk): void;
  /** A payload that breaks its format; the text is one of few, to be counted. */
  fault(text: string): void;
}
