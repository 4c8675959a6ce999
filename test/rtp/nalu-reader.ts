/** The obvious receiver of RFC 6184 payloads, for judging the packetizer: complete and in order, or it fails the test. */
import assert from 'node:assert/strict';

export function naluOf(payloads: readonly Uint8Array[]): Uint8Array[] {
  const out: Uint8Array[] = [];
  let open: number[] | undefined;
  for (const p of payloads) {
    const type = p[0]! & 0x1f;
    if (type !== 28) assert.equal(open, undefined, 'a packet inside an FU-A');
    if (type === 24) {
      for (let at = 1; at < p.length; ) {
        const length = (p[at]! << 8) | p[at + 1]!;
        assert.ok(length > 0 && at + 2 + length <= p.length, 'STAP-A does not add up');
        out.push(p.slice(at + 2, at + 2 + length));
        at += 2 + length;
      }
    } else if (type === 28) {
      const [first, last] = [(p[1]! & 0x80) !== 0, (p[1]! & 0x40) !== 0];
      assert.ok(!(first && last), 'S and E together');
      assert.equal(open === undefined, first, 'FU-A out of order');
      open ??= [(p[0]! & 0xe0) | (p[1]! & 0x1f)];
      open.push(...p.subarray(2));
      if (last) {
        out.push(Uint8Array.from(open));
        open = undefined;
      }
    } else out.push(p.slice());
  }
  assert.equal(open, undefined, 'an FU-A without an end');
  return out;
}

export const naluBytes = (payloads: readonly Uint8Array[]): number =>
  payloads.reduce((n, p) => n + ((p[0]! & 0x1f) === 28 ? p.length - 2 + (p[1]! & 0x80 ? 1 : 0) : p.length), 0);
