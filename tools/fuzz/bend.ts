/** Valid input bent out of shape, at the speed that a budget of billions of bytes needs. */
import type { SeededRandom } from '#fake/world';

/** Bytes that mean something somewhere: ends of lines, lengths, markers, quotes. */
const telling = [0, 1, 0x7f, 0x80, 0xff, 0x24, 0x0a, 0x0d, 0x20, 0x22, 0x3a, 0x3d, 0x2c, 0x5c, 0x7b, 0x5b] as const;

const utf8 = new TextEncoder();
export const bytesOf = (text: string): Uint8Array => utf8.encode(text);

/** Nothing but chance, `below` bytes at most. */
export function noise(random: SeededRandom, below: number): Uint8Array {
  const out = new Uint8Array(random.below(below));
  // One draw for three bytes: unit() has 31 bits.
  for (let at = 0; at < out.length; at += 3) {
    const n = random.below(1 << 24);
    out[at] = n;
    out[at + 1] = n >> 8;
    out[at + 2] = n >> 16;
  }
  return out;
}

/** Bytes changed, cut out, put in, doubled or swapped, a few times; or noise. Never longer than twice as long and 1000 bytes. */
export function bend(random: SeededRandom, valid: Uint8Array): Uint8Array {
  if (random.below(16) === 0) return noise(random, 400);
  let bytes = valid.slice();
  const limit = 2 * valid.length + 1000;
  for (let n = random.below(5); n >= 0; n--) {
    const at = random.below(bytes.length + 1);
    switch (random.below(7)) {
      case 0:
        if (at < bytes.length) bytes[at] = random.below(256);
        break;
      case 1:
        if (at < bytes.length) bytes[at] = telling[random.below(telling.length)] ?? 0;
        break;
      case 2:
        if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
        break;
      case 3:
        bytes = joined(bytes.subarray(0, at), bytes.subarray(Math.min(bytes.length, at + random.below(12))));
        break;
      case 4:
        bytes = joined(bytes.subarray(0, at), noise(random, 16), bytes.subarray(at));
        break;
      case 5: {
        const from = random.below(at + 1);
        bytes = joined(bytes.subarray(0, at), bytes.subarray(from));
        break;
      }
      default:
        bytes = bytes.slice(0, at);
    }
    if (bytes.length > limit) bytes = bytes.slice(0, limit);
  }
  return bytes;
}

export const pick = <T>(random: SeededRandom, of: readonly T[]): T => {
  const one = of[random.below(of.length)];
  if (one === undefined) throw new RangeError('nothing to pick from');
  return one;
};

/** Cut at places of chance, as TCP likes it. */
export function* pieces(random: SeededRandom, bytes: Uint8Array): Generator<Uint8Array> {
  if (random.below(3) > 0) {
    yield bytes;
    return;
  }
  for (let at = 0; at < bytes.length; ) {
    const end = at + 1 + random.below(random.below(2) === 0 ? 20 : 1500);
    yield bytes.subarray(at, end);
    at = end;
  }
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}
