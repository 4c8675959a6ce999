/**
 * A dialogue as text, played against a client session (docs/design/style.md 9):
 *
 *     C: DESCRIBE rtsp://cam/ RTSP/1.0     what we must send: the first line whole, of the others those named
 *     C: Accept: application/sdp
 *
 *     S: RTSP/1.0 200 OK                   what the camera says; an empty `S:` is the empty line
 *     S: Content-Length: *                 counted here
 *     S:
 *     S: v=0
 *
 *     M: 0 80600001...                     media of the camera, on that channel, in hexadecimal
 *     T: 30                                seconds pass, with a tick each
 *     R: again                             the connection was lost, and is there again
 *     L: {"keepAliveMs":4000}              what was learned of the camera so far, if the session ended now
 *     @ uri rtsp://cam/x?y                 another URL than rtsp://cam/live
 *     @ udp                                media are to come by UDP, or by multicast
 *     @ replay 1000 9000                   a recording of these times, UTC milliseconds
 *     @ silent                             no media have come when the session asks
 *     > playing 123 -                      what the session has said since the last such line
 *     # remark
 */
import assert from 'node:assert/strict';
import type { ReportBlock } from '#rtp/rtcp';
import { type Datagrams, RtspSession, type SessionOptions, type SessionTaker } from '#rtsp/session';
import type { Delivery } from '#rtsp/transport';

export const sessionOptions: SessionOptions = {
  uri: 'rtsp://cam/live',
  login: { user: 'admin', password: 'secret' },
  basic: true,
  want: { video: true, audio: true },
  userAgent: 'Ocellus',
  cnonce: 'c0ffee',
  ssrc: 0x01020304,
  requestTimeoutMs: 10_000,
};

/** Everything a session says, as lines. */
export class SessionRecord implements SessionTaker {
  readonly sent: (string | Uint8Array)[] = [];
  said: string[] = [];
  write(bytes: string | Uint8Array): void {
    this.sent.push(bytes);
  }
  described(media: Parameters<SessionTaker['described']>[0], ignored: readonly string[]): void {
    this.said.push(
      `described ${media.map(m => `${m.codec}/${m.clockRate}`).join(' ')}${ignored.map(i => `; ignored ${i}`).join('')}`,
    );
  }
  playing(rtpTimes: readonly (number | undefined)[]): void {
    this.said.push(`playing ${rtpTimes.map(t => t ?? '-').join(' ')}`);
  }
  rtp(track: number, bytes: Uint8Array, begin: number, end: number): void {
    this.said.push(`rtp ${track} ${Buffer.from(bytes.subarray(begin, end)).toString('hex')}`);
  }
  rtcp(track: number, bytes: Uint8Array, begin: number, end: number): void {
    this.said.push(`rtcp ${track} ${Buffer.from(bytes.subarray(begin, end)).toString('hex')}`);
  }
  /** Whoever plays the owner opens these ports. */
  opened: readonly number[] | undefined;
  readonly datagrams: Datagrams = {
    open: tracks => {
      this.said.push(`open ${tracks}`);
      this.opened = Array.from({ length: tracks }, (_, i) => 5000 + 2 * i);
    },
    delivery: (track, delivery: Delivery) => {
      const words = Object.entries(delivery).map(([k, v]) => (k === 'kind' ? v : `${k} ${v}`));
      this.said.push(`delivery ${track} ${words.join(' ')}`);
    },
    rtcp: (track, bytes) => void this.said.push(`report ${track} ${bytes.length}`),
  };
  /** No media come: `@ silent` in a transcript. */
  silent = false;
  report(track: number): ReportBlock | undefined {
    if (track > 0 || this.silent) return undefined;
    return { ssrc: 9, fractionLost: 0, lost: 0, highestSeq: 1, jitter: 0, lastReport: 0, delaySinceLastReport: 0 };
  }
  quirk(name: string): void {
    this.said.push(`quirk ${name}`);
  }
  redirected(url: string): void {
    this.said.push(`redirected ${url}`);
  }
  failed(failure: { kind: string; code: string; message: string }): void {
    this.said.push(`failed ${failure.kind} ${failure.code}: ${failure.message}`);
  }
}

/** Plays a transcript; `pieceBytes` is how large the pieces are in which the camera's bytes arrive. */
export function playTranscript(
  text: string,
  options: Partial<SessionOptions> = {},
  pieceBytes = 1 << 20,
): SessionRecord {
  const record = new SessionRecord();
  record.silent = /^@ silent$/m.test(text);
  const transport = (/^@ (udp|multicast)$/m.exec(text)?.[1] ?? 'tcp') as 'tcp' | 'udp' | 'multicast';
  const uri = /^@ uri (\S+)$/m.exec(text)?.[1] ?? sessionOptions.uri;
  const times = /^@ replay (\d+) (\d+)$/m.exec(text);
  const replay = times ? { replay: { beginMs: Number(times[1]), endMs: Number(times[2]) } } : {};
  const { datagrams } = record;
  const session = new RtspSession({ ...sessionOptions, uri, transport, datagrams, ...replay, ...options }, record);
  let nowMs = 0;
  const receive = (bytes: Uint8Array): void => {
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      const piece = bytes.slice(at, at + pieceBytes);
      session.push(piece, piece.length, nowMs);
      const ports = record.opened;
      record.opened = undefined;
      if (ports !== undefined) session.portsOpen(ports, nowMs);
    }
  };
  session.start(nowMs);
  for (const block of text.split(/\n\s*\n/)) {
    const lines = block.split('\n').filter(l => l !== '' && !l.startsWith('#'));
    const kind = lines[0]?.[0];
    const content = lines.map(l => l.replace(/^(?:[A-Z]:|>) ?/, ''));
    if (lines.length === 0) continue;
    if (kind === '@') continue;
    assert.ok(
      lines.every(l => l[0] === kind),
      `one kind of line in a block: ${block}`,
    );
    if (kind === 'C') {
      const sent = record.sent.shift();
      const got = typeof sent === 'string' ? sent.split('\r\n') : [`${sent && Buffer.from(sent).toString('hex')}`];
      assert.equal(got[0], typeof sent === 'string' ? content[0] : content[0]?.replaceAll(' ', ''));
      for (const line of content.slice(1)) assert.ok(got.includes(line), `expected "${line}" in:\n${got.join('\n')}`);
    } else if (kind === 'S') {
      const empty = content.indexOf('');
      const body =
        empty < 0
          ? ''
          : content
              .slice(empty + 1)
              .map(l => `${l}\r\n`)
              .join('');
      const head = (empty < 0 ? content : content.slice(0, empty)).map(l =>
        l.replace(/^(Content-Length): \*$/i, `$1: ${body.length}`),
      );
      receive(Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`, 'latin1'));
    } else if (kind === 'M') {
      for (const line of content) {
        const [channel, hex = ''] = line.split(' ');
        const payload = Buffer.from(hex, 'hex');
        receive(Uint8Array.of(0x24, Number(channel), payload.length >> 8, payload.length & 255, ...payload));
      }
    } else if (kind === 'L') {
      assert.deepEqual(session.lessons(nowMs), JSON.parse(content[0] ?? ''));
    } else if (kind === 'R') {
      session.reconnected(nowMs);
    } else if (kind === 'T') {
      for (let s = Number(content[0]); s > 0; s--) session.tick((nowMs += 1000));
    } else if (kind === '>') {
      assert.deepEqual(
        record.said,
        content.filter(l => l !== 'nothing'),
      );
      record.said = [];
    }
  }
  session.teardown();
  return record;
}
