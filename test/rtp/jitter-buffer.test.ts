import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fuzzRounds, fuzzSeed } from '#fake/fuzz';
import { JitterBuffer } from '#rtp/jitter-buffer';
import { seqOf, ssrcOf, writeRtpHeader } from '#rtp/packet';

const packet = (seq: number, ssrc = 1, bytes = 12): Uint8Array => {
  const out = new Uint8Array(bytes);
  writeRtpHeader(out, 0, false, 96, seq & 0xffff, 0, ssrc);
  return out;
};

/** Feeds `5 7 6`, `+100` (time passes), `9:2` (another SSRC), and gives what came out in the same words. */
function play(text: string, limitBytes = 1 << 20): string {
  const out: string[] = [];
  const buffer = new JitterBuffer(
    (bytes, begin) => out.push(`${seqOf(bytes, begin)}${ssrcOf(bytes, begin) === 1 ? '' : `:${ssrcOf(bytes, begin)}`}`),
    { waitMs: 100, limitBytes },
  );
  let nowMs = 0;
  for (const word of text.split(' ')) {
    if (word.startsWith('+')) buffer.tick((nowMs += Number(word)));
    else {
      const [seq, ssrc = '1'] = word.split(':');
      const bytes = packet(Number(seq), Number(ssrc));
      buffer.push(bytes, 0, bytes.length, nowMs, nowMs);
    }
  }
  return `${out.join(' ')} | ${buffer.reordered} ${buffer.strays}`;
}

describe('JitterBuffer', () => {
  // in | out, then how many were reordered and how many strays there were
  const cases: [name: string, into: string, out: string][] = [
    ['what comes in order passes at once', '5 6 7', '5 6 7 | 0 0'],
    ['two that changed places change back', '5 7 6 8', '5 6 7 8 | 1 0'],
    ['several that overtook one wait for it', '5 7 8 9 6 10', '5 6 7 8 9 10 | 1 0'],
    ['any order within the wait is put right', '5 9 8 7 6', '5 6 7 8 9 | 3 0'],
    ['sequence numbers wrap', '65534 0 65535 1', '65534 65535 0 1 | 1 0'],
    ['a hole is given up when its time is over', '5 7 +50 8 +49', '5 | 0 0'],
    ['... and not before', '5 7 +50 8 +50 9', '5 7 8 9 | 0 0'],
    ['the wait is that of the packet that waits longest', '5 8 +60 7 +40', '5 7 8 | 1 0'],
    ['a second hole has its own time', '5 7 +60 9 +40', '5 7 | 0 0'],
    ['and is then given up too', '5 7 +60 9 +40 +60', '5 7 9 | 0 0'],
    ['what comes after its hole was given up is passed on, to be counted as late', '5 7 +100 6', '5 7 6 | 0 0'],
    ['so is a double of what has passed', '5 6 5', '5 6 5 | 0 0'],
    ['a double of what waits is dropped', '5 7 7 6', '5 6 7 | 1 0'],
    ['one packet of a stranger changes nothing', '5 900:2 6', '5 6 | 0 0'],
    ['one packet from far away changes nothing', '5 3000 6', '5 6 | 0 0'],
    ['strays are counted when the next one comes', '5 3000 6 4000 7', '5 6 7 | 0 1'],
    [
      'two that belong together are a new beginning, and none is lost',
      '5 6 900:2 901:2 902:2',
      '5 6 900:2 901:2 902:2 | 0 0',
    ],
    ['a sender that counts anew is followed', '40000 40001 7 8 9', '40000 40001 7 8 9 | 0 0'],
    ['a long outage is followed, and what waited comes first', '5 7 2000 2001 2002', '5 7 2000 2001 2002 | 0 0'],
  ];
  for (const [name, into, out] of cases) test(name, () => assert.equal(play(into), out));

  test('beyond its bytes it gives up holes early', () => {
    assert.equal(play('5 7 9 11 13', 36), '5 7 | 0 0');
  });

  test('any packets at any time: what is held is bounded, nothing stays for ever, order within a source holds', () => {
    const random = fuzzSeed('JitterBuffer');
    for (let round = 0; round < fuzzRounds(200); round++) {
      let got = 0;
      const buffer = new JitterBuffer(() => void got++, { waitMs: 100, limitBytes: 20_000 });
      let [nowMs, seq, pushed] = [0, random.below(0x10000), 0];
      for (let i = 0; i < 2000; i++) {
        nowMs += random.below(10);
        const kind = random.below(20);
        seq += kind === 0 ? random.below(0x10000) : kind < 4 ? random.below(40) - 20 : 1;
        const bytes = packet(seq, random.below(30) === 0 ? 2 : 1, 12 + random.below(1400));
        buffer.push(bytes, 0, bytes.length, nowMs, nowMs);
        pushed++;
        assert.ok(buffer.heldBytes <= 20_000);
        if (random.below(3) === 0) buffer.tick(nowMs);
        assert.ok(buffer.deadlineMs === Number.POSITIVE_INFINITY || buffer.deadlineMs > nowMs);
      }
      buffer.tick(nowMs + 1000);
      assert.equal(buffer.heldBytes, 0);
      assert.ok(got <= pushed);
    }
  });

  test('a network that delays each packet by less than the wait loses none and changes no order', () => {
    const random = fuzzSeed('JitterBuffer network');
    const sent = Array.from({ length: 5000 }, (_, i) => ({ seq: i, atMs: i * 2 + random.below(90) }));
    sent.sort((a, b) => a.atMs - b.atMs);
    const got: number[] = [];
    const buffer = new JitterBuffer((bytes, begin) => void got.push(seqOf(bytes, begin)), {
      waitMs: 100,
      limitBytes: 1 << 20,
    });
    for (const p of sent) {
      const bytes = packet(p.seq);
      buffer.push(bytes, 0, bytes.length, p.atMs, p.atMs);
    }
    const first = sent[0]!.seq;
    // Those that were overtaken by the very first one come late; all others are in order.
    assert.deepEqual(
      got.filter(s => s >= first),
      Array.from({ length: 5000 - first }, (_, i) => first + i),
    );
    assert.ok(buffer.reordered > 1000);
  });
});
