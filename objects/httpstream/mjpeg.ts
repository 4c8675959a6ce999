/** Pictures pushed as the parts of a multipart body, or fetched one by one, to access units. Times are those of arrival, or the camera's. */

import { Fault } from '#core/errors';
import { jpegMarker, jpegSize, mjpegTrack } from '#media/jpeg';
import type { Run } from '#media/track';
import { WallAnchor } from '#media/wall-anchor';
import { boundaryOf, MultipartReader } from '#multipart/reader';
import { type Fetched, readWhole } from './fetcher.ts';
import type { Session } from './session.ts';

/** A picture of 40 megapixels. */
const pictureLimitBytes = 16 << 20;
const pollMs = 1_000;
/** The camera's clock is believed within this of ours. */
const deviceMs = 2_000;
/** Headers that some servers forget to end stand before the picture. */
const searchBytes = 1024;

/** Plays until the signal fires; throws when the body ends. */
export async function playMultipart(session: Session, answer: Fetched): Promise<void> {
  const boundary = boundaryOf(answer.headers['content-type'] ?? '');
  if (boundary === undefined)
    throw new Fault('protocol', 'http-garbled', `${answer.url.host}: expected a boundary in Content-Type, got none`);
  const pictures = new Pictures(session);
  const reader = new MultipartReader(
    {
      part: (headers, body) => pictures.picture(body, headers.get('x-timestamp') ?? ''),
      problem: text => session.problem(text),
    },
    boundary,
    pictureLimitBytes,
  );
  for (let piece = await answer.body.next(); piece !== undefined && !reader.over; piece = await answer.body.next())
    reader.push(piece);
  throw new Fault('transport', 'connection-lost', `${answer.url.host}: expected pictures without end, got the end`);
}

/** Fetches a picture a second until the signal fires. */
export async function playPolled(session: Session, first: Fetched): Promise<void> {
  const { clock } = session.world;
  const pictures = new Pictures(session);
  for (let answer = first; !session.signal.aborted; ) {
    const beganMs = clock.monotonicMs();
    pictures.picture(await readWhole(answer.body, pictureLimitBytes), answer.headers['x-timestamp'] ?? '');
    await clock.sleep(Math.max(100, beganMs + pollMs - clock.monotonicMs()), session.signal);
    if (!session.signal.aborted) answer = await session.fetcher.open(first.url, session.signal);
  }
}

class Pictures {
  readonly #session: Session;
  #run: Run | undefined;
  #anchor = new WallAnchor();
  #zeroMs = 0;
  #lastPts = 0;
  #byDevice = false;

  constructor(session: Session) {
    this.#session = session;
    session.onClockStep = () => {
      this.#run = undefined;
    };
  }

  picture(body: Uint8Array, stamp: string): void {
    const at = beginOf(body);
    const size = at < 0 ? undefined : jpegSize(body, at);
    if (size === undefined) {
      this.#session.problem('a part that is no JPEG');
      return;
    }
    const { clock } = this.#session.world;
    const wallMs = clock.wallMs();
    const deviceWallMs = this.#session.byDevice ? secondsOf(stamp) * 1000 : Number.NaN;
    const byDevice = Math.abs(deviceWallMs - wallMs) <= deviceMs;
    const timeMs = byDevice ? deviceWallMs : clock.monotonicMs();
    const track = this.#run?.tracks[0];
    const fits = track?.kind === 'video' && track.width === size.width && track.height === size.height;
    if (!fits || byDevice !== this.#byDevice || this.#run === undefined) {
      this.#run = Object.freeze({
        id: this.#session.nextRunId(),
        tracks: Object.freeze([mjpegTrack(size.width, size.height)]),
      });
      this.#anchor = new WallAnchor();
      this.#zeroMs = timeMs;
      this.#lastPts = -1;
      this.#byDevice = byDevice;
    }
    const pts = Math.max(this.#lastPts + 1, Math.round((timeMs - this.#zeroMs) * 90));
    this.#lastPts = pts;
    this.#session.unit({
      run: this.#run,
      track: 0,
      pts,
      dts: pts,
      wallMs: this.#anchor.unit(pts / 90, byDevice ? deviceWallMs : wallMs),
      keyframe: true,
      data: at === 0 ? body : body.subarray(at),
      lost: 0,
    });
  }
}

/** Where the picture begins: SOI and the next marker; -1: nowhere. */
function beginOf(body: Uint8Array): number {
  for (let i = 0; i < searchBytes && i + 2 < body.length; i++)
    if (body[i] === 0xff && body[i + 1] === jpegMarker.soi && body[i + 2] === 0xff) return i;
  return -1;
}

/** `X-Timestamp` as servers write it: seconds since 1970, with a fraction; milliseconds; or a date. NaN for others. */
function secondsOf(text: string): number {
  if (/^\d{9,10}(\.\d*)?$/.test(text)) return Number(text);
  if (/^\d{13}$/.test(text)) return Number(text) / 1000;
  return Date.parse(text) / 1000;
}
