/**
 * One source as all its viewers get it: a reader of the hub that packetizes once. It keeps
 * the chunks of the latest group of pictures; each viewer has a place among them and takes
 * what it can. Who falls behind the group goes on with the next one: that is "skip to
 * keyframe", and costs nobody else anything.
 *
 * Kept: one group of at most `groupLimitBytes`, or `tailLimitBytes` of one that is longer. Lives
 * while somebody holds it; a dynamic source is connected for as long.
 */
import type { LiveMedia } from '#capability/live-media';
import type { World } from '#core/world';
import type { Sink } from '#hub/sink';
import type { AccessUnit } from '#media/access-unit';
import type { Run } from '#media/track';
import { type SessionDescription, writeSdp } from '#sdp/sdp';
import { trackSection } from '#sdp/track-section';
import { Chunk, type Piece, rtcpPiece, rtpPiece } from './chunk.ts';
import { OutTrack } from './out-track.ts';

const groupLimitBytes = 16 << 20;
const groupLimitMs = 64_000;
/** Of a group that is too long to be joined: what viewers that are a little behind still need. */
const tailLimitBytes = 1 << 20;
/** RFC 3550 6.2 recommends 5 s; every group has one at its beginning, so that a viewer knows UTC at once. */
const reportEveryMs = 5_000;
/** Sound waits for the next picture, so that both leave in one write; but not longer. */
const soundWaitMs = 45;
/** Without video any unit may be the first: groups are made by time. */
const soundGroupMs = 1_000;

/** Who is sent to. Called within the source's own loop: never throws, never waits. */
export interface Taker {
  /** There is something new. */
  pump(): void;
  /** The stream is over, or is another one now: the SDP must be asked for anew. */
  ended(why: string): void;
}

/** Of a track, for RTP-Info and Transport. */
export interface TrackStart {
  readonly track: number;
  readonly ssrc: number;
  readonly seq: number;
  readonly timestamp: number;
}

export class Stream implements Sink {
  readonly #world: Pick<World, 'clock' | 'random'>;
  readonly #name: string;
  readonly #cname: string;
  readonly #outs: OutTrack[] = [];
  /** Of the present run: by its track index. */
  #byIndex: (OutTrack | undefined)[] = [];
  #hasVideo = false;
  #run: Run | undefined;
  /** Wall clock of the stream's beginning, moved on where a run would otherwise go back in time. */
  #originMs: number | undefined;
  readonly #takers = new Set<Taker>();
  readonly #waiting = new Set<() => void>();
  readonly #attached: { close(): void };
  #over: string | undefined;

  /** Chunk n of the stream is `#chunks[n - #first]`. */
  #chunks: Chunk[] = [];
  #first = 0;
  #keptBytes = 0;
  /** Where the group that can be joined begins. */
  #start: number | undefined;
  #startMs = 0;
  #pending: Piece[] = [];
  #pendingMs = 0;
  #reportedMs = Number.NEGATIVE_INFINITY;

  constructor(name: string, media: LiveMedia, world: Pick<World, 'clock' | 'random'>) {
    this.#name = name;
    this.#world = world;
    this.#cname = Array.from(world.random.bytes(6), b => b.toString(16).padStart(2, '0')).join('');
    const run = media.run();
    if (run) this.#take(run);
    this.#attached = media.attach(this, { who: 'rtspsrv', from: 'keyframe' });
    if (this.#over !== undefined) this.#attached.close(); // ended by what it was given while it was attached
  }

  /** What viewers may set up; empty until the source says what it has. */
  get tracks(): readonly OutTrack[] {
    return this.#outs;
  }

  /** The source has said what it has. */
  get known(): boolean {
    return this.#run !== undefined;
  }

  /** Why it is over; undefined while it is not. */
  get over(): string | undefined {
    return this.#over;
  }

  /** Resolves when there are tracks, when the stream is over, or after `ms`. */
  ready(ms: number): Promise<void> {
    if (this.#run || this.#over !== undefined) return Promise.resolve();
    return new Promise(resolve => {
      const done = (): void => {
        timer.cancel();
        this.#waiting.delete(done);
        resolve();
      };
      const timer = this.#world.clock.after(ms, done);
      this.#waiting.add(done);
    });
  }

  sdp(): string {
    const description: SessionDescription = {
      origin: '- 1 1 IN IP4 0.0.0.0',
      name: this.#name,
      connection: 'IN IP4 0.0.0.0',
      attributes: [
        ['control', '*'],
        ['range', 'npt=now-'],
      ],
      media: this.#outs.flatMap(o => trackSection(o.track, o.payloadType, `trackID=${o.number}`) ?? []),
    };
    return writeSdp(description);
  }

  /** What a viewer that joins now gets first, all tracks at one moment; undefined while no group can be joined. */
  starts(): readonly TrackStart[] | undefined {
    if (this.#start === undefined) return undefined;
    const group = this.#chunks.slice(this.#start - this.#first);
    return this.#outs.map(o => {
      const seq = group.map(c => c.firstSeq(o.number)).find(s => s !== undefined) ?? o.seq;
      return { track: o.number, ssrc: o.ssrc, seq, timestamp: o.timeAt(this.#startMs) };
    });
  }

  join(taker: Taker): void {
    this.#takers.add(taker);
  }

  leave(taker: Taker): void {
    this.#takers.delete(taker);
  }

  /**
   * The chunk at a viewer's place. `at` -1, or a place that is gone: the beginning of the
   * group that can be joined; undefined when there is nothing to send yet.
   */
  place(at: number): number {
    return at >= this.#first ? at : (this.#start ?? -1);
  }

  chunk(place: number): Chunk | undefined {
    return place < 0 ? undefined : this.#chunks[place - this.#first];
  }

  unit(unit: AccessUnit): void {
    if (this.#over !== undefined) return;
    if (unit.run !== this.#run && !this.#take(unit.run)) return;
    const out = this.#byIndex[unit.track];
    if (!out) return;
    if (this.#anchored !== unit.run) this.#anchor(unit);
    const isVideo = out.track.kind === 'video';
    const starts = this.#hasVideo
      ? isVideo && unit.keyframe
      : this.#start === undefined || unit.wallMs - this.#startMs >= soundGroupMs;
    if (starts) this.#begin(unit.wallMs);
    else if (this.#start !== undefined && unit.wallMs - this.#startMs > groupLimitMs) this.#start = undefined;
    const batch = out.packetize(unit);
    if (starts || unit.wallMs - this.#reportedMs >= reportEveryMs) this.#report(unit.wallMs);
    if (batch.count > 0) {
      if (this.#pending.length === 0) this.#pendingMs = unit.wallMs;
      this.#pending.push(rtpPiece(out.number, batch));
    }
    if (isVideo || !this.#hasVideo || unit.wallMs - this.#pendingMs >= soundWaitMs) this.#flush();
  }

  /** Viewers wait; what was kept is old now. */
  gap(): void {
    this.#flush();
    this.#forget();
  }

  /** Nobody holds it any more, or the source is gone. */
  end(why: string): void {
    if (this.#over !== undefined) return;
    this.#over = why;
    this.#attached?.close(); // none yet while it is being attached
    this.#forget();
    for (const done of [...this.#waiting]) done();
    for (const taker of [...this.#takers]) taker.ended(why);
    this.#takers.clear();
  }

  #anchored: Run | undefined;

  /** Places a run on the stream's row of timestamps, where the wall clock has it. */
  #anchor(unit: AccessUnit): void {
    this.#anchored = unit.run;
    const timescale = unit.run.tracks[unit.track]?.timescale ?? 1;
    const beganMs = unit.wallMs - (unit.pts * 1000) / timescale;
    this.#originMs ??= beganMs;
    const outs = this.#byIndex.filter(o => o !== undefined);
    // The wall clock was set back, or the camera's ran fast: time goes on all the same.
    const aheadMs = (unit.pts * 1000) / timescale;
    const reach = Math.max(0, ...outs.map(o => o.reachMs(beganMs + aheadMs - (this.#originMs ?? 0))));
    if (reach > 0) this.#originMs -= reach + 1;
    for (const o of outs) o.anchor(beganMs - this.#originMs, beganMs);
  }

  /** Tracks of a run that is new; false if they are none that viewers could go on with. */
  #take(run: Run): boolean {
    const used = new Set<OutTrack>();
    const byIndex = run.tracks.map(track => {
      const same = this.#outs.find(o => o.track.kind === track.kind && !used.has(o));
      if (same) used.add(same);
      return { track, same };
    });
    const other = byIndex.find(({ track, same }) => same && !same.fits(track));
    if (other) {
      this.end(`the ${other.track.kind} is another one now`);
      return false;
    }
    const isFirst = this.#outs.length === 0;
    this.#byIndex = byIndex.map(({ track, same }) => {
      if (same) {
        if (!isFirst) same.continueAs(track);
        return same;
      }
      const created = OutTrack.create(this.#outs.length, track, () => this.#word());
      if (created) this.#outs.push(created);
      return created;
    });
    this.#run = run;
    this.#hasVideo = this.#byIndex.some(o => o?.track.kind === 'video');
    for (const done of [...this.#waiting]) done();
    return true;
  }

  #begin(wallMs: number): void {
    this.#flush();
    this.#forget();
    this.#start = this.#first;
    this.#startMs = wallMs;
  }

  #report(wallMs: number): void {
    this.#reportedMs = wallMs;
    for (const o of this.#byIndex) if (o) this.#pending.push(rtcpPiece(o.number, o.report(wallMs, this.#cname)));
  }

  #flush(): void {
    if (this.#pending.length === 0) return;
    const chunk = new Chunk(this.#pending);
    this.#pending = [];
    this.#chunks.push(chunk);
    this.#keptBytes += chunk.bytes.length;
    if (this.#keptBytes > groupLimitBytes) this.#start = undefined;
    for (const taker of this.#takers) taker.pump();
    if (this.#start === undefined) this.#cut();
  }

  /** Keeps no more of a group that nobody can join than the tail. */
  #cut(): void {
    let gone = 0;
    while (this.#keptBytes > tailLimitBytes && gone < this.#chunks.length - 1)
      this.#keptBytes -= this.#chunks[gone++]?.bytes.length ?? 0;
    if (gone === 0) return;
    this.#chunks.splice(0, gone);
    this.#first += gone;
  }

  #forget(): void {
    this.#first += this.#chunks.length;
    this.#chunks = [];
    this.#keptBytes = 0;
    this.#start = undefined;
  }

  #word(): number {
    const [a = 0, b = 0, c = 0, d = 0] = this.#world.random.bytes(4);
    return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
  }
}
