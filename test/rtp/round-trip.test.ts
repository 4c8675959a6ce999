/** Packetizers and depacketizers against each other: what goes in comes out, and loss costs only what it touched. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SeededRandom } from '#fake/world';
import { AacDepacketizer } from '#rtp/aac/depacketizer';
import { AacPacketizer } from '#rtp/aac/packetizer';
import type { Depacketizer } from '#rtp/depacketizer';
import { H264Depacketizer } from '#rtp/h264/depacketizer';
import { h264Packetizer } from '#rtp/h264/packetizer';
import type { PacketBatch } from '#rtp/packet-batch';

const text = (b: Uint8Array): string => Buffer.from(b).toString('hex');
const sps = Uint8Array.of(0x67, 0x42, 0xc0, 0x16, 0xa6, 0x11, 0x05);
const pps = Uint8Array.of(0x68, 0xc8, 0x42);

interface Unit {
  readonly data: Uint8Array;
  readonly keyframe: boolean;
  readonly timestamp: number;
}

/** What came out, and what was said meanwhile. */
function receive(batches: readonly PacketBatch[], create: (taker: any) => Depacketizer, drop = new Set<number>()) {
  const units: (Unit & { readonly lost: number })[] = [];
  const sets: string[] = [];
  const faults: string[] = [];
  const d = create({
    unit: (timestamp: number, keyframe: boolean, data: Uint8Array, lost: number) =>
      units.push({ timestamp, keyframe, data, lost }),
    parameterSets: (all: readonly Uint8Array[]) => sets.push(all.map(text).join(',')),
    format: () => {},
    fault: (f: string) => faults.push(f),
  });
  let number = 0;
  let lost = 0;
  for (const b of batches)
    for (let i = 0; i < b.count; i++) {
      if (drop.has(number++)) {
        lost += 1;
        continue;
      }
      const begin = (b.offsets[i] ?? 0) + 16;
      d.push(b.bytes, begin, b.offsets[i + 1] ?? 0, (b.bytes[begin - 11]! & 0x80) !== 0, b.timestamp, lost);
      lost = 0;
    }
  return { units, sets, faults };
}

const plain = (u: Unit): unknown => [u.timestamp, u.keyframe, text(u.data)];

/** Slices of any size; bytes without start codes, first_mb_in_slice 0 on the first only. */
function picture(random: SeededRandom, keyframe: boolean): Uint8Array {
  const nalus = Array.from({ length: 1 + random.below(3) }, (_, i) => {
    const nalu = Uint8Array.from({ length: 3 + random.below(i === 0 ? 900 : 200) }, () => 1 + random.below(255));
    nalu[0] = keyframe ? 0x65 : 0x41;
    nalu[1] = i === 0 ? 0x80 | random.below(128) : 0x40 | random.below(64);
    return nalu;
  });
  return Buffer.concat(nalus.flatMap(n => [Uint8Array.of(0, 0, n.length >> 8, n.length), n]));
}

describe('H.264', () => {
  const random = new SeededRandom(11);
  const units: Unit[] = Array.from({ length: 200 }, (_, i) => ({
    data: picture(random, i % 10 === 0),
    keyframe: i % 10 === 0,
    timestamp: (0xffff_0000 + i * 3600) >>> 0,
  }));
  for (const maxPayload of [64, 200, 1388])
    test(`200 pictures in packets of ${maxPayload} bytes, over the end of the timestamps`, () => {
      const p = h264Packetizer({ payloadType: 96, ssrc: 1, seq: 65000, maxPayload, channel: 0 }, [sps, pps]);
      const batches = units.map(u => p.packetize(u.data, u.keyframe, u.timestamp));
      const got = receive(batches, t => new H264Depacketizer(t));
      assert.deepEqual(got.units.map(plain), units.map(plain));
      assert.deepEqual([got.sets, got.faults], [[[sps, pps].map(text).join(',')], []]);
      assert.ok(got.units.every(u => u.lost === 0));
    });

  test('with loss, what comes out says how many packets are missing; untouched pictures are whole', () => {
    const p = h264Packetizer({ payloadType: 96, ssrc: 1, seq: 0, maxPayload: 100, channel: 0 }, [sps, pps]);
    const batches = units.map(u => p.packetize(u.data, u.keyframe, u.timestamp));
    const total = batches.reduce((n, b) => n + b.count, 0);
    const drop = new Set(Array.from({ length: 40 }, () => 1 + random.below(total - 20)));
    const got = receive(batches, t => new H264Depacketizer(t), drop);
    assert.equal(
      got.units.reduce((n, u) => n + u.lost, 0),
      drop.size,
    );
    const sent = new Map(units.map(u => [u.timestamp, text(u.data)] as const));
    let number = 0;
    const touched = new Set<number>();
    for (const b of batches) for (let i = 0; i < b.count; i++) if (drop.has(number++)) touched.add(b.timestamp);
    for (const u of got.units) if (!touched.has(u.timestamp)) assert.equal(text(u.data), sent.get(u.timestamp));
    assert.ok(got.units.length >= units.length - touched.size);
  });
});

test('AAC: frames of any size the format can say, in packets small and large', () => {
  const random = new SeededRandom(12);
  const units: Unit[] = [1, 2, 95, 96, 97, 500, 4000, 8191].map((length, i) => ({
    data: random.bytes(length),
    keyframe: true,
    timestamp: i * 1024,
  }));
  for (const maxPayload of [100, 1388]) {
    const p = new AacPacketizer({ payloadType: 97, ssrc: 1, seq: 0, maxPayload, channel: 0 });
    const batches = units.map(u => p.packetize(u.data, true, u.timestamp));
    const packing = { sizeLength: 13, indexLength: 3, indexDeltaLength: 3, ticksPerUnit: 1024 };
    const got = receive(batches, t => new AacDepacketizer(t, packing));
    assert.deepEqual(got.units.map(plain), units.map(plain));
    assert.deepEqual(got.faults, []);
  }
});
