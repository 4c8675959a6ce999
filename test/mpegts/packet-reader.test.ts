import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PacketReader } from '#mpegts/packet-reader';

/** Packets whose second byte is their number; the rest is zeros, so that no sync byte is there by chance. */
function packets(count: number, before: Uint8Array, after: Uint8Array): Uint8Array {
  const one = before.length + 188 + after.length;
  const all = new Uint8Array(count * one);
  for (let i = 0; i < count; i++) {
    all.set(before, i * one);
    all.set([0x47, i], i * one + before.length);
    all.set(after, i * one + before.length + 188);
  }
  return all;
}

const none = new Uint8Array(0);
const plain = (count: number): Uint8Array => packets(count, none, none);
const join = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap(p => [...p]));

function read(bytes: Uint8Array, step: number): { seen: number[]; skipped: number } {
  const seen: number[] = [];
  let skipped = 0;
  const reader = new PacketReader({
    packet: (from, at) => void seen.push(from[at + 1]!),
    skipped: count => void (skipped += count),
  });
  for (let at = 0; at < bytes.length; at += step) reader.push(bytes.subarray(at, at + step));
  reader.end();
  return { seen, skipped };
}

describe('PacketReader', () => {
  const cases: [name: string, bytes: Uint8Array, seen: number[], skipped: number][] = [
    ['packets one behind the other', plain(6), [0, 1, 2, 3, 4, 5], 0],
    ['a time stamp before each (192)', packets(5, Uint8Array.of(1, 2, 3, 4), none), [0, 1, 2, 3, 4], 4],
    ['check bytes behind each (204)', packets(5, none, new Uint8Array(16).fill(9)), [0, 1, 2, 3, 4], 0],
    ['something else before them', join(new Uint8Array(100).fill(7), plain(4)), [0, 1, 2, 3], 100],
    ['a sync byte that is none before them', join(Uint8Array.of(0x47, 0, 0), plain(4)), [0, 1, 2, 3], 3],
    ['something else among them', join(plain(3), new Uint8Array(50), plain(4)), [0, 1, 2, 0, 1, 2, 3], 50],
    ['a packet cut short', join(plain(3), plain(1).subarray(0, 60), plain(4)), [0, 1, 2, 0, 1, 2, 3], 60],
    ['two packets are all', plain(2), [0, 1], 0],
    ['one packet is all', plain(1), [0], 0],
    ['half a packet at the end', plain(5).subarray(0, 900), [0, 1, 2, 3], 148],
    ['no packets', new Uint8Array(1000), [], 1000],
    ['nothing', none, [], 0],
  ];
  for (const [name, bytes, seen, skipped] of cases)
    for (const step of [1, 7, 188, 10_000])
      test(`${name}, in pieces of ${step}`, () => assert.deepEqual(read(bytes, step), { seen, skipped }));
});
