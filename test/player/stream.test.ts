/** Files of MPEG-TS and Matroska, played as a source; ffprobe says what is in them. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fakeContext } from '#fake/context';
import { FakeFiles } from '#fake/files';
import { makeMedia, needPeer, probe, scratchFolder } from '#fake/peers';
import { fakeWorld } from '#fake/world';
import type { AccessUnit } from '#media/access-unit';
import mediafile from '#objects/mediafile/index';
import { FileSource } from '#player/file-source';

const options = { file: '/v/file', loop: false, speed: 1, enable: ['video', 'audio'] as const };

async function played(bytes: Uint8Array, ms: number, more: Partial<typeof options> & { loop?: boolean } = {}) {
  const files = new FakeFiles();
  files.put('/v/file', bytes);
  const world = fakeWorld({ files });
  const context = fakeContext(mediafile, 'file1', {}, world);
  const source = new FileSource(context as never, { ...options, ...more });
  const units: AccessUnit[] = [];
  const times: number[] = [];
  const sink = {
    unit: (u: AccessUnit) => {
      units.push(u);
      times.push(world.clock.monotonicMs());
    },
    gap: () => {},
  };
  source.provides.media.attach(sink, { who: 'test', from: 'next' });
  const beganMs = world.clock.monotonicMs();
  source.start();
  await world.clock.pass(ms);
  await context.scope.close();
  return { units, times: times.map(t => t - beganMs), context, openFiles: files.openCount };
}

const ofKind = (units: readonly AccessUnit[], kind: string): AccessUnit[] =>
  units.filter(u => u.run.tracks[u.track]?.kind === kind);
const secondsOf = (u: AccessUnit | undefined): number =>
  (u?.pts ?? Number.NaN) / (u?.run.tracks[u.track]?.timescale ?? 1);

describe('a file of MPEG-TS or Matroska', { skip: needPeer('ffmpeg', 'ffprobe') }, () => {
  const wishes = { video: 'h264', audio: 'aac', bframes: 2 } as const;
  for (const extension of ['ts', 'mkv'])
    test(`${extension}: plays in real time, sound beside its pictures`, async () => {
      const bytes = makeMedia(extension, wishes);
      const { units, times, openFiles } = await played(bytes, 5000);
      const packets: any[] = probe(bytes, ['-show_packets'], extension).packets;
      const [picture] = packets.filter(p => p.codec_type === 'video');
      const video = ofKind(units, 'video');
      assert.equal(video.length, 50);
      // A picture and a sound that are together in the file are together when played.
      const offset = Number(picture.pts_time) - secondsOf(video[0]);
      const sound = ofKind(units, 'audio').at(-1);
      const heard = Number(packets.filter(p => p.codec_type === 'audio').at(-1).pts_time) - offset;
      assert.ok(Math.abs(secondsOf(sound) - heard) < 0.002, `${secondsOf(sound)} ${heard}`);
      units.forEach((u, i) => {
        const due = (u.dts * 1000) / (u.run.tracks[u.track]?.timescale ?? 1);
        assert.ok(Math.abs((times[i] ?? 0) - due) < 2, `unit ${i} at ${times[i]}, due at ${due}`);
      });
      assert.equal(openFiles, 0);
    });

  test('loops within one run, without a seam', async () => {
    const { units } = await played(makeMedia('ts', wishes), 6500, { loop: true });
    assert.equal(new Set(units.map(u => u.run)).size, 1);
    const dts = ofKind(units, 'video').map(u => u.dts);
    assert.ok(dts.length > 150);
    const steps = dts.slice(1).map((d, i) => d - (dts[i] ?? 0));
    assert.ok(
      steps.every(s => s === 3600 || (s > 3600 && s < 12_600)),
      `${steps}`,
    );
    const audio = ofKind(units, 'audio').map(u => u.dts);
    assert.ok(audio.every((d, i) => i === 0 || d > (audio[i - 1] ?? 0)));
  });

  test('streams one behind the other play without a pause, with a run for each format', async () => {
    const other = makeMedia('ts', { video: 'h264', audio: 'aac', size: '176x144' });
    const bytes = new Uint8Array(Buffer.concat([makeMedia('ts', wishes), other, makeMedia('ts', wishes)]));
    const { units, times } = await played(bytes, 10_000);
    assert.equal(ofKind(units, 'video').length, 150);
    assert.deepEqual([...new Set(units.map(u => u.run.id))], [1, 2, 3]);
    assert.ok((times.at(-1) ?? 0) < 6300, `${times.at(-1)}`);
  });

  const broken: [name: string, bytes: () => Uint8Array, least: number][] = [
    ['TS cut at both ends, inside packets', () => makeMedia('ts', wishes).subarray(99, -1111), 20],
    ['Matroska without its end', () => makeMedia('mkv', wishes).subarray(0, -30_000), 20],
    ['Matroska that was never finished', () => makeMedia('mkv', { ...wishes, more: ['-live', '1'] }), 50],
  ];
  for (const [name, bytes, least] of broken)
    test(`${name}: what is there is played`, async () => {
      const { units, context } = await played(bytes(), 4000);
      assert.ok(ofKind(units, 'video').length >= least, `${ofKind(units, 'video').length}`);
      assert.deepEqual(context.said.faults, []);
    });

  test('speed 2 plays in half the time, without sound', async () => {
    const { units, times } = await played(makeMedia('ts', wishes), 3000, { speed: 2 });
    assert.deepEqual([units.length, units[0]?.run.tracks.length, units[49]?.dts], [50, 1, 49 * 1800]);
    assert.ok((times.at(-1) ?? 0) < 1100);
  });

  test('subtitles become events at their time', async () => {
    const srt = join(scratchFolder(), 'lines.srt');
    writeFileSync(srt, '1\n00:00:00,500 --> 00:00:00,900\nhello\n\n2\n00:00:01,200 --> 00:00:01,500\nworld\n');
    const bytes = makeMedia('mkv', { video: 'h264', more: ['-c:s', 'srt'], inputs: ['-i', srt] });
    const { context } = await played(bytes, 3000);
    assert.deepEqual(
      context.said.events.filter(e => e.topic === 'Subtitle').map(e => e.data),
      [{ text: 'hello' }, { text: 'world' }],
    );
  });

  test('a file with nothing that we know says so', async () => {
    const bytes = makeMedia('ts', { video: 'h264', more: ['-c:v', 'mpeg2video'] });
    const { context } = await played(bytes, 10);
    assert.equal((context.said.faults[0] as { code?: string }).code, 'no-media');
  });
});
