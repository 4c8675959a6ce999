/**
 * Records what a camera and we say to each other, both ways with times, so that a camera that
 * gives trouble in the field becomes a fixture at the desk. `tools/replay.ts` and tests read it.
 *
 *     tools/node tools/capture.ts rtsp://USER:PASSWORD@HOST/PATH FILE [SECONDS]
 *
 * The file is JSON lines: a head, then `[ms, "C" | "S", base64]` for what we sent and what
 * came. User and password are not in it: the value of Authorization is replaced. What the
 * camera sends is kept as it is: its pictures, its addresses; look before you pass it on.
 */
import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { clock } from '#host/clock';
import { createTcp } from '#host/tcp';
import { RtspSession, type SessionFailure } from '#rtsp/session';
import { parseRtspUrl } from '#rtsp/url';

/** Enough for minutes of any camera; a forgotten capture must not fill the disk. */
const fileLimitBytes = 1 << 30;

export interface CaptureHead {
  readonly capture: 1;
  readonly uri: string;
  readonly login: boolean;
  /** UTC of ms 0. */
  readonly began: string;
}

async function capture(urlText: string, file: string, seconds: number): Promise<string> {
  const url = parseRtspUrl(urlText);
  if (!url) return 'expected rtsp://[user:password@]host[:port]/path';
  const out = createWriteStream(file);
  const head: CaptureHead = {
    capture: 1,
    uri: url.uri,
    login: url.login !== undefined,
    began: new Date().toISOString(),
  };
  out.write(`${JSON.stringify(head)}\n`);
  const beganMs = clock.monotonicMs();
  let bytes = 0;
  const note = (who: 'C' | 'S', piece: Uint8Array): void => {
    bytes += piece.length;
    const ms = Math.round((clock.monotonicMs() - beganMs) * 10) / 10;
    if (bytes < fileLimitBytes) out.write(`${JSON.stringify([ms, who, Buffer.from(piece).toString('base64')])}\n`);
  };
  let end = (_why: string): void => {};
  const ended = new Promise<string>(done => {
    end = done;
  });
  const tcp = await createTcp().connect({
    host: url.host,
    port: url.port,
    timeoutMs: 5000,
    ...(url.tls ? { tls: { rejectUnauthorized: false } } : {}),
    onBytes: (buffer, length) => {
      note('S', buffer.subarray(0, length));
      session.push(buffer, length, clock.monotonicMs());
    },
    onClose: error => end(`the camera closed the connection${error ? `: ${error.message}` : ''}`),
  });
  const session = new RtspSession(
    {
      uri: url.uri,
      login: url.login,
      basic: true,
      want: { video: true, audio: true },
      userAgent: 'Ocellus',
      cnonce: randomUUID(),
      ssrc: 1,
      requestTimeoutMs: 10_000,
    },
    {
      write: piece => {
        tcp.write(piece);
        note(
          'C',
          Buffer.from(typeof piece === 'string' ? piece.replace(/^(Authorization:).*$/m, '$1 (removed)') : piece),
        );
      },
      described: (media, ignored) =>
        console.error(`tracks: ${media.map(m => m.codec).join(', ')} ${ignored.join('; ')}`),
      playing: () => console.error('playing'),
      rtp: () => {},
      rtcp: () => {},
      report: () => undefined,
      quirk: name => console.error(`quirk: ${name}`),
      redirected: location => end(`redirected to ${location}: capture that`),
      failed: (failure: SessionFailure) => end(`${failure.code}: ${failure.message}`),
    },
  );
  session.start(clock.monotonicMs());
  const ticking = clock.every(1000, () => session.tick(clock.monotonicMs()));
  const timer = clock.after(seconds * 1000, () => end('done'));
  const why = await ended;
  ticking.cancel();
  timer.cancel();
  session.teardown();
  tcp.close();
  await new Promise(done => out.end(done));
  return `${why}; ${bytes} bytes in ${file}`;
}

if (import.meta.main) {
  const [url, file, seconds = '10'] = process.argv.slice(2);
  if (url === undefined || file === undefined) {
    console.error('usage: tools/node tools/capture.ts rtsp://USER:PASSWORD@HOST/PATH FILE [SECONDS]');
    process.exit(2);
  }
  console.error(await capture(url, file, Number(seconds)));
}
