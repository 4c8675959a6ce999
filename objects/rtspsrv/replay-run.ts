/**
 * One PLAY of a recording: takes units from the player when they are due and the client takes them, packetizes
 * them for this one viewer, and says goodbye at the end (RFC 3550 6.6).
 *
 * Timestamps go on evenly at any speed, and over holes (RFC 2326 B): a second of them is a second of watching.
 * Which moment of the past that was, sender reports say, and the replay header of ONVIF where it is wanted.
 * A viewer that cannot keep up gets everything, later: time lost is not made up for.
 */
import type { Clock, Timer } from '#core/world';
import { sameTrack, type Track } from '#media/track';
import type { PlayedUnit, RecordedPlayer } from '#playback/recorded-player';
import { withReplayHeader } from '#rtp/replay-batch';
import { Chunk, type Piece, rtcpPiece, rtpPiece } from './chunk.ts';
import { mod32, type OutTrack } from './out-track.ts';
import { type Outlet, outletEveryMs } from './outlet.ts';

/** Later than this, and what follows is late by as much. */
const lateMs = 1000;
/** RFC 3550 6.2 recommends 5 s; a report is good for longer the more evenly time goes. */
const reportEveryMs = 2000;
/** Over UDP the goodbye has a port of its own, and a busy client may read it before what it has yet to read of media. */
const goodbyeAfterMs = 250;
/** A recording that is still being made is asked for more so often, and for so long. */
const followEveryMs = 250;
const followMs = 10_000;

export interface RunParts {
  readonly clock: Clock;
  readonly player: RecordedPlayer;
  readonly outs: readonly OutTrack[];
  /** There when it starts. */
  outlet(): Outlet | undefined;
  readonly cname: string;
  /** Milliseconds of recording that go by in one of watching; timestamps count the latter. */
  readonly rate: number;
  /** How much faster than watched they are sent: RFC 2326 12.35; infinite: as fast as the client takes them. */
  readonly speed: number;
  /** On the row of timestamps, in milliseconds from its beginning: where this PLAY begins. */
  readonly beginMs: number;
  /** Each unit gets the replay header, with this CSeq; undefined: none does. */
  readonly stamp: number | undefined;
  readonly follows: boolean;
  /** Nothing comes any more. `undefined`: all there is was sent. */
  ended(fault: unknown): void;
}

export class ReplayRun {
  readonly #parts: RunParts;
  /** `playMs` of the first unit, and when it was due. */
  readonly #firstPlayMs: number;
  #firstDueMs: number;
  #byTrack: readonly (OutTrack | undefined)[] = [];
  #tracks: readonly Track[] | undefined;
  #reportedMs = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;
  #reading: Promise<void> | undefined;
  /** What is said when everything before it has left. */
  #goodbye: { readonly chunk: Chunk; readonly fault: unknown } | undefined;
  #dryMs: number | undefined;
  #state: 'stopped' | 'runs' | 'over' = 'stopped';
  #last: PlayedUnit | undefined;
  #reachMs: number;

  /** The player has something to `peek` at. */
  constructor(parts: RunParts) {
    this.#parts = parts;
    this.#firstPlayMs = parts.player.peek()?.playMs ?? 0;
    this.#firstDueMs = 0;
    this.#reachMs = parts.beginMs;
  }

  /** How far the row of timestamps has been used, in milliseconds. */
  get reachMs(): number {
    return this.#reachMs;
  }

  /** The moment that comes next, or came last; UTC milliseconds. */
  get atMs(): number | undefined {
    return (this.#parts.player.peek() ?? this.#last)?.unit.wallMs;
  }

  get player(): RecordedPlayer {
    return this.#parts.player;
  }

  get isRunning(): boolean {
    return this.#state === 'runs';
  }

  get isOver(): boolean {
    return this.#state === 'over';
  }

  start(): void {
    if (this.#state !== 'stopped') return;
    this.#state = 'runs';
    const next = this.#parts.player.peek();
    this.#firstDueMs = this.#parts.clock.monotonicMs() - (next ? this.#afterMs(next) : 0);
    this.#reportedMs = Number.NEGATIVE_INFINITY;
    this.#pump();
  }

  /** May be started again. Resolves when the player is not busy any more. */
  async stop(): Promise<void> {
    if (this.#state === 'runs') this.#state = 'stopped';
    this.#timer?.cancel();
    this.#timer = undefined;
    await this.#reading;
  }

  #pump(): void {
    const { clock, player, speed } = this.#parts;
    const outlet = this.#parts.outlet();
    if (!outlet) return;
    while (this.#state === 'runs' && !this.#timer && !this.#reading) {
      if (this.#goodbye) {
        this.#leave(this.#goodbye, outlet);
        return;
      }
      const next = player.peek();
      if (!next) {
        this.#reading = this.#read();
        return;
      }
      const waitMs = Number.isFinite(speed) ? this.#firstDueMs + this.#afterMs(next) - clock.monotonicMs() : 0;
      if (waitMs > 0 || !outlet.hasRoom()) {
        this.#later(waitMs > 0 ? Math.min(waitMs, lateMs) : outletEveryMs);
        return;
      }
      if (waitMs < -lateMs) this.#firstDueMs -= waitMs;
      player.advance();
      this.#send(next);
    }
  }

  /** After the first unit of this PLAY, at the speed at which they are sent. */
  #afterMs(unit: PlayedUnit): number {
    const { rate, speed } = this.#parts;
    return Number.isFinite(speed) ? (unit.playMs - this.#firstPlayMs) / (rate * speed) : 0;
  }

  #later(ms: number): void {
    this.#timer = this.#parts.clock.after(ms, () => {
      this.#timer = undefined;
      this.#pump();
    });
  }

  async #read(): Promise<void> {
    const { player, clock, follows } = this.#parts;
    try {
      const found = await player.more();
      this.#reading = undefined;
      if (found) this.#dryMs = undefined;
      else if (this.#state === 'runs') {
        this.#dryMs ??= clock.monotonicMs();
        if (follows && clock.monotonicMs() - this.#dryMs < followMs) this.#later(followEveryMs);
        else this.#end(undefined);
      }
    } catch (fault) {
      this.#reading = undefined;
      this.#end(fault);
    }
    this.#pump();
  }

  #send(played: PlayedUnit): void {
    if (played.tracks !== this.#tracks && !this.#take(played.tracks)) {
      this.#end('the recording goes on in another format');
      return;
    }
    this.#last = played;
    const { clock, rate, beginMs, stamp } = this.#parts;
    const { unit } = played;
    const rowMs = beginMs + (played.playMs - this.#firstPlayMs) / rate;
    this.#reachMs = Math.max(this.#reachMs, rowMs);
    const nowMs = clock.monotonicMs();
    const pieces: Piece[] = [];
    if (played.discontinuity || nowMs - this.#reportedMs >= reportEveryMs) {
      this.#reportedMs = nowMs;
      pieces.push(...this.#reports(unit.wallMs, rowMs, false));
    }
    const out = this.#byTrack[unit.track];
    if (out) {
      const batch = out.packetizeAt(unit, out.timeOf(rowMs));
      const header =
        stamp === undefined
          ? undefined
          : {
              wallMs: unit.wallMs,
              cleanPoint: unit.keyframe,
              endsSection: played.endsSection,
              discontinuity: played.discontinuity,
              endsReplay: played.endsAll,
              cseq: stamp,
            };
      if (batch.count > 0) pieces.push(rtpPiece(out.number, header ? withReplayHeader(batch, header) : batch));
    }
    if (pieces.length > 0) this.#parts.outlet()?.send(new Chunk(pieces));
  }

  #reports(wallMs: number, rowMs: number, leaves: boolean): Piece[] {
    const { outs, cname } = this.#parts;
    return outs.map(o => rtcpPiece(o.number, o.report(wallMs, cname, mod32(o.timeOf(rowMs)), leaves)));
  }

  /** Other tracks, which come out as those that the client knows; false if they cannot. */
  #take(tracks: readonly Track[]): boolean {
    const { outs } = this.#parts;
    const byTrack = outsFor(outs, tracks);
    if (!byTrack) return false;
    for (const [i, out] of byTrack.entries()) {
      const track = tracks[i];
      if (out && track && !sameTrack(out.track, track)) out.continueAs(track);
    }
    this.#byTrack = byTrack;
    this.#tracks = tracks;
    return true;
  }

  /** The pump says it. */
  #end(fault: unknown): void {
    if (this.#state === 'over') return;
    const chunk = new Chunk(this.#reports(this.#last?.unit.wallMs ?? 0, this.#reachMs, true));
    this.#goodbye = { chunk, fault };
    this.#later(goodbyeAfterMs);
  }

  #leave({ chunk, fault }: { readonly chunk: Chunk; readonly fault: unknown }, outlet: Outlet): void {
    if (!outlet.hasRoom()) {
      this.#later(outletEveryMs);
      return;
    }
    outlet.send(chunk);
    this.#state = 'over';
    this.#parts.ended(fault);
  }
}

/** For each of these tracks the one that it comes out as, if any; undefined if one of them is another than the client was told. */
export function outsFor(
  outs: readonly OutTrack[],
  tracks: readonly Track[],
): readonly (OutTrack | undefined)[] | undefined {
  const used = new Set<OutTrack>();
  const found = tracks.map(track => {
    const out = outs.find(o => o.track.kind === track.kind && !used.has(o));
    if (out) used.add(out);
    return out;
  });
  return found.every((out, i) => !out || out.fits(tracks[i] as Track)) ? found : undefined;
}
