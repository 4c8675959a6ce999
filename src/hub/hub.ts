/**
 * Fan-out of one stream: every unit goes to every sink, on the source's own loop, in the
 * order it came. The hub never waits and never copies. It keeps the latest group of
 * pictures, so that whoever comes late starts with a picture at once.
 *
 * What it promises every sink, whatever the source does:
 *   - the first unit, the first of a new run and the first after a gap is a keyframe of the
 *     video track (of any track in a run without video); what comes before it is dropped;
 *   - a gap is told once, and again only after media has flowed or for another reason;
 *     whoever attaches during a gap is told it;
 *   - a sink that throws is a bug of that sink: it is detached and reported, and neither the
 *     source nor the other sinks notice.
 */
import type { Sink } from '#hub/sink';
import type { AccessUnit } from '#media/access-unit';
import type { Gap } from '#media/gap';
import type { Run } from '#media/track';

export interface HubOptions {
  /** The kept group of pictures is dropped, up to the next keyframe, when it grows beyond either limit. */
  readonly gopLimitBytes: number;
  readonly gopLimitMs: number;
  /** A sink threw and is detached. */
  onBug(error: unknown, who: string): void;
  /** Somebody has attached or is detached. Called last, when the hub is in order again. */
  onSinks?(): void;
}

export interface AttachOptions {
  /** For people: which object, which use. */
  readonly who: string;
  /**
   * `keyframe`: the kept group of pictures first, before `attach` returns, for viewers; `kept`: so too, for
   * recordings, if nothing of it was lost; `next`: from the next keyframe that comes.
   */
  readonly from: 'keyframe' | 'kept' | 'next';
  /** With `kept`: a group that begins before this wall time, or is larger, is left out. */
  readonly notBeforeMs?: number;
  readonly mostBytes?: number;
}

class Attachment {
  readonly sink: Sink;
  readonly who: string;
  readonly from: AttachOptions['from'];
  /** It has not yet had a keyframe. */
  waiting = true;
  closed = false;

  constructor(sink: Sink, { who, from }: AttachOptions) {
    this.sink = sink;
    this.who = who;
    this.from = from;
  }
}

export class Hub {
  readonly #options: HubOptions;
  readonly #attached: Attachment[] = [];
  /** Sinks are being called; the list may grow at its end meanwhile, but not shrink. */
  #delivering = 0;
  #shrink = false;
  #run: Run | undefined;
  /** Index of the video track of the current run; -1 without video. */
  #videoTrack = -1;
  #gap: Gap | undefined;
  #dropped = 0;
  readonly #gop: AccessUnit[] = [];
  #gopBytes = 0;
  #keyframe: AccessUnit | undefined;

  constructor(options: HubOptions) {
    this.#options = options;
  }

  /** The run that flows now; undefined before the first unit and during a gap. */
  get run(): Run | undefined {
    return this.#run;
  }

  /** The newest keyframe of the video track of the current run, also when the group behind it was too large to keep. */
  get keyframe(): AccessUnit | undefined {
    return this.#keyframe;
  }

  /** Units that came where a keyframe had to come. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Bytes kept for late comers. */
  get keptBytes(): number {
    return this.#gopBytes;
  }

  get size(): number {
    return this.#count(undefined);
  }

  /** Sinks that want media from the latest keyframe on: viewers. */
  get viewers(): number {
    return this.#count('keyframe');
  }

  /** Who is attached, in order of attaching. */
  who(): readonly string[] {
    return this.#attached.filter(a => !a.closed).map(a => a.who);
  }

  publish(unit: AccessUnit): void {
    if (unit.run !== this.#run) {
      const videoTrack = unit.run.tracks.findIndex(t => t.kind === 'video');
      if (!unit.keyframe || (videoTrack >= 0 && unit.track !== videoTrack)) {
        this.#dropped++;
        return;
      }
      this.#forgetMedia();
      this.#run = unit.run;
      this.#videoTrack = videoTrack;
    }
    this.#gap = undefined;
    const starts = unit.keyframe && (this.#videoTrack < 0 || unit.track === this.#videoTrack);
    this.#keep(unit, starts);
    const attached = this.#attached;
    // A sink that attaches meanwhile has got this unit with the kept group, or waits for the next keyframe.
    const count = attached.length;
    this.#delivering++;
    for (let i = 0; i < count; i++) {
      const a = attached[i] as Attachment;
      if (a.closed || (a.waiting && !starts)) continue;
      a.waiting = false;
      try {
        a.sink.unit(unit);
      } catch (e) {
        this.#fail(a, e);
      }
    }
    this.#delivered();
  }

  /** The source has stopped delivering. What was kept is old now and primes nobody any more. */
  gap(gap: Gap): void {
    this.#forgetMedia();
    if (this.#gap?.reason === gap.reason) return;
    this.#gap = gap;
    const count = this.#attached.length;
    this.#delivering++;
    for (let i = 0; i < count; i++) this.#tell(this.#attached[i] as Attachment, gap);
    this.#delivered();
  }

  attach(sink: Sink, options: AttachOptions): { close(): void } {
    const a = new Attachment(sink, options);
    const count = this.#primes(options) ? this.#gop.length : 0;
    this.#attached.push(a);
    this.#delivering++;
    if (this.#gap) this.#tell(a, this.#gap);
    for (let i = 0; i < count && !a.closed; i++) {
      a.waiting = false;
      try {
        sink.unit(this.#gop[i] as AccessUnit);
      } catch (e) {
        this.#fail(a, e);
      }
    }
    this.#delivered();
    this.#options.onSinks?.();
    return { close: () => this.#detach(a) };
  }

  /** Detaches everybody and forgets what was kept. The hub can be used again. */
  close(): void {
    this.#forgetMedia();
    for (const a of [...this.#attached]) this.#detach(a);
  }

  /** The kept group is wanted. */
  #primes({
    from,
    notBeforeMs = Number.NEGATIVE_INFINITY,
    mostBytes = Number.POSITIVE_INFINITY,
  }: AttachOptions): boolean {
    if (from !== 'kept') return from === 'keyframe';
    if ((this.#gop[0]?.wallMs ?? 0) < notBeforeMs || this.#gopBytes > mostBytes) return false;
    // A camera that has just begun to send may have done so in the middle of something.
    return this.#gop.every((u, i) => i === 0 || u.lost === 0);
  }

  #tell(a: Attachment, gap: Gap): void {
    if (a.closed) return;
    try {
      a.sink.gap(gap);
    } catch (e) {
      this.#fail(a, e);
    }
  }

  #keep(unit: AccessUnit, starts: boolean): void {
    const gop = this.#gop;
    if (starts) {
      this.#forgetGroup();
      this.#keyframe = this.#videoTrack < 0 ? undefined : unit;
    } else if (gop.length === 0) return;
    const first = gop[0] ?? unit;
    this.#gopBytes += unit.data.length;
    gop.push(unit);
    // Half a group is of no use: who joined it would miss what lies between it and now.
    if (this.#gopBytes > this.#options.gopLimitBytes || unit.wallMs - first.wallMs > this.#options.gopLimitMs)
      this.#forgetGroup();
  }

  #forgetGroup(): void {
    this.#gop.length = 0;
    this.#gopBytes = 0;
  }

  #forgetMedia(): void {
    this.#run = undefined;
    this.#keyframe = undefined;
    this.#forgetGroup();
  }

  #fail(a: Attachment, error: unknown): void {
    this.#detach(a);
    this.#options.onBug(error, a.who);
  }

  #detach(a: Attachment): void {
    if (a.closed) return;
    a.closed = true;
    this.#shrink = true;
    if (this.#delivering === 0) this.#compact();
    this.#options.onSinks?.();
  }

  #delivered(): void {
    if (--this.#delivering === 0 && this.#shrink) this.#compact();
  }

  #compact(): void {
    this.#shrink = false;
    let kept = 0;
    for (const a of this.#attached) if (!a.closed) this.#attached[kept++] = a;
    this.#attached.length = kept;
  }

  #count(from: AttachOptions['from'] | undefined): number {
    let count = 0;
    for (const a of this.#attached) if (!a.closed && (from === undefined || a.from === from)) count++;
    return count;
  }
}
