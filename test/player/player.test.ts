/** The player by itself: files that are made here, a clock that a test can push. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aacTrack, h264Track } from '#fake/media';
import { FakeClock } from '#fake/world';
import type { AccessUnit } from '#media/access-unit';
import type { FileTrack, Mp4File } from '#mp4/file';
import { Mp4Tape } from '#player/mp4-tape';
import { Player, type PlayerOptions } from '#player/player';
import { SampleReader } from '#player/sample-reader';
import { Timeline } from '#player/timeline';

/** Ten pictures at 25 a second, all key frames but those in `plain`; one NAL unit each. */
function videoTrack(more: Partial<FileTrack['samples']> = {}, plain: readonly number[] = []): FileTrack {
  const count = 10;
  return {
    entries: [
      { track: { ...h264Track, timescale: 12_800 }, lengthBytes: 4 },
      { track: { ...h264Track, timescale: 12_800, width: 320 }, lengthBytes: 4 },
    ],
    timescale: 12_800,
    shift: 0,
    samples: {
      count,
      offset: Float64Array.from({ length: count }, (_, i) => i * 6),
      size: new Uint32Array(count).fill(6),
      dts: Float64Array.from({ length: count }, (_, i) => i * 512),
      compositionOffset: new Int32Array(count),
      keyframe: Uint8Array.from({ length: count }, (_, i) => (plain.includes(i) ? 0 : 1)),
      description: new Uint8Array(count),
      endDts: 5120,
      ...more,
    },
  };
}

/** Twenty frames of 1024 samples at 48 kHz, the first of which a decoder throws away. */
const audioTrack: FileTrack = {
  entries: [{ track: aacTrack, lengthBytes: 0 }],
  timescale: 48_000,
  shift: -1024,
  samples: {
    count: 20,
    offset: new Float64Array(20),
    size: new Uint32Array(20).fill(6),
    dts: Float64Array.from({ length: 20 }, (_, i) => i * 1024),
    compositionOffset: new Int32Array(20),
    keyframe: new Uint8Array(20).fill(1),
    description: new Uint8Array(20),
    endDts: 20_480,
  },
};

const bytes = new Uint8Array(6 * 10);
for (let i = 0; i < 10; i++) bytes.set([0, 0, 0, 2, 0x65, i], i * 6);

class PushedClock extends FakeClock {
  pushedMs = 0;
  override monotonicMs(): number {
    return super.monotonicMs() + this.pushedMs;
  }
  override wallMs(): number {
    return super.wallMs() + this.pushedMs;
  }
}

function playing(
  tracks: readonly FileTrack[],
  options: Partial<PlayerOptions & { enable: ('video' | 'audio')[] }> = {},
) {
  const clock = new PushedClock();
  const file = { read: async (offset: number, length: number) => bytes.slice(offset, offset + length) };
  const mp4: Mp4File = { tracks, skipped: [] };
  const all = { loop: true, speed: 1, enable: ['video' as const, 'audio' as const], firstRunId: 7, ...options };
  const reader = new SampleReader(file as ConstructorParameters<typeof SampleReader>[0]);
  const player = new Player(new Mp4Tape(mp4, reader, all), clock, all);
  const units: AccessUnit[] = [];
  const end = new AbortController();
  const done = player.play({ unit: u => void units.push(u), text: () => {} }, end.signal);
  const stop = (): Promise<void> => {
    end.abort();
    return done;
  };
  return { clock, player, units, stop };
}

describe('Player', () => {
  test('another sample description begins a new run, and so does the way back to the first', async () => {
    const description = Uint8Array.from({ length: 10 }, (_, i) => (i < 5 ? 0 : 1));
    const { clock, units, player, stop } = playing([videoTrack({ description })]);
    await clock.pass(790);
    await stop();
    assert.deepEqual(
      [0, 5, 10, 15].map(i => {
        const track = units[i]?.run.tracks[0];
        return [units[i]?.run.id, units[i]?.pts, track?.kind === 'video' && track.width];
      }),
      [
        [7, 0, 640],
        [8, 0, 320],
        [9, 0, 640],
        [10, 0, 320],
      ],
    );
    assert.equal(player.nextRunId, 11);
  });

  test('a new run waits for a key frame', async () => {
    const description = Uint8Array.from({ length: 10 }, (_, i) => (i < 5 ? 0 : 1));
    const { clock, units, stop } = playing([videoTrack({ description }, [5, 6])]);
    await clock.pass(390);
    await stop();
    assert.deepEqual(
      units.map(u => u.data[5]),
      [0, 1, 2, 3, 4, 7, 8, 9],
    );
  });

  test('pictures before the first key frame and sound before the first picture are left out', async () => {
    const { clock, units, stop } = playing([videoTrack({}, [0, 1]), audioTrack]);
    await clock.pass(50);
    await stop();
    assert.deepEqual(
      units.map(u => [u.track, u.pts]),
      [
        [0, 0],
        [1, 256],
        [1, 1280],
        [0, 3600],
        [1, 2304],
      ],
    );
  });

  test('behind by more than two seconds it goes on from there, without a rush', async () => {
    const { clock, units, stop } = playing([videoTrack()]);
    await clock.pass(190);
    assert.equal(units.length, 5);
    clock.pushedMs = 60_000;
    await clock.pass(200);
    await stop();
    // Two at once, the one that was waited for and the one that time goes on with, then one every 40 ms.
    assert.equal(units.length, 11);
    const step = (units[6]?.wallMs ?? 0) - (units[4]?.wallMs ?? 0);
    assert.ok(step > 60_000 && step < 60_200, `the wall clock is right again: ${step}`);
  });

  test('a calendar that goes back does not turn the wall clock of the units back; forward, it is followed at the next loop', async () => {
    for (const [jump, least, most] of [
      [-3_600_000, 30, 45],
      [3_600_000, 3_600_000, 3_600_100],
      [100, 40, 46],
    ] as const) {
      const { clock, units, stop } = playing([videoTrack()]);
      await clock.pass(200);
      clock.stepWall(jump);
      await clock.pass(390);
      await stop();
      const step = (units[10]?.wallMs ?? 0) - (units[9]?.wallMs ?? 0);
      assert.ok(step >= least && step <= most, `${jump}: ${step}`);
    }
  });

  test('what is wanted and not there is a clear error', () => {
    assert.throws(() => playing([audioTrack], { enable: ['video'] }), { code: 'no-media', message: /expected video/ });
    assert.throws(() => playing([], {}), { code: 'no-media' });
  });

  test('a file that has become shorter is told', async () => {
    const offset = new Float64Array(10).fill(58);
    const { units, stop } = playing([videoTrack({ offset })]);
    await assert.rejects(stop(), { code: 'file-truncated' });
    assert.equal(units.length, 0);
  });
});

describe('Timeline', () => {
  test('a file without any duration still takes time', () => {
    const still = videoTrack({ dts: new Float64Array(10), endDts: 0 });
    assert.equal(new Timeline([still]).seconds, 0.04);
  });

  test('nothing to play ends', () => {
    assert.equal(new Timeline([videoTrack({ count: 0 })]).next(), undefined);
    assert.equal(new Timeline([]).next(), undefined);
  });
});
