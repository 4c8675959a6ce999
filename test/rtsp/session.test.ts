import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fuzzRounds, fuzzSeed, mutate } from '#fake/fuzz';
import { playTranscript, SessionRecord, sessionOptions } from '#fake/transcript';
import { RtspSession } from '#rtsp/session';

const folder = 'test/fixture/rtsp';
const transcripts = readdirSync(folder).filter(f => f.endsWith('.txt'));
const read = (file: string): string => readFileSync(`${folder}/${file}`, 'utf8');

describe('RtspSession', () => {
  for (const file of transcripts) {
    test(`${file}: as one piece per message`, () => void playTranscript(read(file)));
    test(`${file}: byte by byte`, () => void playTranscript(read(file), {}, 1));
  }

  test('no login, and the camera wants one: refused, with who can help', () => {
    const text = 'S: RTSP/1.0 401 Unauthorized\nS: CSeq: 1\nS: WWW-Authenticate: Basic realm="x"';
    assert.deepEqual(playTranscript(text, { login: undefined }).said, [
      'failed refused rtsp-401: expected OPTIONS to be allowed, got 401: the camera asks for a login',
    ]);
  });
  const statuses: [status: string, said: string][] = [
    ['403 Forbidden', 'refused rtsp-403: expected 200 to DESCRIBE, got 403 Forbidden'],
    ['404 Not Found', 'protocol rtsp-404: expected 200 to DESCRIBE, got 404 Not Found'],
    ['454 Session Not Found', 'protocol rtsp-454: expected 200 to DESCRIBE, got 454 Session Not Found'],
    ['451 Basic YWRtaW46c2VjcmV0', 'protocol rtsp-451: expected 200 to DESCRIBE, got 451'],
    ['451 Basic ABCD', 'protocol rtsp-451: expected 200 to DESCRIBE, got 451'],
    ['503', 'protocol rtsp-503: expected 200 to DESCRIBE, got 503'],
  ];
  for (const [status, said] of statuses)
    test(`${status}: only who is not welcome comes back slowly, and no words of ours are quoted`, () => {
      const text = `S: RTSP/1.0 200 OK\nS: CSeq: 1\n\nS: RTSP/1.0 ${status}\nS: CSeq: 2`;
      assert.deepEqual(playTranscript(text).said, [`failed ${said}`]);
    });
  test('an empty description is no lack of ours', () => {
    const text = 'S: RTSP/1.0 200 OK\nS: CSeq: 1\n\nS: RTSP/1.0 200 OK\nS: CSeq: 2';
    assert.match(playTranscript(text).said[0]!, /^failed protocol no-supported-media: .* got none$/);
  });
  test('Basic is not answered where it is not allowed', () => {
    const text = 'S: RTSP/1.0 401 Unauthorized\nS: CSeq: 1\nS: WWW-Authenticate: Basic realm="x"';
    const record = playTranscript(text, { basic: false });
    assert.match(record.said[0]!, /^failed refused rtsp-401/);
    assert.ok(record.sent.every(s => !String(s).includes('Basic')));
  });
  test('only what is wanted is set up', () => {
    const record = playTranscript(read('digest.txt').split('> described')[0]!, { want: { video: true, audio: false } });
    assert.deepEqual(record.said, ['described h264/90000']);
  });
  test('TEARDOWN ends a session that was set up, and what comes later is ignored', () => {
    const record = playTranscript(read('channels.txt'));
    assert.match(String(record.sent.at(-1)), /^TEARDOWN rtsp:\/\/cam\/live RTSP\/1.0\r\n[\s\S]*Session: a\r\n/);
  });
  test('a camera without aggregate is kept alive by one track, and each is torn down', () => {
    const record = playTranscript(read('track-by-track.txt'));
    const asked = record.sent.filter(s => typeof s === 'string').map(s => s.split(' RTSP')[0]);
    assert.deepEqual(asked, [
      'GET_PARAMETER rtsp://cam/live/t1',
      'TEARDOWN rtsp://cam/live/t0',
      'TEARDOWN rtsp://cam/live/t1',
    ]);
  });
  test('no failure tells the password', () => {
    for (const file of transcripts) assert.ok(!playTranscript(read(file)).said.some(l => l.includes('secret')), file);
  });

  test('any bytes at any time: no throw, what is sent stays bounded', () => {
    const random = fuzzSeed('RtspSession');
    const answers = transcripts.map(f =>
      Buffer.from(
        read(f)
          .split('\n')
          .filter(l => l.startsWith('S:'))
          .map(l => l.slice(3))
          .join('\r\n')
          .replace(/\*/g, '80')
          .replace(/(RTSP\/1.0 \d)/g, '\r\n$1'),
      ),
    );
    for (let round = 0; round < fuzzRounds(1500); round++) {
      const record = new SessionRecord();
      const transport = (['tcp', 'udp', 'multicast'] as const)[random.below(3)]!;
      const replay = random.below(4) === 0 ? { replay: { beginMs: 0, endMs: 1e12 } } : {};
      const options = { ...sessionOptions, transport, datagrams: record.datagrams, ...replay };
      const session = new RtspSession(options, record);
      session.start(0);
      const bytes = mutate(random, answers[random.below(answers.length)]!);
      for (let at = 0, now = 0; at < bytes.length; now += random.below(3000)) {
        const next = at + 1 + random.below(200);
        const piece = bytes.slice(at, next);
        session.push(piece, piece.length, now);
        session.tick(now);
        if (record.opened) session.portsOpen(record.opened, now);
        if (random.below(20) === 0) session.reconnected(now);
        at = next;
      }
      session.teardown();
      assert.ok(record.said.filter(l => l.startsWith('failed')).length <= 1);
      assert.ok(record.sent.length < 200);
    }
  });
});
