import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { payloadBegin, payloadEnd, seqDistance } from '#rtp/packet';
import { Reception } from '#rtp/reception';

describe('Reception', () => {
  // seq numbers in; per packet: how many are missing before it, L late, R restarted.
  const cases: [name: string, seqs: number[], out: string, lost: number, late: number][] = [
    ['in order', [1, 2, 3], '0 0 0', 0, 0],
    ['over the wrap', [65534, 65535, 0, 1], '0 0 0 0', 0, 0],
    ['one missing', [1, 3], '0 1', 1, 0],
    ['missing over the wrap', [65534, 1], '0 2', 2, 0],
    ['two swapped: the late one is refused', [1, 3, 2, 4], '0 1 L 0', 1, 1],
    ['a double', [1, 2, 2, 3], '0 0 L 0', 0, 1],
    ['a jump forward is a restart, not loss', [1, 30000, 30001], '0 R 0', 0, 0],
    ['a jump back is a restart', [30000, 5, 6], '0 R 0', 0, 0],
  ];
  for (const [name, seqs, out, lost, late] of cases)
    test(name, () => {
      const r = new Reception(90000);
      const got = seqs.map(s => r.packet(s, 1, 0, 0)).map(n => (n === -1 ? 'L' : n === -2 ? 'R' : `${n}`));
      assert.deepEqual([got.join(' '), r.lost, r.late], [out, lost, late]);
    });
  test('in a report, what came late or twice counts as received (RFC 3550 A.3)', () => {
    const r = new Reception(90000);
    for (const seq of [1, 2, 5, 6]) r.packet(seq, 1, 0, 0);
    assert.equal(r.report(0)?.lost, 2);
    for (const seq of [3, 6, 7]) r.packet(seq, 1, 0, 0);
    const { lost, fractionLost } = r.report(0)!;
    assert.deepEqual([lost, fractionLost, r.lost], [0, 0, 2]);
  });
  test('another SSRC is a restart', () => {
    const r = new Reception(90000);
    assert.deepEqual([r.packet(1, 1, 0, 0), r.packet(2, 9, 0, 0), r.packet(3, 9, 0, 0)], [0, -2, 0]);
  });
  test('a report tells loss since the last one, the highest number with its wraps, and the time since the sender report', () => {
    const r = new Reception(90000);
    assert.equal(r.report(0), undefined);
    for (const seq of [65533, 65534, 65535, 1]) r.packet(seq, 7, 0, 0);
    r.senderReport(0xabcd, 1000);
    const first = r.report(1500)!;
    assert.deepEqual(
      [first.ssrc, first.fractionLost, first.lost, first.highestSeq, first.lastReport, first.delaySinceLastReport],
      [7, Math.floor(256 / 5), 1, 65537, 0xabcd, 32768],
    );
    r.packet(2, 7, 0, 0);
    assert.equal(r.report(2000)!.fractionLost, 0);
  });
  test('jitter is that of RFC 3550: steady media have none, media 10 ms early and late come near 10 ms', () => {
    const steady = new Reception(90000);
    const shaken = new Reception(90000);
    for (let i = 0; i < 500; i++) {
      steady.packet(i, 1, i * 3600, i * 40);
      shaken.packet(i, 1, i * 3600, i * 40 + (i % 2) * 10);
    }
    assert.equal(steady.jitter, 0);
    assert.ok(Math.abs(shaken.jitter - 900) < 20);
  });
});

describe('RTP header', () => {
  const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
  const h = '60 0001 00000002 00000003';
  const cases: [name: string, packet: string, begin: number, end: number][] = [
    ['plain', `80 ${h} aabb`, 12, 14],
    ['two contributing sources', `82 ${h} 11111111 22222222 aa`, 20, 21],
    ['an extension of one word', `90 ${h} bede0001 01020304 aa`, 20, 21],
    ['padding', `a0 ${h} aabb 000003`, 12, 14],
    ['padding larger than the payload is none', `a0 ${h} aa 09`, 12, 14],
    ['padding of 0 is none', `a0 ${h} aa 00`, 12, 14],
    ['an extension that does not fit', `90 ${h} bede0004 01020304`, -1, -1],
    ['too short', '80 60 0001', -1, -1],
    ['version 1', `40 ${h} aa`, -1, -1],
    ['no payload', `80 ${h}`, 12, 12],
  ];
  for (const [name, packet, begin, end] of cases)
    test(name, () => {
      const bytes = hex(`ffff ${packet}`);
      const at = payloadBegin(bytes, 2, bytes.length);
      assert.equal(at < 0 ? -1 : at - 2, begin);
      const until = at < 0 ? -1 : payloadEnd(bytes, 2, at, bytes.length);
      assert.equal(until < 0 ? -1 : until - 2, end);
    });
  test('distances of sequence numbers wrap', () =>
    assert.deepEqual(
      [seqDistance(65535, 0), seqDistance(0, 65535), seqDistance(5, 5), seqDistance(0, 32768)],
      [1, -1, 0, -32768],
    ));
});
