/** Streams that ffmpeg makes; ffprobe says what is in them. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fuzzRounds, fuzzSeed } from '#fake/fuzz';
import { makeMedia, needPeer, probe } from '#fake/peers';
import type { SeededRandom } from '#fake/world';
import { type AccessUnit, nalus } from '#media/access-unit';
import type { Run } from '#media/track';
import { Demuxer } from '#mpegts/demuxer';

interface Read {
  readonly runs: Run[];
  readonly units: AccessUnit[];
  readonly problems: string[];
  readonly lostPackets: number;
}

function read(bytes: Uint8Array, step = 1316, enable: readonly ('video' | 'audio')[] = ['video', 'audio']): Read {
  const got = { runs: [] as Run[], units: [] as AccessUnit[], problems: [] as string[] };
  let id = 0;
  const demuxer = new Demuxer(
    {
      run: run => void got.runs.push(run),
      unit: unit => void got.units.push(unit),
      problem: text => void got.problems.push(text),
    },
    { nextRunId: () => ++id, enable },
  );
  for (let at = 0; at < bytes.length; at += step) demuxer.push(bytes.subarray(at, at + step), at / 100);
  demuxer.end();
  return { ...got, lostPackets: demuxer.stats.lostPackets };
}

const ofKind = (units: readonly AccessUnit[], kind: string): AccessUnit[] =>
  units.filter(u => u.run.tracks[u.track]?.kind === kind);
const skip = needPeer('ffmpeg', 'ffprobe');
const media = (): Uint8Array => makeMedia('ts', { video: 'h264', audio: 'aac', bframes: 2 });
const join = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

describe('Demuxer', { skip }, () => {
  const opus = ['-c:a', 'libopus'];
  const cases: [name: string, bytes: () => Uint8Array, tracks: string][] = [
    ['H.264 with B-pictures and AAC', media, 'h264,aac'],
    ['H.264 alone, in four slices', () => makeMedia('ts', { video: 'h264', more: ['-slices', '4'] }), 'h264'],
    ['H.265 and Opus', () => makeMedia('ts', { video: 'h265', audio: 'aac', bframes: 3, more: opus }), 'h265,opus'],
    [
      'AAC in LATM',
      () => makeMedia('ts', { video: 'h264', audio: 'aac', more: ['-mpegts_flags', 'latm'] }),
      'h264,aac',
    ],
    ['AAC alone', () => makeMedia('ts', { audio: 'aac' }), 'aac'],
  ];
  for (const [name, make, tracks] of cases)
    test(`${name}: every unit, with the times that ffprobe sees`, () => {
      const bytes = make();
      const { runs, units, problems } = read(bytes);
      assert.deepEqual(problems, []);
      assert.equal(runs.map(r => r.tracks.map(t => t.codec).join()).join(' '), tracks);
      const packets: any[] = probe(bytes, ['-show_packets'], 'ts').packets;
      const zero = ofKind(units, 'video').length > 0 ? first(packets, 'video', 'dts') : first(packets, 'audio', 'pts');
      for (const kind of ['video', 'audio']) {
        const mine = ofKind(units, kind);
        const theirs = packets.filter(p => p.codec_type === kind && Number(p.pts) >= zero);
        assert.equal(mine.length, theirs.length);
        mine.forEach((unit, i) => {
          const scale = 90_000 / unit.run.tracks[unit.track]!.timescale;
          // Sound counts in samples, stamps in 90 kHz.
          assert.ok(Math.abs(unit.pts * scale - (Number(theirs[i].pts) - zero)) <= 2, `${kind} ${i}`);
          if (kind === 'video') assert.equal(unit.dts, Number(theirs[i].dts) - zero);
          if (kind === 'video') assert.equal(unit.keyframe, String(theirs[i].flags).startsWith('K'));
        });
      }
      for (const unit of ofKind(units, 'video'))
        assert.equal(
          [...nalus(unit.data)].reduce((sum, n) => sum + n.length + 4, 0),
          unit.data.length,
        );
    });

  test('open groups of pictures without an IDR picture begin with a recovery point, and nothing that leads it', () => {
    const open = 'open-gop=1:keyint=12:min-keyint=12:scenecut=0:b-adapt=0';
    const params = ['-preset', 'veryfast', '-x264-params', open];
    const bytes = makeMedia('ts', { video: 'h264', gop: 12, bframes: 2, seconds: 4, more: params });
    const whole = read(bytes);
    assert.equal(whole.units.filter(u => u.keyframe).length, 1 + 6, 'after IDR those from the third on');
    // Whoever tunes in late: behind the only IDR picture.
    const { runs, units } = read(bytes.subarray(188 * Math.floor(bytes.length / 5 / 188)));
    assert.equal(runs.length, 1);
    assert.equal(units[0]?.keyframe, true);
    assert.deepEqual(units.filter(u => u.pts < units[0]!.pts).length, 0);
    assert.ok(units.filter(u => u.keyframe).length >= 4, `${units.filter(u => u.keyframe).length} keyframes`);
    assert.ok(
      units.some((u, i) => u.keyframe && (units[i + 1]?.pts ?? u.pts) < u.pts),
      'the groups are open',
    );
  });

  test('pieces of any size give the same units', () => {
    const bytes = media();
    const whole = read(bytes, bytes.length).units.map(u => [u.track, u.pts, u.dts, u.data]);
    for (const step of [1, 187, 5000])
      assert.deepEqual(
        read(bytes, step).units.map(u => [u.track, u.pts, u.dts, u.data]),
        whole,
      );
  });

  test('streams one behind the other: a run for each, nothing is missing', () => {
    const other = makeMedia('ts', { video: 'h264', audio: 'aac', size: '176x144' });
    const { runs, units } = read(join(media(), other, media()));
    assert.deepEqual(
      runs.map(r => [r.id, r.tracks[0]?.kind === 'video' && r.tracks[0].width]),
      [
        [1, 320],
        [2, 176],
        [3, 320],
      ],
    );
    assert.equal(ofKind(units, 'video').length, 150);
    for (const run of runs) assert.equal(units.find(u => u.run === run)?.keyframe, true);
  });

  test('begun in the middle: from the next key frame on', () => {
    const { units, lostPackets } = read(media().subarray(10_001));
    const video = ofKind(units, 'video');
    assert.deepEqual([video.length, video[0]?.keyframe, video[0]?.dts, lostPackets], [25, true, 0, 0]);
    assert.ok(ofKind(units, 'audio').every(u => u.pts >= 0));
  });

  test('a lost packet costs one picture and is told', () => {
    const bytes = media();
    const at = 188 * Math.floor(bytes.length / 376);
    const { units, lostPackets, problems } = read(join(bytes.subarray(0, at), bytes.subarray(at + 188)));
    assert.equal(lostPackets, 1);
    const lost = units.filter(u => u.lost > 0);
    assert.ok(lost.length <= 1, `${lost.length}`);
    assert.ok(ofKind(units, 'video').length >= 48);
    assert.ok(problems.length <= 1);
  });

  test('enable leaves kinds out', () => {
    assert.deepEqual(
      read(media(), 1316, ['audio']).runs.map(r => r.tracks.map(t => t.codec)),
      [['aac']],
    );
    assert.deepEqual(
      read(media(), 1316, ['video']).runs.map(r => r.tracks.map(t => t.codec)),
      [['h264']],
    );
  });

  test('what is left out is named', () => {
    const bytes = makeMedia('ts', { video: 'h264', audio: 'aac', more: ['-c:v', 'mpeg2video', '-c:a', 'mp2'] });
    const { units, problems } = read(bytes);
    assert.deepEqual([units.length, problems], [0, ['left out: MPEG-2 video (0x02)', 'left out: MPEG-1 audio (0x03)']]);
  });

  test('of several programs the first with video is taken', () => {
    const programs = ['-program', 'program_num=1:st=1', '-program', 'program_num=2:st=0'];
    const map = ['-map', '0:v', '-map', '1:a'];
    const bytes = makeMedia('ts', { video: 'h264', audio: 'aac', more: [...map, ...programs] });
    assert.deepEqual(
      read(bytes).runs.map(r => r.tracks.map(t => t.codec)),
      [['h264']],
    );
    assert.deepEqual(
      read(bytes, 1316, ['audio']).runs.map(r => r.tracks.map(t => t.codec)),
      [['aac']],
    );
  });

  test('stamps that wrap do not end a run', () => {
    // 2^33 / 90000 = 95443.7 s; the first stamp is a second before.
    const bytes = makeMedia('ts', { video: 'h264', audio: 'aac', more: ['-output_ts_offset', '95442.2'] });
    const { runs, units } = read(bytes);
    assert.equal(runs.length, 1);
    assert.deepEqual(
      ofKind(units, 'video').map(u => u.dts),
      Array.from({ length: 50 }, (_, i) => i * 3600),
    );
  });

  test('any bytes: no throw, and units keep their promises', () => {
    const random = fuzzSeed('mpegts demuxer');
    const seeds = [media(), makeMedia('ts', { video: 'h265', audio: 'aac', more: opus })];
    for (let round = 0; round < fuzzRounds(40); round++) {
      const bytes = mangled(random, seeds[round % 2]!);
      const { units } = read(bytes, 1 + random.below(3000));
      const last = new Map<string, number>();
      let size = 0;
      for (const u of units) {
        const key = `${u.run.id} ${u.track}`;
        assert.ok(u.dts > (last.get(key) ?? -1) && u.pts >= u.dts, `${u.dts} after ${last.get(key)}, shown ${u.pts}`);
        if (!last.has(`${u.run.id} 0`)) assert.ok(u.keyframe && u.track === 0);
        last.set(key, u.dts);
        size += u.data.length;
      }
      assert.ok(size <= bytes.length * 1.1 + 1000, `${size} of ${bytes.length}`);
    }
  });
});

/** Some bytes changed, packets cut out, doubled and exchanged. */
function mangled(random: SeededRandom, valid: Uint8Array): Uint8Array {
  const bytes = valid.slice();
  const place = (): number => random.below(bytes.length);
  for (let n = random.below(200); n >= 0; n--) bytes[place()] = random.below(256);
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = random.below(40) * 188 + (random.below(10) === 0 ? random.below(188) : 0);
    if (random.below(8) > 0) parts.push(bytes.subarray(at, at + size));
    if (random.below(8) === 0) parts.push(bytes.subarray(place()).subarray(0, 188 * random.below(20)));
    at += size + 1 - (random.below(4) > 0 ? 1 : 0);
  }
  return join(...parts);
}

function first(packets: readonly any[], kind: string, what: 'pts' | 'dts'): number {
  return Number(packets.find(p => p.codec_type === kind)?.[what]);
}
