import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzzRounds, fuzzSeed } from '#fake/fuzz';
import { endsReplay, endsSection, replayHeaderAt, replayTimeMs, writeReplayHeader } from '#rtp/replay-header';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const rtp = '90 e0 0001 00000001 00000002';

test('the header of a replayed packet tells when its picture was taken', () => {
  // Written by hand from ONVIF Streaming 6.3: 2009-06-15T11:49:00.5Z, C and E.
  const bytes = hex(`${rtp} abac 0003 cde0b3ac 80000000 c0 07 0000 65aa`);
  const at = replayHeaderAt(bytes, 0, bytes.length);
  assert.equal(at, 16);
  assert.equal(new Date(replayTimeMs(bytes, at)).toISOString(), '2009-06-15T11:49:00.500Z');
  assert.equal(endsSection(bytes, at), true);
  assert.equal(endsReplay(bytes, at), false);
});

const rows: [name: string, packet: string, at: number][] = [
  ['behind CSRCs', '91 e0 0001 00000001 00000002 00000003 abac 0003 00000000 00000000 00 00 0000', 20],
  ['with an extension of JPEG behind it', `${rtp} abac 0004 00000000 00000000 00 00 0000 ffd80000`, 16],
  ['without extension', '80 e0 0001 00000001 00000002 65', -1],
  ['another extension', `${rtp} bede 0003 00000000 00000000 00000000`, -1],
  ['too short by its own length', `${rtp} abac 0002 00000000 00000000 00000000`, -1],
  ['cut off', `${rtp} abac 0003 00000000 0000`, -1],
  ['no RTP', '10 e0 0001 00000001 00000002 abac 0003 00000000 00000000 00000000', -1],
];
for (const [name, packet, at] of rows)
  test(`the header is found where it is: ${name}`, () => {
    const bytes = hex(`ffff${packet}`);
    assert.equal(replayHeaderAt(bytes, 2, bytes.length), at < 0 ? -1 : at + 2);
  });

test('what is written is read, also in the second era of NTP', () => {
  for (const wallMs of [1_700_000_000_123.5, Date.UTC(2036, 5, 1), Date.UTC(2026, 0, 1) + 0.25]) {
    const header = writeReplayHeader({ wallMs, endsReplay: true, cseq: 9 });
    const bytes = new Uint8Array([...hex(rtp), ...header]);
    const at = replayHeaderAt(bytes, 0, bytes.length);
    assert.ok(Math.abs(replayTimeMs(bytes, at) - wallMs) < 0.001, `${wallMs}`);
    assert.equal(endsReplay(bytes, at), true);
  }
});

test('any bytes: no throw, and no header outside of them', () => {
  const random = fuzzSeed('replay-header');
  for (let round = 0; round < fuzzRounds(3000); round++) {
    const bytes = random.bytes(random.below(60));
    if (bytes.length > 1 && random.below(2) === 0) bytes[0] = 0x90 | random.below(16);
    const at = replayHeaderAt(bytes, 0, bytes.length);
    assert.ok(at === -1 || (at >= 16 && at + 12 <= bytes.length));
  }
});
