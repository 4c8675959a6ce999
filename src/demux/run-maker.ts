/**
 * Units of one video and one audio stream with 33-bit times to access units of runs (media/track).
 *
 * A run begins with a keyframe of the video (with any unit if there is only sound) and ends where its times
 * jump, and where other parameter sets or another format of the sound come: then the next keyframe begins
 * another one. What the sound is shows only in its first frame, so a run is held back until that has come, for
 * at most 1.5 s of media or 8 MiB; sound that shows itself later is left out up to the next keyframe, which begins a run with it.
 * Sound is multiplexed earlier or later than its pictures: what is up to 1 s older than the first
 * keyframe in the stream and not older in time is kept for the run.
 */
import type { AccessUnit } from '#media/access-unit';
import { type AudioTrack, type Run, sameTrack, type Track, type VideoTrack } from '#media/track';
import { WallAnchor } from '#media/wall-anchor';

/** Stamps count 90000 in a second and wrap after 2^33 (26.5 hours). */
export const stampWrap = 2 ** 33;
/** Per second. */
export const stampRate = 90_000;

/** What a run maker says, and a demuxer with it. */
export interface RunTaker {
  /** From the next unit on. */
  run(run: Run): void;
  /** In decoding order per track; the first of a run is a keyframe of the video track, if there is one. */
  unit(unit: AccessUnit): void;
  /** The text is one of few, to be counted. */
  problem(text: string): void;
  /** A line of subtitles, shown from `pts` of the run on, in 90 kHz. Only from containers that have such. */
  text?(run: Run, pts: number, text: string): void;
}

/** A step of time beyond these is a jump. Pictures in decoding order never go back. */
const backTicks = stampRate / 2;
const aheadTicks = 10 * stampRate;
const holdTicks = 1.5 * stampRate;
const holdLimitBytes = 8 << 20;
const earlyTicks = stampRate;
const earlyLimitBytes = 256 << 10;
const earlyLimit = 200;

interface Held {
  readonly video: boolean;
  readonly pts: number;
  readonly dts: number;
  readonly keyframe: boolean;
  readonly data: Uint8Array;
  readonly lost: number;
  readonly arrivalMs: number;
  readonly samples: number | undefined;
}

export class RunMaker {
  readonly #taker: RunTaker;
  readonly #nextRunId: () => number;
  readonly #jitterTicks: number;
  /** What the program has, whether it has shown itself or not. */
  #hasVideo = false;
  #hasAudio = false;
  #video: VideoTrack | undefined;
  #audio: AudioTrack | undefined;
  #run: Run | undefined;
  /** The next keyframe begins another run. */
  #over = false;
  /** A keyframe has come and is held until the format of the sound is known. */
  #holding = false;
  /** The sound did not show itself in time: runs begin without it. */
  #silent = false;
  #held: Held[] = [];
  #heldBytes = 0;
  /** Latest time known, unwrapped; NaN: none. Times are told apart from it. */
  #reference = Number.NaN;
  #zero = 0;
  #lastDts = 0;
  #lastAudio = 0;
  #lastAudioWall = 0;
  /** Time of the next frame if it follows without a seam; -1: not known. */
  #nextAudio = -1;
  /** Decoding time of the latest picture, in the stream's time; NaN: none. */
  #latest = Number.NaN;
  #anchor = new WallAnchor();
  /** Of the latest unit. */
  #lost = 0;

  /** `jitterTicks`: how far stamps of sound are off because the container rounds them. */
  constructor(taker: RunTaker, nextRunId: () => number, jitterTicks = 1) {
    this.#taker = taker;
    this.#jitterTicks = jitterTicks;
    this.#nextRunId = nextRunId;
  }

  /** The program has these from now on; what it had that is gone or of another kind is said to be new. */
  streams(video: 'none' | 'same' | 'new', audio: 'none' | 'same' | 'new'): void {
    if (this.#holding) this.#begin();
    if (video !== 'same') {
      this.#video = undefined;
      this.#hasVideo = video === 'new';
      this.#endRun();
    }
    if (audio !== 'same') {
      const had = this.#audio;
      this.#audio = undefined;
      this.#hasAudio = audio === 'new';
      this.#silent = false;
      if (had !== undefined) this.#over = true;
      if (!this.#hasVideo) this.#endRun();
    }
  }

  format(track: Track): void {
    if (track.kind === 'video') {
      const before = this.#video;
      this.#video = track;
      if (before === undefined || !sameTrack(before, track)) this.#over = true;
      return;
    }
    const before = this.#audio;
    if (before !== undefined && sameTrack(before, track)) return;
    // Sound of the format before, if it was held, belongs to no run.
    if (before !== undefined) this.#dropHeldSound();
    this.#audio = track;
    this.#silent = false;
    if (this.#run !== undefined) this.#over = true;
  }

  video(pts: number, dts: number, keyframe: boolean, data: Uint8Array, lost: number, arrivalMs: number): void {
    let at = this.#unwrap(dts);
    const step = at - this.#latest;
    if (step < -backTicks || step > aheadTicks) {
      this.#jump();
      at = dts;
    }
    this.#latest = this.#reference = at;
    const shown = at + signed(pts - dts);
    const unit: Held = {
      video: true,
      pts: shown,
      dts: at,
      keyframe,
      data,
      lost: lost + this.#lost,
      arrivalMs,
      samples: undefined,
    };
    if (this.#holding) {
      // A keyframe of another format while the first is held: that one goes its way without sound.
      if (keyframe && this.#over) this.#begin();
      else {
        this.#hold(unit);
        return;
      }
    }
    if (keyframe && (this.#run === undefined || this.#over || this.#anchor.broken)) {
      if (this.#video === undefined) return;
      this.#over = false;
      this.#zero = at;
      this.#run = undefined;
      this.#holding = true;
      this.#hold(unit);
      if (this.#audio !== undefined || !this.#hasAudio || this.#silent) this.#begin();
      return;
    }
    if (this.#run === undefined) {
      this.#lost += lost + 1;
      return;
    }
    this.#lost = 0;
    this.#giveVideo(this.#run, unit);
  }

  /** `samples`: how long it is, where the track's units are not all alike. */
  audio(pts: number, data: Uint8Array, lost: number, arrivalMs: number, samples?: number): void {
    if (this.#audio === undefined) return;
    let at = this.#unwrap(pts);
    if (this.#hasVideo) {
      const off = at - this.#latest;
      if (off < -aheadTicks || off > aheadTicks) {
        this.#taker.problem('sound far from its pictures');
        return;
      }
    } else {
      const step = at - this.#latest;
      if (step < -backTicks || step > aheadTicks) {
        this.#jump();
        at = pts;
      }
      this.#latest = this.#reference = at;
      if (this.#run === undefined || this.#over || this.#anchor.broken) this.#beginSound(at);
    }
    const unit: Held = { video: false, pts: at, dts: at, keyframe: true, data, lost, arrivalMs, samples };
    if (this.#run === undefined) {
      this.#hold(unit);
      if (this.#holding) this.#begin();
    } else this.#giveAudio(this.#run, unit);
  }

  /** What cannot be placed, because no run has begun or it is far from it, is left out. */
  text(pts: number, text: string): void {
    const at = this.#unwrap(pts) - this.#zero;
    if (this.#run !== undefined && at >= 0) this.#taker.text?.(this.#run, Math.round(at), text);
  }

  /** Nothing follows, or what follows has nothing to do with it: what is held goes out. */
  end(): void {
    if (this.#holding) this.#begin();
    this.#endRun();
    this.#reference = this.#latest = Number.NaN;
  }

  #jump(): void {
    if (this.#holding) this.#begin();
    this.#taker.problem('times jump');
    this.#endRun();
  }

  #endRun(): void {
    this.#run = undefined;
    this.#holding = false;
    this.#held = [];
    this.#heldBytes = 0;
  }

  #hold(unit: Held): void {
    this.#held.push(unit);
    this.#heldBytes += unit.data.length;
    if (!this.#holding) this.#trimEarly(unit.pts);
    else if (unit.dts - this.#zero > holdTicks || this.#heldBytes > holdLimitBytes) {
      this.#silent = this.#audio === undefined;
      this.#begin();
    }
  }

  #trimEarly(now: number): void {
    let drop = 0;
    for (const { pts, data } of this.#held) {
      const count = this.#held.length - drop;
      if (now - pts <= earlyTicks && this.#heldBytes <= earlyLimitBytes && count <= earlyLimit) break;
      this.#heldBytes -= data.length;
      drop++;
    }
    if (drop > 0) this.#held.splice(0, drop);
  }

  #dropHeldSound(): void {
    this.#held = this.#held.filter(h => h.video);
    this.#heldBytes = this.#held.reduce((sum, h) => sum + h.data.length, 0);
  }

  /** What is held becomes the beginning of a run, its picture first. */
  #begin(): void {
    const video = this.#video;
    const held = this.#held;
    this.#holding = false;
    this.#held = [];
    this.#heldBytes = 0;
    if (video === undefined) return;
    const run = this.#newRun(this.#audio === undefined ? [video] : [video, this.#audio]);
    let begun = false;
    const early: Held[] = [];
    for (const unit of held) {
      if (unit.video) {
        this.#giveVideo(run, unit);
        if (!begun) for (const sound of early) this.#giveAudio(run, sound);
        begun = true;
      } else if (begun) this.#giveAudio(run, unit);
      else early.push(unit);
    }
  }

  #beginSound(at: number): void {
    const audio = this.#audio;
    if (audio === undefined) return;
    this.#zero = at;
    this.#newRun([audio]);
  }

  #newRun(tracks: readonly Track[]): Run {
    const run: Run = Object.freeze({ id: this.#nextRunId(), tracks: Object.freeze([...tracks]) });
    this.#run = run;
    this.#over = false;
    this.#lastDts = Number.NEGATIVE_INFINITY;
    this.#lastAudio = -1;
    this.#nextAudio = -1;
    this.#lastAudioWall = 0;
    this.#lost = 0;
    this.#anchor = new WallAnchor();
    this.#taker.run(run);
    return run;
  }

  #giveVideo(run: Run, unit: Held): void {
    let dts = Math.round(unit.dts - this.#zero);
    let pts = Math.round(unit.pts - this.#zero);
    if (dts <= this.#lastDts) dts = this.#lastDts + 1;
    // A stream without decoding times whose pictures are reordered, or with wrong ones.
    if (pts < dts) pts = dts;
    this.#lastDts = dts;
    const wallMs = this.#anchor.unit((pts * 1000) / stampRate, unit.arrivalMs);
    const { keyframe, data, lost } = unit;
    this.#taker.unit({ run, track: 0, pts, dts, wallMs, keyframe, data, lost });
  }

  #giveAudio(run: Run, unit: Held): void {
    const index = run.tracks.length - 1;
    const track = run.tracks[index];
    if (track?.kind !== 'audio' || this.#audio === undefined || !sameTrack(track, this.#audio)) return;
    const { samples } = unit;
    const exact = ((unit.pts - this.#zero) * track.timescale) / stampRate;
    const pts = this.#smooth(exact, samples ?? track.samplesPerUnit, track.timescale);
    if (pts < 0 || pts <= this.#lastAudio) return;
    this.#lastAudio = pts;
    const mediaMs = (pts * 1000) / track.timescale;
    const wallMs = index === 0 ? this.#anchor.unit(mediaMs, unit.arrivalMs) : mediaMs + this.#anchor.offsetMs;
    this.#lastAudioWall = Math.max(this.#lastAudioWall, wallMs);
    const { data, lost } = unit;
    this.#taker.unit({ run, track: index, pts, dts: pts, wallMs: this.#lastAudioWall, keyframe: true, data, lost });
  }

  /** Frames follow each other without a seam where stamps, which are rounded, nearly say so. */
  #smooth(exact: number, samples: number, timescale: number): number {
    const pts = Math.round(exact);
    const expected = this.#nextAudio;
    this.#nextAudio = -1;
    if (samples === 0) return pts;
    this.#nextAudio = pts + samples;
    if (expected < 0) return pts;
    const off = exact - expected;
    const jitter = Math.max(1, (this.#jitterTicks * timescale) / stampRate);
    if (Math.abs(off) > Math.max(jitter, samples / 2)) return pts;
    const most = Math.max(1, Math.floor(samples / 100));
    const smooth = Math.abs(off) <= jitter ? expected : expected + Math.round(Math.max(-most, Math.min(most, off)));
    this.#nextAudio = smooth + samples;
    return smooth;
  }

  #unwrap(stamp: number): number {
    if (Number.isNaN(this.#reference)) this.#reference = stamp;
    return this.#reference + signed(stamp - this.#reference);
  }
}

/** A distance of stamps, which wrap, as the shortest way. */
function signed(distance: number): number {
  const positive = ((distance % stampWrap) + stampWrap) % stampWrap;
  return positive >= stampWrap / 2 ? positive - stampWrap : positive;
}
