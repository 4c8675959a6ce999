/** Capability `live-media`: what every source provides, and recorders, viewers and servers consume. */
import { capability } from '#core/capability';
import type { Sink } from '#hub/sink';
import type { Run } from '#media/track';

/** Access units as they come from a camera, file or generator. */
export interface LiveMedia {
  /**
   * Hands every unit to `sink` from now on, beginning with the latest group of pictures kept
   * (`from: 'keyframe'`, for viewers; `kept`, for recordings, unless it begins before `notBeforeMs`, is larger than
   * `mostBytes` or has a hole) or with the next key frame that comes (`from: 'next'`).
   * A dynamic source connects while somebody is attached. `close` may be called at any time, inside the sink too.
   */
  attach(
    sink: Sink,
    options: {
      readonly who: string;
      readonly from: 'keyframe' | 'kept' | 'next';
      readonly notBeforeMs?: number;
      readonly mostBytes?: number;
    },
  ): { close(): void };
  /** The run that flows now; undefined before the first unit and while there is none. */
  run(): Run | undefined;
}

export const LiveMedia = capability<LiveMedia>(
  'live-media',
  'Access units as they arrive from a camera, file or generator.',
);
