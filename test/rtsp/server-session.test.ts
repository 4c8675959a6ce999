import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SeededRandom } from '#fake/world';
import { header } from '#rtsp/message';
import type { Answer, Question, ServerEffect } from '#rtsp/server-dialogue';
import { type ServerOptions, ServerSession } from '#rtsp/server-session';
import { parseSdp } from '#sdp/sdp';

const options: ServerOptions = {
  sessionId: 'abcd1234',
  timeoutSeconds: 60,
  keepAlive: 'anything',
  transports: ['tcp', 'udp'],
  name: 'test',
};

/** An owner with one presentation, `front` of two tracks, behind the password `please`. */
function owner(q: Question): Answer {
  if (q.ask === 'admit' && q.request.method !== 'OPTIONS' && !q.request.headers.some(([, v]) => v === 'please'))
    return { as: 'refuse', status: 401, headers: [['WWW-Authenticate', 'Word']] };
  if (q.ask !== 'admit' && q.target.presentation !== 'front') return { as: 'refuse', status: 404 };
  switch (q.ask) {
    case 'admit':
      return { as: 'admit' };
    case 'describe':
      return { as: 'describe', sdp: 'v=0\r\n' };
    case 'announce':
      return { as: 'announce', controls: [`${q.target.url}/streamid=0`, `${q.target.url}/streamid=1`] };
    case 'setup': {
      const track = q.target.track ?? 0;
      if (track > 1) return { as: 'refuse', status: 404 };
      if (q.publishes) return { as: 'setup', track, serverPorts: [7000, 7001] };
      return { as: 'setup', track, ssrc: 0xab, serverPorts: [7000, 7001] };
    }
    case 'play':
      return {
        as: 'play',
        range: header(q.request, 'range') ?? 'npt=now-',
        info: [
          { track: 0, seq: 5, timestamp: 6 },
          { track: 1, seq: 7, timestamp: 8 },
        ],
      };
  }
}

/**
 * A transcript. `C:` what the client sends (method, URL, headers after bars; CSeq and the
 * password are added), `S:` the status that must come and headers it must have, `E:` an
 * effect that must follow, `+N` lets N seconds pass. Whatever happens beside is a failure.
 */
function play(transcript: string, over: Partial<ServerOptions> = {}, answer = owner, publishing = false): void {
  let nowMs = 0;
  const happened: string[] = [];
  const came = (what: string) => (track: number, bytes: Uint8Array, begin: number, end: number) =>
    void happened.push(`E: ${what} of ${track} ${Buffer.from(bytes.subarray(begin, end)).toString('hex')}`);
  const media = publishing ? { rtp: came('rtp'), rtcp: came('rtcp') } : undefined;
  const session = new ServerSession({ ...options, ...over }, nowMs, media);
  const settle = (effects: ServerEffect[]): void => {
    for (const e of effects) {
      if (e.do === 'ask') settle(session.answer(answer(e.question), nowMs));
      else if (e.do === 'write') happened.push(`S: ${e.text}`);
      else if (e.do === 'end' || e.do === 'close') happened.push(`E: ${e.do} ${e.why}`);
      else if (e.do === 'rtcp') happened.push(`E: rtcp ${e.channel} ${Buffer.from(e.bytes).toString('hex')}`);
      else happened.push(`E: ${e.do}`);
    }
  };
  let cseq = 0;
  for (const line of transcript
    .split('\n')
    .map(l => l.trim())
    .filter(l => l !== '')) {
    const rest = line.slice(2).trim();
    if (line.startsWith('+')) {
      nowMs += Number(line.slice(1)) * 1000;
      settle(session.tick(nowMs));
    } else if (line.startsWith('C:')) {
      const [start, ...headers] = rest.split('|').map(s => s.trim());
      cseq += 1;
      settle(
        session.push(
          Buffer.from([`${start} RTSP/1.0`, `CSeq: ${cseq}`, 'Password: please', ...headers, '', ''].join('\r\n')),
          nowMs,
        ),
      );
    } else if (line.startsWith('X:'))
      settle(session.push(Buffer.from(rest.replaceAll('\\r\\n', '\r\n'), 'latin1'), nowMs));
    else if (line.startsWith('S:')) {
      const [status, ...headers] = rest.split('|').map(s => s.trim());
      const reply = happened.shift() ?? 'nothing';
      assert.ok(reply.startsWith(`S: RTSP/1.0 ${status} `), `${line}: got ${reply}`);
      for (const h of headers) assert.ok(reply.includes(`\r\n${h}\r\n`), `${line}: got ${reply}`);
    } else assert.equal(happened.shift(), line);
  }
  assert.deepEqual(happened, []);
}

const setup = 'C: SETUP rtsp://h/front/trackID=0 | Transport: RTP/AVP/TCP;unicast;interleaved=0-1\nS: 200\n';

describe('ServerSession', () => {
  const rows: [name: string, transcript: string, over?: Partial<ServerOptions>][] = [
    [
      'a viewer over TCP, from OPTIONS to TEARDOWN',
      `C: OPTIONS rtsp://h:554/front
       S: 200 | CSeq: 1 | Public: OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, TEARDOWN, GET_PARAMETER, SET_PARAMETER
       C: DESCRIBE rtsp://h:554/front | Accept: application/sdp
       S: 200 | CSeq: 2 | Content-Base: rtsp://h:554/front/ | Content-Type: application/sdp | Content-Length: 5
       C: SETUP rtsp://h:554/front/trackID=0 | Transport: RTP/AVP/TCP;unicast;interleaved=0-1
       S: 200 | Transport: RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=000000AB | Session: abcd1234;timeout=60
       C: SETUP rtsp://h:554/front/trackID=1 | Session: abcd1234 | Transport: RTP/AVP/TCP;unicast;interleaved=2-3
       S: 200 | Transport: RTP/AVP/TCP;unicast;interleaved=2-3;ssrc=000000AB
       C: PLAY rtsp://h:554/front/ | Session: abcd1234 | Range: npt=0.000-
       S: 200 | Session: abcd1234;timeout=60 | Range: npt=0.000- | RTP-Info: url=rtsp://h:554/front/trackID=0;seq=5;rtptime=6,url=rtsp://h:554/front/trackID=1;seq=7;rtptime=8
       E: play
       C: GET_PARAMETER rtsp://h:554/front/ | Session: abcd1234
       S: 200 | Session: abcd1234;timeout=60
       C: PAUSE rtsp://h:554/front/ | Session: abcd1234
       S: 200 | Session: abcd1234
       E: pause
       C: PLAY rtsp://h:554/front/ | Session: abcd1234
       S: 200
       E: play
       C: TEARDOWN rtsp://h:554/front/ | Session: abcd1234
       S: 200 | Session: abcd1234
       E: end teardown`,
    ],
    [
      'a viewer over UDP is told our ports',
      `C: SETUP rtsp://h/front/trackID=1 | Transport: RTP/AVP/UDP;unicast;client_port=5000-5001
       S: 200 | Transport: RTP/AVP;unicast;client_port=5000-5001;server_port=7000-7001;ssrc=000000AB`,
    ],
    [
      'multicast where there is a place for it: each track has two ports, and nobody chooses where to',
      `C: SETUP rtsp://h/front/trackID=0 | Transport: RTP/AVP;multicast;destination=10.0.0.1;port=80-81
       S: 200 | Transport: RTP/AVP;multicast;destination=239.255.0.1;port=6000-6001;ttl=3;ssrc=000000AB
       C: SETUP rtsp://h/front/trackID=1 | Session: abcd1234 | Transport: RTP/AVP;multicast
       S: 200 | Transport: RTP/AVP;multicast;destination=239.255.0.1;port=6002-6003;ttl=3;ssrc=000000AB`,
      { multicast: { group: '239.255.0.1', port: 6000, ttl: 3 } },
    ],
    [
      'of several transports the first that can be done is taken',
      `C: SETUP rtsp://h/front/trackID=1 | Transport: RTP/AVP;multicast;client_port=5000-5001,RTP/AVP/TCP;unicast;interleaved=4-5
       S: 200 | Transport: RTP/AVP/TCP;unicast;interleaved=4-5;ssrc=000000AB`,
    ],
    [
      'a transport we do not have is 461',
      'C: SETUP rtsp://h/front/trackID=0 | Transport: RTP/AVP;unicast;client_port=5000-5001\nS: 461',
      { transports: ['tcp'] },
    ],
    ['no transport at all is 461', 'C: SETUP rtsp://h/front/trackID=0\nS: 461'],
    [
      'a channel that the other track has is replaced by a free one',
      `${setup}C: SETUP rtsp://h/front/trackID=1 | Session: abcd1234 | Transport: RTP/AVP/TCP;unicast;interleaved=1-2
       S: 200 | Transport: RTP/AVP/TCP;unicast;interleaved=2-3;ssrc=000000AB`,
    ],
    [
      'what the owner refuses is refused with its headers',
      'X: DESCRIBE rtsp://h/front RTSP/1.0\\r\\nCSeq: 9\\r\\n\\r\\n\nS: 401 | CSeq: 9 | WWW-Authenticate: Word',
    ],
    ['what is not there is 404', 'C: DESCRIBE rtsp://h/back\nS: 404'],
    ['PLAY without a session is 454', 'C: PLAY rtsp://h/front\nS: 454'],
    ["somebody else's session is 454", `${setup}C: PLAY rtsp://h/front | Session: 99999999\nS: 454`],
    [
      'SETUP while playing is 455',
      `${setup}C: PLAY rtsp://h/front | Session: abcd1234\nS: 200\nE: play\nC: SETUP rtsp://h/front/trackID=1 | Session: abcd1234 | Transport: RTP/AVP/TCP\nS: 455`,
    ],
    [
      'one session holds one presentation',
      `${setup}C: SETUP rtsp://h/side/trackID=0 | Session: abcd1234 | Transport: RTP/AVP/TCP\nS: 459`,
    ],
    ['a request without CSeq is 400', 'X: OPTIONS * RTSP/1.0\\r\\n\\r\\n\nS: 400'],
    [
      'a feature we do not have is 551 and named',
      'C: DESCRIBE rtsp://h/front | Require: onvif-replay\nS: 551 | Unsupported: onvif-replay',
    ],
    [
      '... and one that we have is none',
      'C: DESCRIBE rtsp://h/front | Require: onvif-replay\nS: 200',
      { features: ['onvif-replay'] },
    ],
    ['an unknown method is 501', 'C: RECORD rtsp://h/front\nS: 501'],
    [
      'parameters we have none',
      'X: GET_PARAMETER rtsp://h/front RTSP/1.0\\r\\nCSeq: 1\\r\\nPassword: please\\r\\nContent-Length: 2\\r\\n\\r\\nhi\nS: 451',
    ],
    [
      'user and password of a URL are not repeated',
      'C: DESCRIBE rtsp://u:p@h/front\nS: 200 | Content-Base: rtsp://h/front/',
    ],
    ['a silent session ends', `${setup}+60\n+1\nE: end timeout\nE: close nothing heard for 60 s`],
    ['... also one that never began', '+61\nE: close nothing heard for 60 s'],
    ['a request keeps it alive', `${setup}+50\nC: OPTIONS *\nS: 200\n+50`],
    [
      'a request with a wrong session does not',
      `${setup}+50\nC: OPTIONS * | Session: 1\nS: 454\n+11\nE: end timeout\nE: close nothing heard for 60 s`,
    ],
    ['RTCP keeps it alive', `${setup}+50\nX: $\x01\x00\x04\x80\xc9\x00\x00\nE: rtcp 1 80c90000\n+50`],
    [
      '... unless the server is strict',
      `${setup}+50\nX: $\x01\x00\x04\x80\xc9\x00\x00\nE: rtcp 1 80c90000\n+11\nE: end timeout\nE: close nothing heard for 60 s`,
      { keepAlive: 'requests' },
    ],
    [
      'after TEARDOWN the connection may begin another session, of another name',
      `${setup}C: TEARDOWN rtsp://h/front | Session: abcd1234
       S: 200
       E: end teardown
       C: SETUP rtsp://h/front/trackID=0 | Transport: RTP/AVP/TCP
       S: 200 | Session: abcd1234-2;timeout=60
       C: PLAY rtsp://h/front | Session: abcd1234
       S: 454`,
    ],
  ];
  for (const [name, transcript, over] of rows) test(name, () => play(transcript, over));

  const announce = 'C: ANNOUNCE rtsp://h/front | Content-Type: application/sdp\nS: 200\n';
  const sends = `${announce}C: SETUP rtsp://h/front/streamid=0 | Transport: RTP/AVP/TCP;unicast;interleaved=0-1;mode=record\nS: 200\n`;
  const publishers: [name: string, transcript: string, over?: Partial<ServerOptions>][] = [
    [
      'over TCP, as FFmpeg does it, from OPTIONS to TEARDOWN; packets go to their tracks, once it records',
      `C: OPTIONS rtsp://h:554/front
       S: 200 | Public: OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, TEARDOWN, GET_PARAMETER, SET_PARAMETER, ANNOUNCE, RECORD
       C: ANNOUNCE rtsp://h:554/front | Content-Type: application/sdp
       S: 200 | CSeq: 2
       C: SETUP rtsp://h:554/front/streamid=0 | Transport: RTP/AVP/TCP;unicast;interleaved=0-1;mode=record
       S: 200 | Transport: RTP/AVP/TCP;unicast;interleaved=0-1;mode=record | Session: abcd1234;timeout=60
       C: SETUP rtsp://h:554/front/streamid=1 | Session: abcd1234 | Transport: RTP/AVP/TCP;unicast;interleaved=2-3;mode=record
       S: 200 | Transport: RTP/AVP/TCP;unicast;interleaved=2-3;mode=record
       X: $\x00\x00\x04\x80\x60\x00\x07
       C: RECORD rtsp://h:554/front | Session: abcd1234 | Range: npt=0.000-
       S: 200 | Session: abcd1234;timeout=60
       E: record
       X: $\x00\x00\x04\x80\x60\x00\x01$\x03\x00\x04\x80\xc8\x00\x00
       E: rtp of 0 80600001
       E: rtcp of 1 80c80000
       C: TEARDOWN rtsp://h:554/front | Session: abcd1234
       S: 200
       E: end teardown`,
    ],
    [
      'over UDP: our ports are told; the mode may be in capitals and quotes',
      `${announce}C: SETUP rtsp://h/front/streamid=1 | Transport: RTP/AVP/UDP;unicast;client_port=5000-5001;mode="RECORD"
       S: 200 | Transport: RTP/AVP;unicast;client_port=5000-5001;server_port=7000-7001;mode=record`,
    ],
    [
      'a transport to be played by is none to publish by, and a group is none at all',
      `${announce}C: SETUP rtsp://h/front/streamid=0 | Transport: RTP/AVP/TCP;unicast;interleaved=0-1;mode=play
       S: 461
       C: SETUP rtsp://h/front/streamid=0 | Transport: RTP/AVP;multicast;mode=record
       S: 461`,
      { multicast: { group: '239.255.0.1', port: 6000, ttl: 3 } },
    ],
    ['RECORD of what is played is 455', `${setup}C: RECORD rtsp://h/front | Session: abcd1234\nS: 455`],
    ['PLAY of what is announced is 455', `${sends}C: PLAY rtsp://h/front | Session: abcd1234\nS: 455`],
    [
      'ANNOUNCE of what is announced already, or in the middle of a session, is 455',
      `${announce}${announce.replace('200', '455')}`,
    ],
    ['... and where something is played, too', `${setup}${announce.replace('200', '455')}`],
    [
      'one session holds one presentation',
      `${announce}C: SETUP rtsp://h/side/trackID=0 | Transport: RTP/AVP/TCP;mode=record\nS: 459`,
    ],
    [
      'PAUSE stops what is taken; RECORD goes on',
      `${sends}C: RECORD rtsp://h/front | Session: abcd1234\nS: 200\nE: record
       C: PAUSE rtsp://h/front | Session: abcd1234
       S: 200
       E: pause
       X: $\x00\x00\x04\x80\x60\x00\x01
       C: RECORD rtsp://h/front | Session: abcd1234
       S: 200
       E: record`,
    ],
    [
      'packets keep it alive; silence ends it',
      `${sends}C: RECORD rtsp://h/front | Session: abcd1234\nS: 200\nE: record
       +50
       X: $\x00\x00\x04\x80\x60\x00\x01
       E: rtp of 0 80600001
       +50
       +11
       E: end timeout
       E: close nothing heard for 60 s`,
    ],
    [
      'an announcement alone ends with its connection',
      `${announce}+61\nE: end timeout\nE: close nothing heard for 60 s`,
    ],
  ];
  for (const [name, transcript, over] of publishers)
    test(`a publisher: ${name}`, () => play(transcript, over, owner, true));

  test('requests wait in order while the owner thinks', () => {
    const session = new ServerSession(options, 0);
    const ask = (n: number): ServerEffect[] => session.push(Buffer.from(`OPTIONS * RTSP/1.0\r\nCSeq: ${n}\r\n\r\n`), 0);
    assert.deepEqual([ask(1).length, ask(2).length, ask(3).length], [1, 0, 0]);
    const order: string[] = [];
    for (let e = session.answer({ as: 'admit' }, 0); e.length > 0; e = session.answer({ as: 'admit' }, 0))
      order.push(...e.map(x => (x.do === 'write' ? (/CSeq: (\d)/.exec(x.text)?.[1] ?? '') : x.do)));
    assert.deepEqual(order, ['1', 'ask', '2', 'ask', '3']);
  });

  test('a client that does not wait at all is cut off', () => {
    const session = new ServerSession(options, 0);
    const all = session.push(Buffer.from('OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n'.repeat(20)), 0);
    assert.deepEqual([all.map(e => e.do), session.state], [['ask', 'close'], 'closed']);
    assert.deepEqual(session.answer({ as: 'admit' }, 0), []);
  });

  test('an answer to another question is our mistake: 500', () =>
    play('C: DESCRIBE rtsp://h/front\nS: 500', {}, q =>
      q.ask === 'describe' ? { as: 'play', range: '', info: [] } : owner(q),
    ));

  test('any bytes: no throw, an end when it is too much, never more effects than bytes', () => {
    const seed = Number(process.env['SEED'] ?? 7);
    const random = new SeededRandom(seed);
    const words = [
      'SETUP ',
      'PLAY ',
      'ANNOUNCE ',
      'RECORD ',
      'rtsp://h/front',
      '/trackID=',
      ' RTSP/1.0\r\n',
      'CSeq: 1\r\n',
      'Session: abcd1234\r\n',
      'Transport: RTP/AVP/TCP;interleaved=',
      '\r\n\r\n',
      '$\0\0\x04\x80',
      'Content-Length: 9\r\n',
      '%',
      ';',
      '-',
      ',',
      '\0',
      'Require:',
      '?',
    ];
    for (let round = 0; round < 1500; round++) {
      const session = new ServerSession(options, 0, { rtp: () => {}, rtcp: () => {} });
      for (let i = 0; i < 12; i++) {
        let text = '';
        for (let k = random.below(14); k > 0; k--)
          text +=
            random.below(6) === 0
              ? Buffer.from(random.bytes(random.below(20))).toString('latin1')
              : words[random.below(words.length)];
        const bytes = Buffer.from(text, 'latin1');
        let effects = session.push(bytes, i);
        let count = 0;
        while (effects.length > 0) {
          count += effects.length;
          assert.ok(
            count <= 4 * bytes.length + 40,
            `seed ${seed}, round ${round}: ${count} effects of ${bytes.length} bytes`,
          );
          const asked = effects.at(-1);
          effects = asked?.do === 'ask' ? session.answer(owner(asked.question), i) : [];
        }
      }
    }
    const session = new ServerSession(options, 0);
    let last: ServerEffect[] = [];
    for (let i = 0; i < 200 && session.state !== 'closed'; i++) last = session.push(new Uint8Array(1000), 0);
    assert.equal(last.at(-1)?.do, 'close', 'endless debris is not listened to for ever');
  });
});

test('the SDP of our own sections reads back', async () => {
  const { writeSdp } = await import('#sdp/sdp');
  const { trackSection } = await import('#sdp/track-section');
  const sets = [Uint8Array.of(0x67, 0x42, 0xc0, 0x16, 9), Uint8Array.of(0x68, 0xce)];
  const video = trackSection(
    {
      kind: 'video',
      codec: 'h264',
      timescale: 90000,
      width: 0,
      height: 0,
      parameterSets: sets,
      codecText: '',
      framerate: 25,
    },
    96,
    'trackID=0',
  );
  const audio = trackSection(
    {
      kind: 'audio',
      codec: 'aac',
      timescale: 16000,
      sampleRate: 16000,
      channels: 1,
      config: Uint8Array.of(0x14, 0x08),
      codecText: '',
      samplesPerUnit: 1024,
    },
    97,
  );
  const back = parseSdp(writeSdp({ origin: '', name: '', attributes: [], media: [video!, audio!] }));
  assert.deepEqual(
    back.media.map(m => m.attributes),
    [
      [
        ['rtpmap', '96 H264/90000'],
        ['fmtp', '96 packetization-mode=1;profile-level-id=42c016;sprop-parameter-sets=Z0LAFgk=,aM4='],
        ['control', 'trackID=0'],
      ],
      [
        ['rtpmap', '97 MPEG4-GENERIC/16000/1'],
        ['fmtp', '97 profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config=1408'],
      ],
    ],
  );
});
