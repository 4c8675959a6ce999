import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { clipRun } from '#fake/clip';
import { makeMedia, needPeer, probe } from '#fake/peers';
import { MatroskaDemuxer } from '#matroska/demuxer';
import type { AccessUnit } from '#media/access-unit';
import type { Run } from '#media/track';
import { Demuxer } from '#mpegts/demuxer';
import { packetCount } from '#mpegts/layout';
import { type Counters, Muxer } from '#mpegts/muxer';

function written(run: Run, units: readonly AccessUnit[], counters: Counters = {}) {
  const muxer = new Muxer(run, counters);
  const pieces = units.map(u => muxer.push(u));
  pieces.push(muxer.flush());
  return { bytes: new Uint8Array(Buffer.concat(pieces)), counts: muxer.counts };
}

function read(bytes: Uint8Array) {
  const units: AccessUnit[] = [];
  const problems: string[] = [];
  const demuxer = new Demuxer(
    { run: () => {}, unit: u => void units.push(u), problem: t => void problems.push(t) },
    { nextRunId: () => 1 },
  );
  demuxer.push(bytes, 0);
  demuxer.end();
  return { units, problems, stats: demuxer.stats };
}

/** What a file of others holds, as one run. */
function unitsOf(bytes: Uint8Array): { run: Run; units: AccessUnit[] } {
  const units: AccessUnit[] = [];
  const demuxer = new MatroskaDemuxer(
    { run: () => {}, unit: u => void units.push(u), problem: () => {} },
    { nextRunId: () => 1 },
  );
  demuxer.push(bytes, 0);
  demuxer.end();
  return { run: units[0]!.run, units };
}

const packetsOf = (bytes: Uint8Array): Uint8Array[] =>
  Array.from({ length: bytes.length / 188 }, (_, i) => bytes.subarray(i * 188, i * 188 + 188));
const pidOf = (p: Uint8Array): number => ((p[1]! & 0x1f) << 8) | p[2]!;
/** In 90 kHz; undefined for a packet without one. */
const pcrOf = (p: Uint8Array): number | undefined =>
  (p[3]! & 0x20) !== 0 && p[4]! >= 7 && (p[5]! & 0x10) !== 0
    ? (p[6]! * 2 ** 24 + (p[7]! << 16) + (p[8]! << 8) + p[9]!) * 2 + (p[10]! >> 7)
    : undefined;

const skip = needPeer('ffmpeg', 'ffprobe');

describe('Muxer', () => {
  test('what it writes is read back: units, times, tracks', () => {
    const { run, units } = clipRun(1);
    const { units: back, problems, stats } = read(written(run, units).bytes);
    assert.deepEqual([problems, stats.lostPackets, stats.skippedBytes], [[], 0, 0]);
    for (const track of [0, 1]) {
      const mine = units.filter(u => u.track === track);
      const theirs = back.filter(u => u.track === track);
      assert.deepEqual(
        theirs.map(u => [u.pts, u.dts, u.keyframe]),
        mine.map(u => [u.pts, u.dts, u.keyframe]),
      );
      for (const [i, u] of theirs.entries()) assert.deepEqual(u.data, mine[i]!.data);
    }
    const [video] = back[0]!.run.tracks;
    assert.ok(video?.kind === 'video');
    assert.deepEqual({ ...video, framerate: 25 }, run.tracks[0]);
  });

  test('the length of a segment is known before it is written', () => {
    for (const [seconds, audio] of [
      [4, true],
      [1, false],
    ] as const) {
      const { run, units } = clipRun(1, { seconds, audio });
      for (const cut of [units.length, 17, 1]) {
        const { bytes, counts } = written(run, units.slice(0, cut));
        const told = packetCount(run, units.slice(0, cut));
        assert.deepEqual(told, counts);
        assert.equal((told.pat + told.pmt + told.video + told.audio + told.pcr) * 188, bytes.length);
      }
    }
  });

  test('segments written each by itself continue each other: no counter jumps, no time', () => {
    const { run, units } = clipRun(1);
    const keys = units.flatMap((u, i) => (u.keyframe && u.track === 0 ? [i] : []));
    let counters: Counters = {};
    const segments = keys.map((from, i) => {
      const { bytes, counts } = written(run, units.slice(from, keys[i + 1]), counters);
      counters = counts;
      return bytes;
    });
    const all = new Uint8Array(Buffer.concat(segments));
    const { units: back, problems, stats } = read(all);
    assert.deepEqual([problems, stats.lostPackets, back.length], [[], 0, units.length]);
    const last = new Map<number, number>();
    for (const p of packetsOf(all)) {
      const [pid, counter] = [pidOf(p), p[3]! & 15];
      if (last.has(pid)) assert.equal(counter, ((p[3]! & 0x10) !== 0 ? last.get(pid)! + 1 : last.get(pid)!) & 15);
      last.set(pid, counter);
    }
  });

  test('segments in whole turns of the counters follow each other in any order, and are read as they were', () => {
    const { run, units } = clipRun(1);
    const keys = units.flatMap((u, i) => (u.keyframe && u.track === 0 ? [i] : []));
    const parts = [...keys.map((from, i) => units.slice(from, keys[i + 1])), units.slice(0, 1), units.slice(1, 4)];
    for (const part of parts) {
      const bytes = new Muxer(run).segment(part);
      const { stats } = read(new Uint8Array(Buffer.concat([bytes, bytes])));
      assert.equal(stats.lostPackets, 0);
      const counted = new Map<number, number>();
      for (const p of packetsOf(bytes))
        if ((p[3]! & 0x10) !== 0) counted.set(pidOf(p), (counted.get(pidOf(p)) ?? 0) + 1);
      assert.deepEqual(
        [...counted.values()].filter(n => n % 16 !== 0),
        [],
      );
    }
    const whole = read(new Uint8Array(Buffer.concat(parts.slice(0, keys.length).map(p => new Muxer(run).segment(p)))));
    assert.deepEqual([whole.problems, whole.stats.lostPackets, whole.units.length], [[], 0, units.length]);
    for (const track of [0, 1])
      assert.deepEqual(
        whole.units.filter(u => u.track === track).map(u => Buffer.from(u.data).toString('hex')),
        units.filter(u => u.track === track).map(u => Buffer.from(u.data).toString('hex')),
      );
  });

  test('another place in a stream: times are shifted, and the first clock reference tells that it jumps', () => {
    const { run, units } = clipRun(1, { seconds: 1 });
    const muxer = new Muxer(run, {}, { shiftTicks: 900_000, discontinuity: true, version: 3 });
    const bytes = new Uint8Array(Buffer.concat([...units.map(u => muxer.push(u)), muxer.flush()]));
    const plain = written(run, units).bytes;
    const pcrs = (b: Uint8Array): number[] => packetsOf(b).flatMap(p => pcrOf(p) ?? []);
    assert.deepEqual(
      pcrs(bytes),
      pcrs(plain).map(t => t + 900_000),
    );
    const flagged = packetsOf(bytes).filter(p => (p[3]! & 0x20) !== 0 && p[4]! > 0 && (p[5]! & 0x80) !== 0);
    assert.equal(flagged.length, 1);
    assert.equal(pcrOf(flagged[0]!), pcrs(bytes)[0]);
    assert.equal(bytes.length, plain.length);
  });

  test('another PMT in mid-stream: a run of the other codecs, nothing of either is missing', { skip }, () => {
    const a = clipRun(1);
    const b = unitsOf(makeMedia('mkv', { video: 'h265', audio: 'aac', more: ['-c:a', 'libopus'] }));
    const first = written(a.run, a.units);
    const second = written(b.run, b.units, first.counts);
    const { units, stats } = read(new Uint8Array(Buffer.concat([first.bytes, second.bytes, first.bytes])));
    const codecs = [...new Set(units.map(u => u.run))].map(r => r.tracks.map(t => t.codec).join());
    assert.deepEqual(codecs, ['h264,aac', 'h265,opus', 'h264,aac']);
    assert.equal(units.length, 2 * a.units.length + b.units.length);
    assert.ok(stats.skippedBytes === 0);
  });

  test('references of the clock are at most 40 ms apart, whatever the frame rate', () => {
    const { run, units } = clipRun(1, { audio: false });
    const slow = units.filter((_, i) => i % 25 === 0).map(u => ({ ...u, keyframe: true }));
    const pcrs = packetsOf(written(run, slow).bytes).flatMap(p => pcrOf(p) ?? []);
    assert.ok(pcrs.length > 75, `${pcrs.length}`);
    for (const [i, pcr] of pcrs.entries()) if (i > 0) assert.ok(pcr - pcrs[i - 1]! > 0 && pcr - pcrs[i - 1]! <= 3600);
  });

  const opus = ['-c:a', 'libopus'];
  const cases: [name: string, make: () => Uint8Array, codecs: string[]][] = [
    [
      'H.264 with B-pictures and AAC',
      () => makeMedia('mkv', { video: 'h264', audio: 'aac', bframes: 2 }),
      ['h264', 'aac'],
    ],
    [
      'H.265 and Opus',
      () => makeMedia('mkv', { video: 'h265', audio: 'aac', bframes: 2, more: opus }),
      ['hevc', 'opus'],
    ],
    [
      'pictures larger than 64 KiB',
      () => makeMedia('mkv', { video: 'h264', size: '1280x720', more: ['-qp', '5'] }),
      ['h264'],
    ],
    ['AAC alone', () => makeMedia('mkv', { audio: 'aac' }), ['aac']],
  ];
  for (const [name, make, codecs] of cases)
    test(`${name}: ffprobe has no complaint and sees every unit at its time`, { skip }, () => {
      const { run, units } = unitsOf(make());
      const { bytes } = written(run, units);
      assert.deepEqual(packetCount(run, units), written(run, units).counts);
      const seen = probe(bytes, ['-show_packets', '-show_streams'], 'ts');
      assert.deepEqual(
        seen.streams.map((s: any) => s.codec_name),
        codecs,
      );
      for (const [index, track] of run.tracks.entries()) {
        const mine = units.filter(u => u.track === index);
        const theirs = seen.packets.filter((p: any) => p.codec_type === track.kind);
        assert.equal(theirs.length, mine.length);
        mine.forEach((u, i) => {
          const off = Number(theirs[i].pts) - 126_000 - (u.pts * 90_000) / track.timescale;
          // Of sound that shares a PES packet only the first frame has a time; ffprobe adds the rest up.
          assert.ok(Math.abs(off) <= 4, `${track.kind} ${i}: ${off}`);
        });
      }
      // Decoding, too, goes without a complaint.
      probe(bytes, ['-show_frames', '-count_frames'], 'ts');
    });
});
