/** One movie fragment as it leaves the fragmenter: `moof` + `mdat`, in front of them a `prft` if wanted (ISO/IEC 14496-12 8.8, 8.16.5). */
import type { Run } from '#media/track';

export interface FragmentTrack {
  /** Index into `run.tracks`; track_ID in the file is one more. */
  readonly track: number;
  /** Decoding time of the first sample as written in `tfdt`, in the track's timescale. */
  readonly baseDts: number;
  /** Sum of the samples' durations, in the track's timescale. */
  readonly duration: number;
  readonly samples: number;
  readonly bytes: number;
}

export interface Fragment {
  readonly run: Run;
  /** `prft` if wanted, `moof`, and the header of `mdat`. */
  readonly header: Uint8Array;
  /** Sample data in file order: all of the first track, then all of the next. Views of access units, not copies. */
  readonly chunks: readonly Uint8Array[];
  /** Of header and chunks together. */
  readonly bytes: number;
  /** Wall clock of the first video sample (of the first sample, without video), UTC milliseconds. */
  readonly beginMs: number;
  /** `beginMs` plus the duration of the video samples. */
  readonly endMs: number;
  /** Its first video sample is a keyframe. */
  readonly keyframe: boolean;
  readonly tracks: readonly FragmentTrack[];
}
