/**
 * Plays a capture (tools/capture.ts) through the session and the receiver, without a camera
 * and without waiting: the same bytes at the same times give the same units.
 *
 *     tools/node tools/replay.ts FILE          prints the dialogue and what came of the media
 *
 *     const { units, failures } = replay(readFileSync(FILE, 'utf8'));      in a test
 */
import { readFileSync } from 'node:fs';
import type { AccessUnit } from '#media/access-unit';
import type { Gap } from '#media/gap';
import { Receiver, type ReceiverStats } from '#rtp/receiver';
import { RtspSession, type SessionFailure } from '#rtsp/session';
import type { CaptureHead } from './capture.ts';

export interface Replayed {
  readonly units: readonly AccessUnit[];
  readonly gaps: readonly Gap[];
  readonly failures: readonly SessionFailure[];
  readonly stats: Readonly<ReceiverStats> | undefined;
  readonly requests: readonly string[];
}

/** Throws if the text is no capture. */
export function replay(text: string, time: 'server' | 'device' = 'server'): Replayed {
  const [first = '', ...lines] = text.split('\n').filter(l => l !== '');
  const head = JSON.parse(first) as CaptureHead;
  if (head.capture !== 1) throw new Error('expected a capture of version 1');
  const beganMs = Date.parse(head.began);
  const units: AccessUnit[] = [];
  const gaps: Gap[] = [];
  const failures: SessionFailure[] = [];
  const requests: string[] = [];
  let receiver: Receiver | undefined;
  let nowMs = 0;
  let runs = 0;
  const session = new RtspSession(
    {
      uri: head.uri,
      login: head.login ? { user: 'x', password: 'x' } : undefined,
      basic: true,
      want: { video: true, audio: true },
      userAgent: 'Ocellus',
      cnonce: 'x',
      ssrc: 1,
      requestTimeoutMs: 10_000,
    },
    {
      write: bytes => void (typeof bytes === 'string' && requests.push(bytes.slice(0, bytes.indexOf('\r\n')))),
      described: media => {
        const taker = { unit: (u: AccessUnit) => void units.push(u), gap: (g: Gap) => void gaps.push(g) };
        receiver = new Receiver(media, taker, { time, nextRunId: () => ++runs });
      },
      playing: times => {
        for (const [track, t] of times.entries()) if (t !== undefined) receiver?.playInfo(track, t, beganMs + nowMs);
      },
      rtp: (track, bytes, begin, end) => receiver?.rtp(track, bytes, begin, end, beganMs + nowMs),
      rtcp: (track, bytes, begin, end) => receiver?.rtcp(track, bytes, begin, end, beganMs + nowMs),
      report: () => undefined,
      quirk: name => void requests.push(`(quirk ${name})`),
      redirected: url => void requests.push(`(redirected to ${url})`),
      failed: failure => void failures.push(failure),
    },
  );
  session.start(0);
  for (const line of lines) {
    const [ms, who, base64] = JSON.parse(line) as [number, 'C' | 'S', string];
    for (; nowMs + 1000 <= ms; nowMs += 1000) session.tick(nowMs);
    nowMs = ms;
    if (who !== 'S') continue;
    const bytes = Buffer.from(base64, 'base64');
    session.push(bytes, bytes.length, nowMs);
  }
  return { units, gaps, failures, stats: receiver?.stats, requests };
}

if (import.meta.main) {
  const file = process.argv[2];
  if (file === undefined) {
    console.error('usage: tools/node tools/replay.ts FILE');
    process.exit(2);
  }
  const text = readFileSync(file, 'utf8');
  for (const line of text.split('\n').slice(1)) {
    if (line === '') continue;
    const [ms, who, base64] = JSON.parse(line) as [number, string, string];
    const said = Buffer.from(base64, 'base64').toString('latin1');
    if (/^(?:RTSP\/|[A-Z_]+ rtsp)/.test(said)) {
      const message = said.split('\r\n\r\n').slice(0, said.includes('application/sdp') ? 2 : 1);
      console.log(message.join('\r\n\r\n').replace(/^/gm, `${String(ms).padStart(8)} ${who}: `));
    }
  }
  const { units, gaps, failures, stats } = replay(text);
  const of = (track: number): AccessUnit[] => units.filter(u => u.track === track);
  for (const track of [0, 1]) {
    const these = of(track);
    const bytes = these.reduce((n, u) => n + u.data.length, 0);
    const keyframes = these.filter(u => u.keyframe).length;
    if (these.length > 0) console.log(`track ${track}: ${these.length} units, ${keyframes} keyframes, ${bytes} bytes`);
  }
  for (const run of new Set(units.map(u => u.run)))
    console.log(`run ${run.id}:`, run.tracks.map(t => t.codecText).join(', '));
  console.log({ ...stats }, gaps, failures);
}
