import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fuzzRounds, fuzzSeed, mutate } from '#fake/fuzz';
import { parseRtcp, type RtcpPacket, writeRtcp } from '#rtp/rtcp';

const block = {
  ssrc: 7,
  fractionLost: 64,
  lost: 1234,
  highestSeq: 0x10005,
  jitter: 90,
  lastReport: 0xa1b2c3d4,
  delaySinceLastReport: 65536,
};
const packets: RtcpPacket[] = [
  {
    type: 'sender-report',
    ssrc: 0xdeadbeef,
    wallMs: Date.UTC(2026, 0, 1, 0, 0, 0, 500),
    ntpMiddle: 0,
    rtpTime: 0xfffffffe,
    packets: 3,
    octets: 4,
    reports: [block],
  },
  { type: 'receiver-report', ssrc: 5, reports: [block, { ...block, lost: -5 }] },
  { type: 'source-description', ssrc: 5, cname: 'ocellus' },
  { type: 'goodbye', ssrcs: [1, 2] },
];

describe('RTCP', () => {
  test('a compound packet that is written is read back', () => {
    const bytes = writeRtcp(packets);
    const seconds = Date.UTC(2026, 0, 1) / 1000 + 2208988800;
    const ntpMiddle = (((seconds & 0xffff) << 16) | 0x8000) >>> 0;
    assert.deepEqual(parseRtcp(bytes, 0, bytes.length), [{ ...packets[0], ntpMiddle }, ...packets.slice(1)]);
  });
  for (const length of [0, 1, 2, 3, 4, 5, 255])
    test(`a name of ${length} bytes ends on a word with a zero`, () => {
      const cname = 'x'.repeat(length);
      const bytes = writeRtcp([{ type: 'source-description', ssrc: 1, cname }]);
      assert.equal(bytes.length % 4, 0);
      assert.equal(bytes.at(-1), 0);
      assert.deepEqual(parseRtcp(bytes, 0, bytes.length), [{ type: 'source-description', ssrc: 1, cname }]);
    });
  test('times after 2036 and a sender without a clock', () => {
    const report = packets[0] as Extract<RtcpPacket, { type: 'sender-report' }>;
    for (const wallMs of [Date.UTC(2040, 5, 1), 0]) {
      const bytes = writeRtcp([{ ...report, wallMs }]);
      assert.equal((parseRtcp(bytes, 0, bytes.length)[0] as typeof report).wallMs, wallMs);
    }
  });
  test('packets of other types are passed over; what follows is read', () => {
    const bytes = Uint8Array.of(0x80, 204, 0, 1, 0, 0, 0, 0, ...writeRtcp([packets[3]!]));
    assert.deepEqual(parseRtcp(bytes, 0, bytes.length), [packets[3]]);
  });
  test('any bytes: no throw, bounded', () => {
    const random = fuzzSeed('rtcp');
    const valid = writeRtcp(packets);
    for (let i = 0; i < fuzzRounds(3000); i++) {
      const bytes = mutate(random, valid);
      assert.ok(parseRtcp(bytes, 0, bytes.length).length <= bytes.length / 4 + 1);
    }
  });
});
