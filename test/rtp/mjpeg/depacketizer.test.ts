import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { jpegQuantization } from '#media/jpeg';
import { MjpegDepacketizer } from '#rtp/mjpeg/depacketizer';
import { text, transcript } from '../transcript.ts';

/** The segments of a JPEG that differ, and the scan. */
function show(data: Uint8Array): string {
  const out: string[] = [];
  assert.equal(text(data.subarray(0, 2)), 'ffd8');
  for (let at = 2; ; ) {
    assert.equal(data[at], 0xff);
    const marker = data[at + 1]!;
    const body = data.subarray(at + 4, at + 2 + ((data[at + 2]! << 8) | data[at + 3]!));
    at += 4 + body.length;
    if (marker === 0xdb) out.push(`table${body[0]}:${text(body.subarray(1, 4))}..${body.length - 1}`);
    if (marker === 0xdd) out.push(`restart:${text(body)}`);
    if (marker === 0xc0)
      out.push(`${(body[3]! << 8) | body[4]!}x${(body[1]! << 8) | body[2]!} ${text(body.subarray(7, 8))}`);
    if (marker === 0xda) return [...out, text(data.subarray(at))].join(' ');
  }
}

const t64 = (byte: string): string => byte.repeat(64);
/** Q 50 is the base tables. 160x120: 14 0f. */
const q50 = 'table0:100b0c..64 table1:111212..64';
const cases: [name: string, into: string[], out: string[]][] = [
  [
    'a picture in one packet: tables by Q, 4:2:0',
    ['1 00 000000 01 32 14 0f 1122ffd9 M'],
    ['format mjpeg 160x120 mp4v.6c', `K1 ${q50} 160x120 22 1122ffd9`],
  ],
  [
    '4:2:2, and the end put behind it',
    ['1 00 000000 00 32 14 0f 1122 M'],
    ['format mjpeg 160x120 mp4v.6c', `K1 ${q50} 160x120 21 1122ffd9`],
  ],
  [
    'a picture in three packets',
    ['1 00 000000 01 32 14 0f 11', '1 00 000001 01 32 14 0f 22', '1 00 000002 01 32 14 0f 33 M'],
    ['format mjpeg 160x120 mp4v.6c', `K1 ${q50} 160x120 22 112233ffd9`],
  ],
  [
    'restart markers',
    ['1 00 000000 41 32 14 0f 0004 ffff 11', '1 00 000001 41 32 14 0f 0004 ffff 22 M'],
    ['format mjpeg 160x120 mp4v.6c', `K1 ${q50} restart:0004 160x120 22 1122ffd9`],
  ],
  [
    'tables in the packet, remembered for the same Q',
    [`1 00 000000 01 80 14 0f 0000 0080 ${t64('05')}${t64('06')} 11 M`, '2 00 000000 01 80 14 0f 0000 0000 22 M'],
    [
      'format mjpeg 160x120 mp4v.6c',
      'K1 table0:050505..64 table1:060606..64 160x120 22 11ffd9',
      'K2 table0:050505..64 table1:060606..64 160x120 22 22ffd9',
    ],
  ],
  [
    'Q 255 has its tables with every picture',
    [`1 00 000000 01 ff 14 0f 0000 0080 ${t64('05')}${t64('06')} 11 M`, '2 00 000000 01 ff 14 0f 0000 0000 22 M'],
    [
      'format mjpeg 160x120 mp4v.6c',
      'K1 table0:050505..64 table1:060606..64 160x120 22 11ffd9',
      '! a picture whose quantization tables did not come',
    ],
  ],
  [
    'one table for all components',
    [`1 00 000000 01 ff 14 0f 0000 0040 ${t64('05')} 11 M`],
    ['format mjpeg 160x120 mp4v.6c', 'K1 table0:050505..64 160x120 22 11ffd9'],
  ],
  [
    'tables of 16 bits',
    [`1 00 000000 01 ff 14 0f 0003 0100 ${t64('0005')}${t64('0106')} 11 M`],
    ['format mjpeg 160x120 mp4v.6c', 'K1 table16:000500..128 table17:010601..128 160x120 22 11ffd9'],
  ],
  [
    'tables that do not add up',
    [`1 00 000000 01 ff 14 0f 0000 0010 ${'05'.repeat(16)} 11 M`],
    ['! quantization tables that do not add up'],
  ],
  [
    'tables longer than the packet',
    ['1 00 000000 01 ff 14 0f 0000 0080 0505 M'],
    ['! a quantization header that does not fit'],
  ],
  [
    'loss inside drops the picture, and is told with the next',
    ['1 00 000000 01 32 14 0f 11', '-', '1 00 000002 01 32 14 0f 33 M', '2 00 000000 01 32 14 0f 44 M'],
    [
      'format mjpeg 160x120 mp4v.6c',
      '! a picture did not end',
      '! a picture without a beginning',
      `K2 ${q50} 160x120 22 44ffd9 lost 1`,
    ],
  ],
  [
    'an offset that does not continue',
    ['1 00 000000 01 32 14 0f 11', '1 00 000009 01 32 14 0f 33 M'],
    ['format mjpeg 160x120 mp4v.6c', '! a fragment that does not continue its picture'],
  ],
  [
    'another size is another format',
    ['1 00 000000 01 32 14 0f 11 M', '2 00 000000 01 32 28 1e 11 M'],
    [
      'format mjpeg 160x120 mp4v.6c',
      `K1 ${q50} 160x120 22 11ffd9`,
      'format mjpeg 320x240 mp4v.6c',
      `K2 ${q50} 320x240 22 11ffd9`,
    ],
  ],
  ['a type that nobody defined', ['1 00 000000 05 32 14 0f 11 M'], ['! a picture of type 5']],
  ['a size that nobody tells', ['1 00 000000 01 32 00 00 11 M'], ['! a picture whose size is not known']],
  ['too short', ['1 00 000000 01 32 M'], ['! a packet without payload']],
];

describe('MjpegDepacketizer', () => {
  for (const [name, into, out] of cases)
    test(name, () =>
      assert.deepEqual(
        transcript(t => new MjpegDepacketizer(t), into, show),
        out,
      ),
    );

  test('more than 2040 pixels: the description tells', () => {
    const into = ['1 00 000000 01 32 00 00 11 M'];
    const got = transcript(t => new MjpegDepacketizer(t, [2592, 1944]), into, show);
    assert.deepEqual(got, ['format mjpeg 2592x1944 mp4v.6c', `K1 ${q50} 2592x1944 22 11ffd9`]);
  });

  test('Q scales the tables as the IJG library does: 75 halves them, 1 is as coarse as can be', () => {
    const first = (q: number): number[] => [...jpegQuantization(q).subarray(0, 4)];
    assert.deepEqual(
      [first(50), first(75), first(1), first(99)],
      [
        [16, 11, 12, 14],
        [8, 6, 6, 7],
        [255, 255, 255, 255],
        [1, 1, 1, 1],
      ],
    );
  });
});
