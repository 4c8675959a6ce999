import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { crc32, descriptorOf, parsePat, parsePmt, SectionReader, writePat, writePmt } from '#mpegts/psi';

const hex = (text: string): Uint8Array =>
  Uint8Array.from(text.match(/[0-9a-f]{2}/g) ?? [], h => Number.parseInt(h, 16));
const text = (bytes: Uint8Array): string => Array.from(bytes, b => b.toString(16).padStart(2, '0')).join('');

/** As ffmpeg writes them. */
const pat = '00b00d0001c100000001f0002ab104b2';
const pmt = '02b01d0001c10000e100f0001be100f0000fe101f0060a04756e640008 7dafd4'.replaceAll(' ', '');

describe('sections', () => {
  test('a PAT is read and written', () => {
    const program = { number: 1, pmtPid: 0x1000 };
    assert.deepEqual(parsePat(hex(pat)), [program]);
    assert.equal(text(writePat(1, program)), pat);
  });

  test('a PMT is written and read', () => {
    const map = {
      number: 1,
      pcrPid: 0x100,
      streams: [
        { streamType: 0x1b, pid: 0x100, descriptors: new Uint8Array(0) },
        { streamType: 0x06, pid: 0x101, descriptors: hex('05044f707573 7f028002') },
      ],
    };
    const written = writePmt(map, 3);
    assert.deepEqual(parsePmt(written), map);
    assert.equal(written[5], 0xc1 | (3 << 1));
    assert.equal(text(descriptorOf(map.streams[1]!.descriptors, 0x7f) ?? hex('')), '8002');
    assert.equal(descriptorOf(map.streams[1]!.descriptors, 0x0a), undefined);
  });

  test('a wrong checksum, another table, one that does not apply yet: none', () => {
    for (const [at, value] of [
      [8, 1],
      [0, 2],
      [5, 0xc0],
    ] as const) {
      const bytes = hex(pat);
      bytes[at] = value;
      if (at === 5) new DataView(bytes.buffer).setUint32(12, crc32(bytes, 0, 12));
      assert.equal(parsePat(bytes), undefined);
    }
    assert.equal(parsePmt(hex(pmt.slice(0, 20))), undefined);
  });

  test('sections lie over packets, and several in one', () => {
    const seen: string[] = [];
    const reader = new SectionReader(s => void seen.push(text(s)));
    const one = hex(pat);
    reader.payload(Uint8Array.of(0, ...one.subarray(0, 5)), 0, 6, true);
    reader.payload(one, 5, 11, false);
    // The rest of the first behind pointer_field, then two more, then stuffing.
    const rest = Uint8Array.of(5, ...one.subarray(11), ...one, ...one, 0xff, 0xff);
    reader.payload(rest, 0, rest.length, true);
    reader.payload(one, 0, one.length, false);
    assert.deepEqual(seen, [pat, pat, pat]);
  });
});
