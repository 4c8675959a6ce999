import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nalus } from '#media/access-unit';
import { readAdts } from '../../../tools/fake-camera/adts.ts';
import { lengthPrefixed, readAnnexB } from '../../../tools/fake-camera/annexb.ts';
import { loadClip, shippedClips } from '../../../tools/fake-camera/clip.ts';
import { markNalu, marksIn } from '../../../tools/fake-camera/mark.ts';

const hex = (s: string): Uint8Array => Uint8Array.from(Buffer.from(s.replaceAll(/\s/g, ''), 'hex'));
const text = (b: Uint8Array): string => Buffer.from(b).toString('hex');

describe('Annex B', () => {
  const rows: [name: string, bytes: string, sets: string[], units: string[]][] = [
    [
      'start codes of 3 and 4 bytes',
      '00000001 6742 000001 68ce 00000001 6588 000001 419a',
      ['6742', '68ce'],
      ['6588 key', '419a'],
    ],
    [
      'slices of one picture stay together',
      '000001 6742 000001 6588 000001 6508 000001 4180',
      ['6742'],
      ['6588+6508 key', '4180'],
    ],
    [
      'an SEI belongs to the picture behind it',
      '000001 6742 000001 6588 000001 0605 000001 419a',
      ['6742'],
      ['6588 key', '0605+419a'],
    ],
    [
      'delimiters and repeated parameter sets are left out',
      '000001 0910 000001 6742 000001 6588 000001 0930 000001 6742 000001 6588',
      ['6742'],
      ['6588 key', '6588 key'],
    ],
    ["zeros before a start code are nobody's", '000001 6588 0000 000001 419a 00', [], ['6588 key', '419a']],
    ['no start code, no units', '6588419a', [], []],
  ];
  for (const [name, bytes, sets, units] of rows)
    test(name, () => {
      const got = readAnnexB(hex(bytes));
      const told = got.units.map(u => [...nalus(u.data)].map(text).join('+') + (u.keyframe ? ' key' : ''));
      assert.deepEqual([got.parameterSets.map(text), told], [sets, units]);
    });
});

test('ADTS: the header says rate and channels, and is not part of the frame', () => {
  const got = readAdts(hex('fff1 6040 013f fc aabb fff1 6040 011f fc cc')) ?? assert.fail('no frames');
  assert.deepEqual(
    [got.sampleRate, got.channels, text(got.config), got.frames.map(text)],
    [16000, 1, '1408', ['aabb', 'cc']],
  );
  assert.equal(readAdts(hex('6742')), undefined);
});

test('the shipped clip is what its README says', async () => {
  const [clip, second] = await shippedClips();
  const told = [clip, second].map(c =>
    c.tracks.map(({ track, units }) => [
      track.codecText,
      track.kind === 'video' ? `${track.width}x${track.height}` : track.sampleRate,
      units.length,
      units.filter(u => u.keyframe).length,
      units.reduce((n, u) => n + u.duration, 0) / track.timescale,
    ]),
  );
  const audio = ['mp4a.40.2', 16000, 64, 64, 4.096];
  assert.deepEqual(told, [
    [['avc1.42c016', '320x240', 100, 4, 4], audio],
    [['avc1.42c00c', '176x144', 100, 4, 4], audio],
  ]);
});

test('the same clip in MP4 has the same units', async () => {
  const mp4 = await loadClip('test/fixture/media/clip.mp4');
  const [clip] = await shippedClips();
  assert.deepEqual(
    mp4.tracks.map(t => t.units.map(u => [text(u.data), u.keyframe, u.duration])),
    clip.tracks.map(t => t.units.map(u => [text(u.data), u.keyframe, u.duration])),
  );
});

test('a file that cannot be played is refused with its name', async () => {
  await assert.rejects(loadClip('h264=test/fixture/media/clip.aac'), /clip\.aac: expected h264 that begins with/);
  await assert.rejects(loadClip('/nowhere.mp4'), /nowhere/);
  await assert.rejects(loadClip('h264=x,vp9=y'), /expected h264=, .*fps=, got vp9=/);
});

test('a mark is one SEI as rtspload writes it, and is found again in any bytes', () => {
  const mark = { camera: 7, unit: 123456, atNs: 1_764_000_000_123_456_789n };
  const nalu = markNalu(mark);
  assert.equal(
    Buffer.from(nalu.subarray(3, 83)).toString(),
    'rtspload-sei-v1!cam=00007 au=000000123456 t=1764000000123456789 ................',
  );
  assert.deepEqual([...nalu.subarray(0, 3), nalu.at(-1), nalu.length], [6, 5, 80, 0x80, 84]);
  assert.deepEqual(marksIn(Buffer.concat([hex('00ff'), lengthPrefixed([nalu, hex('4188'), nalu])])), [mark, mark]);
});
