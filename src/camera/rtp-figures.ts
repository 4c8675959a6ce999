/** What the network did to the packets of a camera: plain numbers, for the log and for metrics. Restarts of the sender are no loss. */
export interface RtpFigures {
  readonly packets: number;
  /** Never came, or too late. */
  readonly lost: number;
  /** Access units that came of them, and those that a loss took something of or all: one at least for each hole. */
  readonly units: number;
  readonly lostUnits: number;
  /** Came when they were given up already, or twice. */
  readonly late: number;
  /** Came out of order, and were put right. */
  readonly reordered: number;
  /** Came from somebody else, and were dropped. */
  readonly strangers: number;
  /** Interarrival jitter now (RFC 3550 A.8), of the video, of the audio where there is no video. */
  readonly jitterMs: number;
}

export const noFigures: RtpFigures = {
  packets: 0,
  lost: 0,
  units: 0,
  lostUnits: 0,
  late: 0,
  reordered: 0,
  strangers: 0,
  jitterMs: 0,
};

/** All counts so far; the jitter is that of `now`. */
export const addFigures = (before: RtpFigures, now: RtpFigures): RtpFigures => ({
  packets: before.packets + now.packets,
  lost: before.lost + now.lost,
  units: before.units + now.units,
  lostUnits: before.lostUnits + now.lostUnits,
  late: before.late + now.late,
  reordered: before.reordered + now.reordered,
  strangers: before.strangers + now.strangers,
  jitterMs: now.jitterMs,
});
