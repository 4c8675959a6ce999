/**
 * How two tracks of a session lie beside each other. Their RTP clocks begin anywhere; what
 * relates them is, best first: sender reports of both (RFC 3550 6.4.1), RTP-Info of PLAY's
 * answer (RFC 2326 12.33), and when their packets came. Cameras fill the first two with
 * nonsense often enough, so they are believed only while they agree roughly with the third.
 */
import type { TrackReceiver } from './track-receiver.ts';

/** Some cameras open with a group of pictures at once, so arrival is off by as much. */
const roughlyMs = 12_000;
/** Extrapolation and wrapping allow no old ones. */
const freshMs = 60_000;

/** Ticks, in the timescale of `track`, at the instant at which `master` is at its zero. With `only`, the present zero if there are no reports. */
export function zeroOf(track: TrackReceiver, master: TrackReceiver, nowMs: number, only?: 'reports'): number {
  const masterZero = master.zero / master.scale;
  const rate = track.clock.clockRate;
  const masterRate = master.clock.clockRate;
  const byArrival = ((masterZero * 1000) / masterRate + master.clock.leadMs - track.clock.leadMs) * (rate / 1000);
  const believable = (ticks: number): boolean => Math.abs(ticks - byArrival) * 1000 < roughlyMs * rate;
  if (nowMs - track.reportMs < freshMs && nowMs - master.reportMs < freshMs) {
    const wallMs =
      master.reportWallMs + ((masterZero - master.clock.ticksOf(master.reportTimestamp)) * 1000) / masterRate;
    const ticks = track.clock.ticksOf(track.reportTimestamp) + ((wallMs - track.reportWallMs) * rate) / 1000;
    if (believable(ticks)) return Math.round(ticks * track.scale);
  }
  if (only === 'reports') return track.zero;
  if (nowMs - track.infoMs < freshMs && nowMs - master.infoMs < freshMs) {
    const since = (masterZero - master.clock.ticksOf(master.infoTimestamp)) / masterRate;
    const ticks = track.clock.ticksOf(track.infoTimestamp) + since * rate;
    if (believable(ticks)) return Math.round(ticks * track.scale);
  }
  return Math.round(byArrival * track.scale);
}
