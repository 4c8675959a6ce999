import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SeededRandom } from '#fake/world';
import { h264Packetizer } from '#rtp/h264/packetizer';
import { FaultBook, parseFault, SessionFaults } from '../../../tools/fake-camera/faults.ts';

describe('the text of a fault', () => {
  test('says all there is to say', () =>
    assert.deepEqual(parseFault('cam=2-4,type=rtsperr,at=1.5,every=2,dur=3,p=0.5,v=461,count=2,method=SETUP'), {
      ...{ type: 'rtsperr', from: 2, to: 4, atS: 1.5, everyS: 2, forS: 3, p: 0.5, v: 461, count: 2, method: 'SETUP' },
      variant: undefined,
    }));
  test('or only its type', () => {
    const f = parseFault('type=loss');
    assert.deepEqual([f.from, f.to, f.p, f.count], [0, Number.POSITIVE_INFINITY, 0.01, 0]);
  });
  const wrong: [text: string, says: RegExp][] = [
    ['type=lost', /expected type= one of drop/],
    ['loss', /expected key=value, got loss/],
    ['type=loss,p=much', /expected a number for p, got much/],
    ['type=loss,cam=x', /expected cam=N/],
    ['type=sdp', /expected variant= one of noctl/],
  ];
  for (const [text, says] of wrong)
    test(`${text} is refused with what was expected`, () => assert.throws(() => parseFault(text), says));
});

const session = (...texts: string[]): SessionFaults => {
  const book = new FaultBook();
  for (const t of texts) book.add(parseFault(t));
  return new SessionFaults(book, 3, new SeededRandom(1));
};

describe('timed faults', () => {
  // when they strike, asked every half second for five seconds
  const rows: [name: string, fault: string, at: number[]][] = [
    ['once', 'type=stall,at=2', [2]],
    ['at once', 'type=stall', [0]],
    ['again and again', 'type=stall,at=1,every=1.5', [1, 2.5, 4]],
    ['... but not more often than told', 'type=tsjump,at=1,every=1,count=2', [1, 2]],
    ['another camera', 'type=stall,cam=0-2', []],
    ['a drop counts per camera', 'type=drop,at=1,every=1,count=3', [1, 2, 3]],
  ];
  for (const [name, fault, at] of rows)
    test(name, () => {
      const s = session(fault);
      const struck: number[] = [];
      for (let t = 0; t < 5; t += 0.5) struck.push(...s.due(t).map(() => t));
      assert.deepEqual(struck, at);
    });

  test('a limited drop strikes a camera, not each of its sessions', () => {
    const book = new FaultBook();
    book.add(parseFault('type=drop,count=1'));
    const sessions = [0, 1].map(() => new SessionFaults(book, 0, new SeededRandom(1)));
    assert.deepEqual(
      sessions.map(s => s.due(1).length),
      [1, 0],
    );
  });
});

describe('packet faults', () => {
  const unit = new Uint8Array(4 + 5000);
  new DataView(unit.buffer).setUint32(0, 5000);
  unit.fill(0x41, 4);
  const batch = h264Packetizer({ payloadType: 96, ssrc: 1, seq: 0, maxPayload: 100, channel: 0 }, []).packetize(
    unit,
    false,
    0,
  );
  const mangle = (fault: string, tcp = true) => {
    const counts = { lost: 0, corrupt: 0, reordered: 0, duplicate: 0 };
    const s = session(fault);
    assert.equal(s.harmless(1), false);
    const out = s.mangle(0, batch, 1, tcp, counts);
    return { counts, out, seqs: out.filter(p => p[0] === 0x24 && p[4] === 0x80).map(p => (p[6]! << 8) | p[7]!) };
  };
  const all = Array.from({ length: batch.count }, (_, i) => i);

  test('loss: what is missing is counted, the rest is in order', () => {
    const { counts, seqs } = mangle('type=loss,p=0.2');
    assert.ok(counts.lost > 0 && counts.lost < batch.count);
    assert.deepEqual([seqs.length, [...seqs].sort((a, b) => a - b)], [batch.count - counts.lost, seqs]);
  });
  test('reorder: all are there, some change places with the next', () => {
    const { counts, seqs } = mangle('type=reorder,p=0.2');
    assert.ok(counts.reordered > 0);
    assert.notDeepEqual(seqs, all);
    assert.ok(seqs.every((s, i) => Math.abs(s - i) <= 1));
  });
  test('dup: some are there twice', () => {
    const { counts, seqs } = mangle('type=dup,p=0.2');
    assert.deepEqual([seqs.length, new Set(seqs).size], [batch.count + counts.duplicate, batch.count]);
    assert.ok(counts.duplicate > 0);
  });
  test('corrupt: a byte of the payload differs, headers do not', () => {
    const { counts, out } = mangle('type=corrupt,p=1');
    out.forEach((p, i) => {
      const was = batch.bytes.subarray(batch.offsets[i], batch.offsets[i + 1]);
      assert.deepEqual(p.subarray(0, 16), was.slice(0, 16));
      assert.equal(p.filter((b, at) => b !== was[at]).length, 1);
    });
    assert.equal(counts.corrupt, batch.count);
  });
  test('trunc: packets are shorter and their prefix says so', () => {
    const { out } = mangle('type=trunc,p=1');
    assert.ok(out.every(p => p.length < 116 && ((p[2]! << 8) | p[3]!) === p.length - 4));
  });
  test('garbage: debris between packets, over TCP only', () => {
    assert.ok(mangle('type=garbage,p=0.5').out.length > batch.count);
    assert.equal(mangle('type=garbage,p=0.5', false).out.length, batch.count);
  });
  test('burstloss: nothing for v milliseconds of every period', () => {
    assert.equal(mangle('type=burstloss,at=1,every=2,v=100').counts.lost, batch.count);
    assert.equal(mangle('type=burstloss,at=0.5,every=2,v=100').counts.lost, 0);
  });
  test('the same seed, the same faults', () =>
    assert.deepEqual(mangle('type=loss,p=0.3').seqs, mangle('type=loss,p=0.3').seqs));
  test('other cameras are left alone', () => assert.ok(session('type=loss,p=1,cam=0').harmless(1)));
});

test('split: pieces are the whole, and small', () => {
  const bytes = Uint8Array.from({ length: 5000 }, (_, i) => i & 0xff);
  const pieces = session('type=split').pieces(bytes, 0);
  assert.ok(pieces.length > 5 && pieces.every(p => p.length > 0));
  assert.deepEqual(new Uint8Array(Buffer.concat(pieces)), bytes);
  assert.deepEqual(session().pieces(bytes, 0), [bytes]);
});
