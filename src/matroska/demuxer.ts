/**
 * Matroska and WebM (RFC 9559) to access units: bytes split anywhere go in, runs and units come out. The
 * first video and the first sound that we know are taken, and the first subtitles. Read from front to
 * back, so an index (Cues) is not needed, and neither are sizes of segments and clusters. Times of blocks are
 * times of presentation, rounded to a millisecond by most writers: decoding times follow from them
 * (media/decoding-order), and frames of sound follow each other without a seam.
 *
 * Whatever the bytes are: no throw; an element of more than 16 MiB is passed over; after garbage the next cluster is
 * looked for. Left out: chapters, tags, attachments, ordered editions, encryption, compression other than header stripping.
 */
import type { DemuxerOptions, DemuxerTaker, StreamDemuxer } from '#demux/demuxer';
import { RunMaker, stampRate, stampWrap } from '#demux/run-maker';
import { DecodingOrder } from '#media/decoding-order';
import { parseBlock } from './block.ts';
import { elementHeader, elements, uintOf } from './ebml.ts';
import { id } from './ids.ts';
import { type MatroskaTrack, readTrack } from './tracks.ts';

/** Of what is read as a whole: no picture is larger. */
const elementLimitBytes = 16 << 20;
/** Elements that are entered: what is inside follows. */
const entered: ReadonlySet<number> = new Set([id.segment, id.cluster]);
/** Elements that are read as a whole; all others are passed over. */
const read: ReadonlySet<number> = new Set([id.info, id.tracks, id.timestamp, id.simpleBlock, id.blockGroup, id.ebml]);
/** Milliseconds, which most writers round to. */
const jitterTicks = stampRate / 1000;

export class MatroskaDemuxer implements StreamDemuxer {
  readonly #taker: DemuxerTaker;
  readonly #enable: readonly string[];
  readonly #runs: RunMaker;
  /** The first `#length` bytes are of an element that is not whole yet. */
  #kept = new Uint8Array(64 << 10);
  #length = 0;
  /** Bytes of an element that are passed over as they come. */
  #skip = 0;
  /** Garbage came: the next cluster is looked for. */
  #lost = false;
  /** Nanoseconds in a tick of the segment. */
  #scaleNs = 1_000_000;
  #clusterTicks = 0;
  #video: MatroskaTrack | undefined;
  #audio: MatroskaTrack | undefined;
  #text: MatroskaTrack | undefined;
  #order = new DecodingOrder(0, 1);
  #lastPts = Number.NaN;
  #arrivalMs = 0;

  constructor(taker: DemuxerTaker, options: DemuxerOptions) {
    this.#taker = taker;
    this.#enable = options.enable ?? ['video', 'audio'];
    this.#runs = new RunMaker(taker, options.nextRunId, jitterTicks);
  }

  push(bytes: Uint8Array, arrivalMs: number): void {
    this.#arrivalMs = arrivalMs;
    const skipped = Math.min(this.#skip, bytes.length);
    this.#skip -= skipped;
    if (skipped === bytes.length) return;
    const fresh = bytes.subarray(skipped);
    if (this.#length === 0) {
      this.#keep(fresh.subarray(this.#read(fresh)));
      return;
    }
    this.#keep(fresh);
    const at = this.#read(this.#kept.subarray(0, this.#length));
    if (at > 0) this.#kept.copyWithin(0, at, this.#length);
    this.#length -= at;
  }

  end(): void {
    this.#runs.end();
    this.#length = this.#skip = 0;
    this.#lost = false;
  }

  /** Appends, where an element that comes in many pieces is moved seldom. */
  #keep(bytes: Uint8Array): void {
    const length = this.#length + bytes.length;
    if (length > this.#kept.length) {
      const larger = new Uint8Array(Math.max(length, 2 * this.#kept.length));
      larger.set(this.#kept.subarray(0, this.#length));
      this.#kept = larger;
    }
    this.#kept.set(bytes, this.#length);
    this.#length = length;
  }

  /** Gives where what is left begins. */
  #read(all: Uint8Array): number {
    let at = 0;
    for (;;) {
      if (this.#lost) {
        at = clusterIn(all, at);
        if (at + 4 > all.length) return Math.min(at, all.length);
        this.#lost = false;
      }
      const header = elementHeader(all, at, all.length);
      if (header === undefined) return at;
      if (header === null || (header.size < 0 && !entered.has(header.id))) {
        this.#taker.problem('bytes that are no element');
        this.#lost = true;
        at++;
        continue;
      }
      const body = at + header.length;
      if (entered.has(header.id)) {
        at = body;
        continue;
      }
      const end = body + header.size;
      if (read.has(header.id) && header.size <= elementLimitBytes) {
        if (end > all.length) return at;
        this.#element(all, header.id, body, end);
      } else if (read.has(header.id)) this.#taker.problem('an element larger than 16 MiB');
      if (end > all.length) {
        this.#skip = end - all.length;
        return all.length;
      }
      at = end;
    }
  }

  #element(bytes: Uint8Array, which: number, body: number, end: number): void {
    switch (which) {
      case id.ebml:
        // Another file behind the one before.
        this.#clusterTicks = 0;
        break;
      case id.info:
        for (const e of elements(bytes, body, end))
          if (e.id === id.timestampScale) this.#scaleNs = uintOf(bytes, e) || 1_000_000;
        break;
      case id.tracks:
        this.#tracks(bytes, body, end);
        break;
      case id.timestamp:
        this.#clusterTicks = uintOf(bytes, { id: which, begin: body, body, end });
        break;
      case id.simpleBlock:
        this.#block(bytes, body, end, undefined);
        break;
      case id.blockGroup: {
        const inside = [...elements(bytes, body, end)];
        const block = inside.find(e => e.id === id.block);
        if (block !== undefined)
          this.#block(bytes, block.body, block.end, !inside.some(e => e.id === id.referenceBlock));
      }
    }
  }

  #tracks(bytes: Uint8Array, begin: number, end: number): void {
    const tracks: MatroskaTrack[] = [];
    for (const e of elements(bytes, begin, end)) {
      if (e.id !== id.trackEntry) continue;
      const track = readTrack(bytes, e);
      if (typeof track === 'string') this.#taker.problem(`left out: ${track}`);
      else tracks.push(track);
    }
    const first = (kind: string): MatroskaTrack | undefined =>
      this.#enable.includes(kind)
        ? tracks.find(t => typeof t.format !== 'string' && t.format.kind === kind)
        : undefined;
    const [video, audio] = [first('video'), first('audio')];
    for (const t of tracks)
      if (typeof t.format !== 'string' && t !== video && t !== audio && this.#enable.includes(t.format.kind))
        this.#taker.problem(`left out: another ${t.format.codec}`);
    this.#runs.end();
    this.#runs.streams(video === undefined ? 'none' : 'new', audio === undefined ? 'none' : 'new');
    this.#video = video;
    this.#audio = audio;
    this.#text = tracks.find(t => t.format === 'text');
    for (const t of [video, audio]) if (t !== undefined && t.format !== 'text') this.#runs.format(t.format);
    this.#restart();
  }

  #restart(): void {
    const format = this.#video?.format;
    const rate = format !== undefined && format !== 'text' && format.kind === 'video' ? format.framerate : 0;
    const ns = this.#video?.frameNs ?? 0;
    const frame = ns > 0 ? (ns * stampRate) / 1e9 : stampRate / (rate || 25);
    this.#order = new DecodingOrder(Math.min(16, this.#video?.reorder ?? 0), Math.max(1, Math.round(frame)));
    this.#lastPts = Number.NaN;
  }

  #block(bytes: Uint8Array, begin: number, end: number, keyframe: boolean | undefined): void {
    const block = parseBlock(bytes, begin, end);
    if (block === undefined) {
      this.#taker.problem('a block that makes no sense');
      return;
    }
    const track = [this.#video, this.#audio, this.#text].find(t => t?.number === block.track);
    if (track === undefined) return;
    let ns = (this.#clusterTicks + block.timestamp) * this.#scaleNs - track.delayNs;
    for (const stored of block.frames) {
      const frame = track.prefix.length === 0 ? stored : joined(track.prefix, stored);
      const samples = track.samples(frame);
      this.#frame(track, frame, (ns * stampRate) / 1e9, samples, keyframe ?? block.keyframe);
      const rate = track.format !== 'text' && track.format.kind === 'audio' ? track.format.sampleRate : 0;
      ns += samples > 0 && rate > 0 ? (samples * 1e9) / rate : track.frameNs;
    }
  }

  #frame(track: MatroskaTrack, frame: Uint8Array, ticks: number, samples: number, told: boolean): void {
    const data = track.data(frame);
    if (data === undefined) return;
    if (track === this.#text) {
      this.#runs.text(wrapped(ticks), new TextDecoder().decode(data));
      return;
    }
    // Views of the input are copied: it is not ours.
    const own = data.buffer === frame.buffer ? data.slice() : data;
    if (track !== this.#video) {
      this.#runs.audio(wrapped(ticks), own, 0, this.#arrivalMs, samples || undefined);
      return;
    }
    let pts = Math.round(ticks);
    // Pictures of a file behind this one, or of a part that was cut out.
    if (Math.abs(pts - this.#lastPts) > 10 * stampRate) this.#restart();
    this.#lastPts = pts;
    const dts = this.#order.next(pts);
    if (dts > pts) pts = dts;
    this.#runs.video(wrapped(pts), wrapped(dts), track.keyframe(frame, told), own, 0, this.#arrivalMs);
  }
}

const wrapped = (ticks: number): number => ((ticks % stampWrap) + stampWrap) % stampWrap;

/** Where the id of a cluster is, from `at` on; where its beginning could be if it is not there. */
function clusterIn(bytes: Uint8Array, from: number): number {
  for (let at = from; ; at++) {
    at = bytes.indexOf(0x1f, at);
    if (at < 0) return bytes.length;
    if (at + 4 > bytes.length) return at;
    if (bytes[at + 1] === 0x43 && bytes[at + 2] === 0xb6 && bytes[at + 3] === 0x75) return at;
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const all = new Uint8Array(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all;
}
