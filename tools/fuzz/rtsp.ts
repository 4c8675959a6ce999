/** RTSP: the parser, whole dialogues of the client and of the server, and everything that headers and descriptions hold. */
import type { SeededRandom } from '#fake/world';
import type { MediaDescription } from '#rtp/media-description';
import { Receiver } from '#rtp/receiver';
import {
  answerChallenge,
  parseChallenges,
  strongest,
  verifyAuthorization,
  writeBasicChallenge,
  writeDigestChallenge,
} from '#rtsp/auth';
import { HttpHeadParser, TunnelDecoder, tunnelled, tunnelRequest } from '#rtsp/http-tunnel';
import { RtspParser } from '#rtsp/parser';
import { presentationOf } from '#rtsp/presentation';
import type { Answer, Question, ServerEffect } from '#rtsp/server-dialogue';
import { ServerSession } from '#rtsp/server-session';
import { targetOf } from '#rtsp/server-target';
import { chooseTransport } from '#rtsp/server-transport';
import { RtspSession } from '#rtsp/session';
import { deliveryOf, rtpInfo } from '#rtsp/transport';
import { parseRtspUrl, resolveControl } from '#rtsp/url';
import { parseSdp, writeSdp } from '#sdp/sdp';
import { trackSection } from '#sdp/track-section';
import { bend, bytesOf, joined, noise, pick, pieces } from './bend.ts';
import { check, type Group } from './group.ts';
import { clipTrack, packetsOf } from './media.ts';

const latin1 = new TextDecoder('latin1');
const textOf = (bytes: Uint8Array): string => latin1.decode(bytes);
const want = { video: true, audio: true } as const;
const login = { user: 'us"er', password: 'p:w' } as const;

const challenges = [
  writeDigestChallenge('cam', 'abc', { algorithm: 'MD5' }),
  writeDigestChallenge('c"am', 'abc', { algorithm: 'SHA-256', stale: true }),
  writeBasicChallenge('cam'),
];

export async function rtspGroups(): Promise<Group[]> {
  const [video, audio] = [await clipTrack('h264'), await clipTrack('aac')];
  const packets = [packetsOf(video, 12, 0), packetsOf(audio, 64, 2)];
  const sdp = writeSdp({
    ...{ origin: '- 1 1 IN IP4 127.0.0.1', name: 'camera', connection: 'IN IP4 0.0.0.0' },
    attributes: [['control', '*']],
    media: [trackSection(video.track, 96, 'trackID=0'), trackSection(audio.track, 97, 'trackID=1')],
  });
  const media = { packets, sdp };
  const stream = [
    bytesOf('RTSP/1.0 200 OK\r\nCSeq: 3\r\nContent-Length: 4\r\n\r\nbody'),
    bytesOf(`RTSP/1.0 401 Unauthorized\r\nCSeq: 4\r\nWWW-Authenticate: ${challenges[0]}\r\n\r\n`),
    bytesOf('SETUP rtsp://h/cam/trackID=0 RTSP/1.0\r\nCSeq: 5\r\nTransport: RTP/AVP/TCP;interleaved=0-1\r\n\r\n'),
    ...(packets[0] ?? []).slice(0, 40),
  ];
  return [
    { name: 'rtsp-parser', round: random => parserRound(random, stream) },
    { name: 'rtsp-client', round: random => clientRound(random, media) },
    { name: 'rtsp-server', round: random => serverRound(random, media) },
    { name: 'rtsp-headers', round: headersRound },
    { name: 'rtsp-auth', round: authRound },
    { name: 'http-tunnel', round: random => tunnelRound(random, bytesOf(sdp)) },
    {
      name: 'sdp',
      round(random) {
        let into = 0;
        for (let n = 0; n < 20; n++) {
          const bytes = bend(random, bytesOf(sdp));
          into += bytes.length;
          const read = parseSdp(textOf(bytes));
          check(read.media.length <= bytes.length, 'more media than bytes');
          presentationOf(read, 'rtsp://10.0.0.1/cam/', want);
          writeSdp(read);
        }
        return into;
      },
    },
  ];
}

function parserRound(random: SeededRandom, stream: readonly Uint8Array[]): number {
  let out = 0;
  const count = (bytes: Uint8Array): void => {
    out += bytes.length;
  };
  const parser = new RtspParser({
    request: r => count(r.body),
    response: r => count(r.body),
    interleaved: (_, bytes, begin, end) => {
      check(begin >= 0 && end >= begin && end <= bytes.length, `a packet from ${begin} to ${end} of ${bytes.length}`);
      out += end - begin;
    },
    skipped: n => {
      check(n > 0, `${n} bytes skipped`);
    },
    broken: () => {},
  });
  if (random.below(2) === 0) for (const channel of [0, 1]) parser.expectChannel(channel);
  let into = 0;
  for (let n = 0; n < 100; n++) {
    const valid = pick(random, stream);
    for (const piece of pieces(random, random.below(4) === 0 ? bend(random, valid) : valid)) {
      into += piece.length;
      parser.push(piece);
    }
  }
  check(out <= into, `${out} bytes out of ${into}`);
  return into;
}

interface Media {
  readonly packets: readonly Uint8Array[][];
  readonly sdp: string;
}

/** The camera's side of a dialogue: mostly right, now and then bent; once it plays, media. */
function clientRound(random: SeededRandom, { packets, sdp }: Media): number {
  const asked: string[] = [];
  let receiver: Receiver | undefined;
  let runs = 0;
  let over = 0;
  let ports: number | undefined;
  let nowMs = 0;
  const wallMs = (): number => 1e12 + nowMs;
  const udp = random.below(4) === 0;
  const session = new RtspSession(
    {
      ...{ uri: 'rtsp://10.0.0.1/cam', login: random.below(4) === 0 ? undefined : login, basic: true, want },
      ...{ userAgent: 'x', cnonce: 'c', ssrc: 1, requestTimeoutMs: 10_000, transport: udp ? 'udp' : 'tcp' },
      datagrams: {
        open: tracks => {
          ports = tracks;
        },
        delivery: () => {},
        rtcp: () => {},
      },
    },
    {
      write: bytes => void (typeof bytes === 'string' && asked.push(bytes)),
      described: (found: readonly MediaDescription[]) => {
        receiver = new Receiver(found, { unit: () => {}, gap: () => {} }, { time: 'server', nextRunId: () => ++runs });
      },
      playing: times => {
        for (const [track, time] of times.entries()) if (time !== undefined) receiver?.playInfo(track, time, wallMs());
      },
      rtp: (track, bytes, begin, end) => receiver?.rtp(track, bytes, begin, end, wallMs()),
      rtcp: (track, bytes, begin, end) => receiver?.rtcp(track, bytes, begin, end, wallMs()),
      report: track => receiver?.report(track, wallMs()),
      redirected: () => void over++,
      failed: () => void over++,
      quirk: () => {},
    },
  );
  session.start(0);
  let into = 0;
  const give = (bytes: Uint8Array): void => {
    for (const piece of pieces(random, bytes)) {
      into += piece.length;
      session.push(piece, piece.length, nowMs);
    }
  };
  for (let step = 0; step < 300 && over === 0; step++) {
    nowMs += random.below(20) === 0 ? random.below(12_000) : random.below(100);
    if (ports !== undefined) {
      session.portsOpen(
        Array.from({ length: ports }, (_, i) => 5000 + 2 * i),
        nowMs,
      );
      ports = undefined;
    }
    const request = asked.shift();
    if (request !== undefined) {
      const answer = bytesOf(answerTo(random, request, sdp));
      give(random.below(8) === 0 ? bend(random, answer) : answer);
    } else {
      const valid = pick(random, packets[random.below(2)] ?? []);
      give(random.below(5) === 0 ? bend(random, valid) : valid);
    }
    if (random.below(200) === 0)
      give(bytesOf(`${pick(random, ['REDIRECT', 'OPTIONS', 'X'])} * RTSP/1.0\r\nCSeq: 1\r\n\r\n`));
    if (random.below(200) === 0) session.reconnected(nowMs);
    if (random.below(5) === 0) session.tick(nowMs);
    check(asked.length < 20, 'requests without end');
  }
  session.teardown();
  check(over <= 1, `the session was over ${over} times`);
  return into;
}

function answerTo(random: SeededRandom, request: string, sdp: string): string {
  const cseq = /^CSeq: (\d+)/m.exec(request)?.[1] ?? '0';
  const method = /^\w+/.exec(request)?.[0] ?? '';
  if (random.below(30) === 0)
    return `RTSP/1.0 ${pick(random, ['401 U', '302 M', '454 S', '459 A', '461 T', '500 E'])}\r\nCSeq: ${cseq}\r\nLocation: rtsp://b/\r\nWWW-Authenticate: ${pick(random, challenges)}\r\n\r\n`;
  const head = `RTSP/1.0 200 OK\r\n${random.below(20) === 0 ? '' : `CSeq: ${cseq}\r\n`}`;
  if (method === 'OPTIONS') return `${head}Public: DESCRIBE, SETUP, PLAY, GET_PARAMETER\r\n\r\n`;
  if (method === 'DESCRIBE')
    return `${head}Content-Base: rtsp://10.0.0.1/cam/\r\nContent-Type: application/sdp\r\nContent-Length: ${sdp.length}\r\n\r\n${sdp}`;
  const transport = /^Transport: (.*)\r$/m.exec(request)?.[1];
  if (transport !== undefined)
    return `${head}Session: 12345678;timeout=${random.below(90)}\r\nTransport: ${transport.replace(/client_port=(\S+)/, '$&;server_port=6000-6001')}\r\n\r\n`;
  if (method === 'PLAY')
    return `${head}Session: 12345678\r\nRTP-Info: url=trackID=0;seq=1;rtptime=2,url=trackID=1;seq=1;rtptime=7\r\n\r\n`;
  return `${head}Session: 12345678\r\n\r\n`;
}

/** The client's side of a dialogue with our server: mostly sensible, now and then bent; media, if it publishes. */
function serverRound(random: SeededRandom, { packets, sdp }: Media): number {
  let nowMs = 0;
  let closed = false;
  let waits: Question | undefined;
  let session: string | undefined;
  const server = new ServerSession(
    {
      ...{ sessionId: '0123456789ABCDEF', timeoutSeconds: 60, keepAlive: 'anything', transports: ['tcp', 'udp'] },
      ...{ name: 'fuzz' },
    },
    0,
    { rtp: () => {}, rtcp: () => {} },
  );
  const take = (effects: readonly ServerEffect[]): void => {
    for (const e of effects) {
      check(!closed, `after the end of the connection: ${e.do}`);
      if (e.do === 'close') closed = true;
      else if (e.do === 'ask') {
        check(waits === undefined, 'a question before the last is answered');
        waits = e.question;
      } else if (e.do === 'write') session = /^Session: ([^;\r]+)/m.exec(e.text)?.[1] ?? session;
    }
  };
  let into = 0;
  const methods = ['OPTIONS', 'DESCRIBE', 'SETUP', 'PLAY', 'PAUSE', 'TEARDOWN', 'GET_PARAMETER', 'ANNOUNCE', 'RECORD'];
  const transports = [
    ...['RTP/AVP/TCP;unicast;interleaved=0-1', 'RTP/AVP/TCP;interleaved=2-3;mode=record', 'RTP/AVP;multicast'],
    ...['RTP/AVP;unicast;client_port=4000-4001', 'RTP/AVP/TCP;unicast;interleaved=0-1;mode="RECORD"', 'x'],
  ];
  const publishes = random.below(2) === 0;
  for (let step = 0; step < 200 && !closed; step++) {
    nowMs += random.below(30) === 0 ? random.below(70_000) : random.below(100);
    let bytes: Uint8Array;
    if (random.below(3) > 0) bytes = pick(random, packets[random.below(2)] ?? []);
    else {
      const likely = publishes ? ['ANNOUNCE', 'SETUP', 'SETUP', 'RECORD'] : ['DESCRIBE', 'SETUP', 'SETUP', 'PLAY'];
      const method =
        random.below(4) > 0 ? (likely[Math.min(3, Math.floor(step / 6))] ?? 'PLAY') : pick(random, methods);
      const body = method === 'ANNOUNCE' ? sdp : '';
      const path = pick(random, ['cam', 'cam/trackID=0', 'cam/trackID=1', '', '*', '%zz']);
      bytes = bytesOf(
        `${method} rtsp://h/${path} RTSP/1.0\r\nCSeq: ${step}\r\n${session === undefined ? '' : `Session: ${session}\r\n`}` +
          `Transport: ${pick(random, transports)}\r\n${body === '' ? '' : `Content-Type: application/sdp\r\nContent-Length: ${body.length}\r\n`}\r\n${body}`,
      );
    }
    for (const piece of pieces(random, random.below(8) === 0 ? bend(random, bytes) : bytes)) {
      into += piece.length;
      if (!closed) take(server.push(piece, nowMs));
    }
    for (let n = 0; waits !== undefined && !closed && (n < 1 || random.below(8) > 0); n++) {
      const question: Question = waits;
      waits = undefined;
      take(server.answer(answerOf(random, question, sdp), nowMs));
    }
    if (random.below(4) === 0 && !closed) take(server.tick(nowMs));
    if (random.below(50) === 0) server.heard(nowMs);
  }
  check(server.tracks.length <= 64, `${server.tracks.length} tracks`);
  return into;
}

function answerOf(random: SeededRandom, { ask }: Question, sdp: string): Answer {
  if (random.below(20) === 0)
    return { as: 'refuse', status: 401, headers: [['WWW-Authenticate', challenges[0] ?? '']] };
  if (random.below(100) === 0) return { as: 'play', range: 'npt=now-', info: [] };
  switch (ask) {
    case 'admit':
      return { as: 'admit' };
    case 'describe':
      return { as: 'describe', sdp };
    case 'announce':
      return { as: 'announce', controls: ['trackID=0', 'trackID=1'] };
    case 'setup':
      return { as: 'setup', track: random.below(2), ssrc: 1, serverPorts: [6000, 6001] };
    case 'play':
      return { as: 'play', range: 'npt=now-', info: [{ track: 0, seq: 1, timestamp: 2 }] };
  }
}

/** One header or URL each. */
function headersRound(random: SeededRandom): number {
  const valid = [
    'RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=1234ABCD;mode="PLAY"',
    'RTP/AVP;unicast;client_port=5000-5001;server_port=6000-6001;source=10.0.0.1',
    'RTP/AVP;multicast;destination=239.255.1.1;port=5000-5001;ttl=16,RTP/AVP/TCP;unicast',
    'url=rtsp://h/cam/trackID=0;seq=1;rtptime=2,url=trackID=1;seq=7;rtptime=9',
    'rtsp://us%22er:p%3Aw@[fe80::1]:8554/cam/trackID=0?profile=1',
    'rtsps://camera.example/stream%201',
  ].map(bytesOf);
  let into = 0;
  for (let n = 0; n < 100; n++) {
    const bytes = bend(random, pick(random, valid));
    into += bytes.length;
    const text = textOf(bytes);
    for (const asked of ['tcp', 'udp', 'multicast'] as const) deliveryOf(text, asked, 5000);
    chooseTransport(text, ['tcp', 'udp'], []);
    rtpInfo(text, ['trackID=0', 'rtsp://h/cam/trackID=1']);
    parseRtspUrl(text);
    targetOf(text);
    resolveControl('rtsp://h/cam/', text);
    resolveControl(text, 'trackID=0');
  }
  return into;
}

function authRound(random: SeededRandom): number {
  const request = { method: 'PLAY', uri: 'rtsp://h/cam', cnonce: 'c', count: 1 };
  let into = 0;
  for (let n = 0; n < 20; n++) {
    const bytes = bend(random, bytesOf(challenges.slice(0, 1 + random.below(3)).join(', ')));
    into += bytes.length;
    const best = strongest(parseChallenges([textOf(bytes)]));
    const proof = bytesOf(best ? answerChallenge(best, login, request) : 'Basic dTpw');
    const bent = bend(random, proof);
    into += bent.length;
    const { result } = verifyAuthorization(textOf(bent), 'PLAY', {
      ...{ realm: 'cam', basic: true, nonce: () => 'good', passwordOf: user => (user === 'nobody' ? 'x' : undefined) },
    });
    check(result !== 'ok' || textOf(bent).includes('nobody'), `let in: ${textOf(bent)}`);
  }
  return into;
}

function tunnelRound(random: SeededRandom, plain: Uint8Array): number {
  const head = bytesOf(tunnelRequest('GET', '/cam', { host: 'h:80', cookie: 'abcdef', userAgent: 'x' }));
  const body = bytesOf(tunnelled(plain));
  const parser = new HttpHeadParser();
  const decoder = new TunnelDecoder();
  let into = 0;
  const bent = random.below(2) === 0 ? bend(random, head) : joined(head, noise(random, 40_000));
  let done = false;
  for (const piece of pieces(random, bent)) {
    into += piece.length;
    if (!done) done = parser.push(piece) !== undefined;
  }
  for (let n = 0; n < 8; n++)
    for (const piece of pieces(random, random.below(3) === 0 ? bend(random, body) : body)) {
      into += piece.length;
      const out = decoder.push(piece);
      check((out?.length ?? 0) <= piece.length + 4, 'more out than in');
    }
  return into;
}
