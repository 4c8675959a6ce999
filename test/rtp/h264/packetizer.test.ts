import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SeededRandom } from '#fake/world';
import { h264Packetizer } from '#rtp/h264/packetizer';
import type { PacketBatch, Packetizer } from '#rtp/packet-batch';
import { naluBytes, naluOf } from '../nalu-reader.ts';

const hex = (s: string): Uint8Array => Uint8Array.from(Buffer.from(s.replaceAll(/\s/g, ''), 'hex'));
const text = (b: Uint8Array): string => Buffer.from(b).toString('hex');

/** NAL units behind their lengths, as access units hold them. */
const unit = (...nalus: Uint8Array[]): Uint8Array =>
  Buffer.concat(nalus.flatMap(n => [Uint8Array.of(n.length >>> 24, n.length >>> 16, n.length >>> 8, n.length), n]));

/** A NAL unit of `length` bytes whose bytes tell their place. */
const nalu = (header: number, length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i === 0 ? header : i & 0xff));

const packetizer = (sets: string[] = [], over: { maxPayload?: number; seq?: number } = {}): Packetizer =>
  h264Packetizer({ payloadType: 96, ssrc: 0xdeadbeef, seq: 7, maxPayload: 64, channel: 2, ...over }, sets.map(hex));

const packets = (batch: PacketBatch): Uint8Array[] =>
  Array.from({ length: batch.count }, (_, i) => batch.bytes.slice(batch.offsets[i], batch.offsets[i + 1]));
const payloads = (batch: PacketBatch): Uint8Array[] => packets(batch).map(p => p.subarray(16));

describe('h264Packetizer', () => {
  const sps = '6742';
  const pps = '68ce';
  const rows: [name: string, sets: string[], data: Uint8Array, keyframe: boolean, payloads: string[]][] = [
    ['a NAL unit that fits is its own payload', [], unit(hex('41 9a 01')), false, ['419a01']],
    ['every NAL unit of the access unit gets a packet', [], unit(hex('0605'), hex('419a')), false, ['0605', '419a']],
    [
      'a keyframe has its parameter sets before it, in one STAP-A',
      [sps, pps],
      unit(hex('6588')),
      true,
      ['7800026742000268ce', '6588'],
    ],
    ['other pictures have none', [sps, pps], unit(hex('419a')), false, ['419a']],
    ['one parameter set alone needs no STAP-A', [sps], unit(hex('6588')), true, ['6742', '6588']],
    [
      'the STAP-A has the highest NRI of what it holds',
      ['2742', '48ce'],
      unit(hex('6588')),
      true,
      ['5800022742000248ce', '6588'],
    ],
    [
      'parameter sets too long for one packet go singly',
      [sps, `68${'aa'.repeat(61)}`],
      unit(hex('6588')),
      true,
      ['6742', `68${'aa'.repeat(61)}`, '6588'],
    ],
    ['an empty NAL unit is left out', [], unit(hex(''), hex('419a'), hex('')), false, ['419a']],
    [
      'a length that points past the end ends the unit before it',
      [],
      hex('00000002 419a 00000009 41'),
      false,
      ['419a'],
    ],
    ['a keyframe without NAL units is nothing, not parameter sets alone', [sps, pps], hex(''), true, []],
  ];
  for (const [name, sets, data, keyframe, expected] of rows)
    test(name, () => assert.deepEqual(payloads(packetizer(sets).packetize(data, keyframe, 0)).map(text), expected));

  test('a NAL unit one byte longer than a payload goes in two FU-A', () => {
    const got = payloads(packetizer().packetize(unit(nalu(0x65, 65)), false, 0));
    assert.deepEqual(
      got.map(p => [text(p.subarray(0, 2)), p.length]),
      [
        ['7c85', 64],
        ['7c45', 4],
      ],
    );
  });

  test('FU-A: S on the first, E on the last, neither between', () => {
    const got = payloads(packetizer().packetize(unit(nalu(0x41, 150)), false, 0));
    assert.deepEqual(
      got.map(p => text(p.subarray(0, 2))),
      ['5c81', '5c01', '5c41'],
    );
  });

  test('each packet is framed for TCP and numbered; the marker is on the last one only', () => {
    const p = packetizer([], { seq: 0xffff });
    const batch = p.packetize(unit(hex('0605'), hex('419a01')), false, 0x1_0000_0002);
    assert.deepEqual(
      packets(batch).map(b => text(b.subarray(0, 16))),
      ['2402000e' + '8060ffff00000002deadbeef', '2402000f' + '80e0000000000002deadbeef'],
    );
    assert.deepEqual([batch.seq, batch.timestamp, batch.payloadBytes, p.seq, p.ssrc], [0xffff, 2, 5, 1, 0xdeadbeef]);
  });

  test('sequence numbers go on from unit to unit, over their end', () => {
    const p = packetizer([], { seq: 0xfffe });
    const got = [1, 2, 3].map(() => p.packetize(unit(hex('419a')), false, 0).seq);
    assert.deepEqual([...got, p.seq], [0xfffe, 0xffff, 0, 1]);
  });

  test('what a receiver of RFC 6184 puts together is what went in, whatever the sizes', () => {
    const random = new SeededRandom(4);
    for (let round = 0; round < 300; round++) {
      const maxPayload = 64 + random.below(200);
      const units = Array.from({ length: 1 + random.below(5) }, () => nalu(0x41, 1 + random.below(900)));
      const keyframe = random.below(2) === 0;
      const batch = packetizer([sps, pps], { maxPayload }).packetize(unit(...units), keyframe, 0);
      const got = payloads(batch);
      assert.ok(
        got.every(p => p.length <= maxPayload),
        `round ${round}: a payload over ${maxPayload}`,
      );
      const wanted = [...(keyframe ? [hex(sps), hex(pps)] : []), ...units];
      assert.deepEqual(naluOf(got).map(text), wanted.map(text), `round ${round}`);
    }
  });

  test('any bytes as an access unit: no throw, and no more NAL unit bytes out than in', () => {
    const random = new SeededRandom(5);
    for (let round = 0; round < 2000; round++) {
      const data = random.bytes(random.below(200));
      for (let i = 0; i < data.length; i++)
        if (random.below(3) > 0) data[i] = random.below(4) === 0 ? random.below(40) : 0;
      const batch = packetizer().packetize(data, false, 0);
      assert.ok(naluBytes(payloads(batch)) <= data.length, `round ${round}`);
      assert.equal(batch.offsets[batch.count], batch.bytes.length);
    }
  });
});
