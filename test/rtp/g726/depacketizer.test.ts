import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fuzzRounds, fuzzSeed } from '#fake/fuzz';
import { G726Decoder } from '#rtp/g726/decoder';
import { G726Depacketizer, type G726Packing } from '#rtp/g726/depacketizer';

const fixture = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`../../fixture/media/${name}`, import.meta.url)));

/** Pushes payloads of `size` bytes; gives the samples as one text of hex, and how many units there were. */
function decode(bytes: Uint8Array, packing: G726Packing, size: number) {
  const units: Uint8Array[] = [];
  const faults: string[] = [];
  const d = new G726Depacketizer(
    {
      unit: (_t, _k, data) => void units.push(data),
      parameterSets: () => {},
      format: () => {},
      fault: text => void faults.push(text),
    },
    packing,
  );
  for (let at = 0; at < bytes.length; at += size) d.push(bytes, at, Math.min(bytes.length, at + size), false, at, 0);
  return { pcm: Buffer.concat(units), units, faults };
}

/** The same code words, packed from the highest bit on. */
function highestFirst(bytes: Uint8Array, bits: number): Uint8Array {
  const out = new Uint8Array(bytes.length);
  const bit = (from: Uint8Array, at: number): number => (from[at >> 3]! >> (at & 7)) & 1;
  for (let code = 0; (code + 1) * bits <= bytes.length * 8; code++)
    for (let i = 0; i < bits; i++) {
      const to = code * bits + bits - 1 - i;
      out[to >> 3] = out[to >> 3]! | (bit(bytes, code * bits + i) << (7 - (to & 7)));
    }
  return out;
}

describe('G.726', () => {
  for (const bits of [2, 3, 4, 5] as const) {
    const coded = fixture(`g726-${bits}.le`);
    const expected = Buffer.from(fixture(`g726-${bits}.s16be`));
    test(`${8 * bits} kbit/s: sample by sample what spandsp decodes`, () => {
      const { pcm } = decode(coded, { bits, order: 'lowest-first' }, 60);
      assert.equal(pcm.length, expected.length);
      assert.equal(pcm.compare(expected), 0);
    });
    test(`${8 * bits} kbit/s packed as in AAL2 gives the same`, () => {
      const { pcm } = decode(highestFirst(coded, bits), { bits, order: 'highest-first' }, 60);
      assert.equal(pcm.compare(expected), 0);
    });
  }

  test('a packet of 20 ms is a unit of 160 samples', () => {
    const { units } = decode(new Uint8Array(160), { bits: 4, order: 'lowest-first' }, 80);
    assert.deepEqual(
      units.map(u => u.length),
      [320, 320],
    );
  });

  test('a packet without payload is a fault', () => {
    const faults: string[] = [];
    const taker = {
      unit: () => {},
      parameterSets: () => {},
      format: () => {},
      fault: (t: string) => void faults.push(t),
    };
    new G726Depacketizer(taker, { bits: 4, order: 'lowest-first' }).push(new Uint8Array(0), 0, 0, false, 1, 0);
    assert.deepEqual(faults, ['a packet without payload']);
  });

  test('any code words: samples stay 16 bits wide', () => {
    const random = fuzzSeed('g726 decoder');
    for (let round = 0; round < fuzzRounds(20); round++)
      for (const bits of [2, 3, 4, 5] as const) {
        const decoder = new G726Decoder(bits);
        for (let i = 0; i < 500; i++) {
          const sample = decoder.next(random.below(1 << bits));
          assert.ok(Number.isInteger(sample) && sample >= -32768 && sample <= 32767);
        }
      }
  });
});
