/**
 * One media playlist of an HLS stream and its segments, demuxed: MPEG-TS or fragmented MP4. Segments are taken one after the other;
 * one that cannot be had is passed over, and the run ends.
 */
import type { ByteStream } from '#core/bytes';
import { Fault } from '#core/errors';
import type { DemuxerTaker } from '#demux/demuxer';
import type { RunMaker } from '#demux/run-maker';
import { Follower, type NextSegment } from '#hls/follower';
import { type ByteRange, type MediaPlaylist, parsePlaylist, type Segment } from '#hls/playlist-reader';
import { Mp4Demuxer } from '#mp4/demuxer';
import { Demuxer as TsDemuxer } from '#mpegts/demuxer';
import { throwRefusal } from './endless.ts';
import { type Fetched, readWhole } from './fetcher.ts';
import { deciphered, ivOf, peeked, sliced } from './segment-body.ts';
import type { Session } from './session.ts';

export const playlistLimitBytes = 4 << 20;
const initLimitBytes = 2 << 20;
const retryMs = 500;

export interface RenditionOptions {
  readonly taker: DemuxerTaker;
  readonly enable: readonly ('video' | 'audio')[];
  /** Shared with another rendition; undefined: its own. */
  readonly runs: RunMaker | undefined;
  /** Waits while enough is queued. */
  room(): Promise<void>;
}

export class Rendition {
  readonly follower = new Follower();
  readonly #session: Session;
  readonly #options: RenditionOptions;
  readonly #mp4: Mp4Demuxer;
  #ts: TsDemuxer | undefined;
  #url: URL;
  /** Of the playlist, when it was asked for last. */
  loadedMs = 0;
  /** Seconds of media taken so far. */
  takenSeconds = 0;
  #init = '';
  #key: { readonly url: string; readonly bytes: Uint8Array } | undefined;
  /** The run has to end before the next segment. */
  #broken = false;

  constructor(session: Session, url: URL, options: RenditionOptions) {
    this.#session = session;
    this.#url = url;
    this.#options = options;
    const { nextRunId } = session;
    this.#mp4 = new Mp4Demuxer(options.taker, { nextRunId, enable: options.enable }, options.runs);
  }

  /** Reads the playlist anew. */
  async load(): Promise<void> {
    this.loadedMs = this.#session.world.clock.monotonicMs();
    this.take(await readPlaylist(await this.#session.fetcher.open(this.#url, this.#session.signal)));
  }

  /** `read`: the playlist, and where it came from in the end. */
  take({ list, url }: { readonly list: MediaPlaylist | unknown; readonly url: URL }): void {
    if (!isMedia(list))
      throw new Fault('protocol', 'hls-garbled', `${url.host}: expected a media playlist, got another`);
    this.#url = url;
    const before = this.follower.missed;
    this.follower.update(list);
    if (this.follower.missed > before)
      this.#session.problem('segments that left the playlist before they were fetched');
  }

  /** The init section that a segment needs, if it is not the one at hand. */
  async init(segment: Segment): Promise<void> {
    const { map } = segment;
    if (map === undefined) return;
    const name = `${this.#session.fetcher.resolve(map.uri, this.#url).href} ${map.range?.offset} ${map.range?.length}`;
    if (name === this.#init) return;
    const body = await this.#open(map.uri, map.range, segment);
    const bytes = await readWhole(body, initLimitBytes);
    this.#ts?.end();
    this.#mp4.restart();
    this.#mp4.push(bytes, 0);
    throwRefusal(this.#mp4.refusal, this.#url.host);
    this.#init = name;
  }

  /** Fetches and demuxes the segment; `begins` is called before its first byte is. */
  async play({ segment, broken }: NextSegment, begins: () => void): Promise<void> {
    this.takenSeconds += segment.seconds;
    if (segment.key?.method === 'other')
      throw new Fault(
        'unsupported',
        'hls-encrypted',
        `${this.#url.host}: expected AES-128 or none, got ${segment.key.name.slice(0, 40)}`,
      );
    if (broken || this.#broken) this.#session.missing();
    if (broken || this.#broken || segment.discontinuity) this.endRun();
    this.#broken = false;
    if (segment.missing) {
      this.#broken = true;
      return;
    }
    let body: ByteStream | undefined;
    try {
      await this.init(segment);
      const seen = await peeked(await this.#openPatiently(segment), 12);
      body = seen.body;
      begins();
      await this.#demux(body, segment.map !== undefined || !looksLikeTs(seen.begin), seen.begin);
    } catch (e) {
      const fault = this.#session.failure(e);
      if (fault === undefined || fault.kind === 'unsupported' || fault.kind === 'bug' || this.#session.signal.aborted)
        throw e;
      this.#session.problem(`a segment that could not be had: ${fault.message}`);
      this.#broken = true;
    } finally {
      body?.close();
    }
  }

  endRun(): void {
    this.#ts?.end();
    this.#mp4.end();
  }

  async #demux(body: ByteStream, isMp4: boolean, begin: Uint8Array): Promise<void> {
    if (isMp4 && isPackedAudio(begin))
      throw new Fault(
        'unsupported',
        'hls-packed-audio',
        `${this.#url.host}: expected MPEG-TS or MP4, got audio without a container`,
      );
    if (!isMp4 && this.#options.runs !== undefined)
      throw new Fault(
        'unsupported',
        'hls-packed-audio',
        `${this.#url.host}: expected MP4 where sound has a playlist of its own, got MPEG-TS`,
      );
    if (isMp4) this.#mp4.restart();
    else
      this.#ts ??= new TsDemuxer(this.#options.taker, {
        nextRunId: this.#session.nextRunId,
        enable: this.#options.enable,
      });
    for (let piece = await body.next(); piece !== undefined; piece = await body.next()) {
      if (isMp4) {
        this.#mp4.push(piece, 0);
        throwRefusal(this.#mp4.refusal, this.#url.host);
      } else this.#ts?.push(piece, 0);
      await this.#options.room();
      if (this.#session.signal.aborted) return;
    }
  }

  /** A server that has just listed a segment may need a moment. */
  async #openPatiently(segment: Segment): Promise<ByteStream> {
    try {
      return await this.#open(segment.uri, segment.range, segment);
    } catch (e) {
      const fault = this.#session.failure(e);
      if (fault?.kind !== 'transport') throw e;
      await this.#session.world.clock.sleep(retryMs, this.#session.signal);
      return await this.#open(segment.uri, segment.range, segment);
    }
  }

  async #open(name: string, range: ByteRange | undefined, { key, sequence }: Segment): Promise<ByteStream> {
    const { fetcher, signal } = this.#session;
    const secret = key === undefined ? undefined : await this.#keyOf(key.uri);
    const answer = await fetcher.openNamed(name, this.#url, signal, range);
    const body =
      range !== undefined && answer.status === 200 ? sliced(answer.body, range.offset, range.length) : answer.body;
    return secret === undefined ? body : deciphered(body, secret, key?.iv ?? ivOf(sequence));
  }

  async #keyOf(name: string): Promise<Uint8Array> {
    const { fetcher, signal } = this.#session;
    const url = fetcher.resolve(name, this.#url);
    if (this.#key?.url === url.href) return this.#key.bytes;
    const bytes = await readWhole((await fetcher.open(url, signal)).body, 1024);
    if (bytes.length !== 16)
      throw new Fault('protocol', 'hls-encrypted', `${url.host}: expected a key of 16 bytes, got ${bytes.length}`);
    this.#key = { url: url.href, bytes };
    return bytes;
  }
}

/** The playlist that an answer is. */
export async function readPlaylist(answer: Fetched) {
  const list = parsePlaylist(new TextDecoder().decode(await readWhole(answer.body, playlistLimitBytes)));
  if (typeof list === 'string') throw new Fault('protocol', 'hls-garbled', `${answer.url.host}: expected ${list}`);
  return { list, url: answer.url };
}

const isMedia = (list: unknown): list is MediaPlaylist => (list as MediaPlaylist).kind === 'media';
const looksLikeTs = (b: Uint8Array): boolean => b[0] === 0x47;
/** ADTS, or an ID3 tag before it (RFC 8216 3.4). */
const isPackedAudio = (b: Uint8Array): boolean =>
  (b[0] === 0xff && ((b[1] ?? 0) & 0xf6) === 0xf0) || (b[0] === 0x49 && b[1] === 0x44 && b[2] === 0x33);
