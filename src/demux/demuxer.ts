/** What every demuxer is: bytes of a container, split anywhere, go in; runs and access units come out. No I/O, no clock. */
import type { RunTaker } from '#demux/run-maker';

/** `unit.wallMs` follows the times of arrival given to `push`, smoothed; who has a better one (a file, a playlist) replaces it. */
export type DemuxerTaker = RunTaker;

export interface DemuxerOptions {
  /** Ids of runs go on growing over demuxers of one source. */
  nextRunId(): number;
  /** Default both. */
  readonly enable?: readonly ('video' | 'audio')[];
}

export interface StreamDemuxer {
  /** `arrivalMs`: wall clock, UTC milliseconds. The bytes are not kept. */
  push(bytes: Uint8Array, arrivalMs: number): void;
  /** The stream has ended: what is whole goes out. */
  end(): void;
}
