import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { SeededRandom } from '#fake/world';
import { parseRtcp } from '#rtp/rtcp';
import { type Clip, shippedClips } from '../../../tools/fake-camera/clip.ts';
import { Playback, type PlaybackOptions } from '../../../tools/fake-camera/playback.ts';

let clips: readonly [Clip, Clip];
before(async () => (clips = await shippedClips()));

function playback(over: Partial<PlaybackOptions> = {}, tracks: readonly number[] = [0]): Playback {
  const p = new Playback({
    clip: clips[0],
    camera: 0,
    random: new SeededRandom(1),
    maxPayload: 1388,
    marks: false,
    ppm: 0,
    firstUnit: () => 100,
    lateMs: () => 0,
    ...over,
  });
  for (const t of tracks) assert.ok(p.setUp(t, 2 * t));
  return p;
}

/** Times at which units leave, asked every millisecond. */
function times(p: Playback, track: number, untilMs: number): number[] {
  const found: number[] = [];
  for (let ms = 0; ms <= untilMs; ms++)
    for (let due = p.next(ms, () => 0n); due; due = p.next(ms, () => 0n)) if (due.track === track) found.push(ms);
  return found;
}

describe('Playback', () => {
  test('each track keeps its own time, over the end of the clip too', () => {
    const [video, audio] = [0, 1].map(t => {
      const p = playback({}, [0, 1]);
      p.begin(0);
      return times(p, t, 9000);
    });
    assert.deepEqual(
      video,
      Array.from({ length: 226 }, (_, i) => i * 40),
    );
    assert.deepEqual(
      audio,
      Array.from({ length: 141 }, (_, i) => i * 64),
    );
  });

  test('a fast clock runs fast', () => {
    const p = playback({ ppm: 100_000 });
    p.begin(0);
    assert.equal(times(p, 0, 4000).length, 111);
  });

  test('jitter makes units late, one by one, and none is lost', () => {
    let n = 0;
    const p = playback({ lateMs: () => (n++ % 2 === 0 ? 30 : 0) });
    p.begin(0);
    assert.deepEqual(times(p, 0, 200), [0, 70, 80, 150, 160]);
  });

  test('units are numbered from where the camera says', () => {
    const p = playback();
    p.begin(0);
    assert.deepEqual(
      [0, 40, 80].map(ms => p.next(ms, () => 0n)?.unit),
      [100, 101, 102],
    );
  });

  test('a track that is not there, or not set up, is not played', () => {
    const p = playback({}, [1]);
    assert.equal(p.setUp(7, 0), undefined);
    p.begin(0);
    assert.deepEqual(
      p.tracks.map(t => t.index),
      [1],
    );
    assert.deepEqual(times(p, 0, 500), []);
  });

  test('what is told before PLAY is what the first packet has', () => {
    const p = playback();
    const [told] = p.tracks;
    p.begin(0);
    const batch = p.next(0, () => 0n)?.batch ?? assert.fail('nothing is due');
    assert.deepEqual([told?.seq, told?.timestamp], [batch.seq, batch.timestamp]);
  });

  test('a report ties the wall clock to the timestamp of that moment', () => {
    const p = playback();
    const [told] = p.tracks;
    p.begin(1000);
    while (p.next(1500, () => 0n));
    const [report] = p.reports(1500, 1_800_000_000_000);
    const [sr, sdes] = parseRtcp(report!.bytes, 0, report!.bytes.length);
    assert.equal(sr?.type === 'sender-report' && (sr.rtpTime - told!.timestamp) >>> 0, 45_000);
    assert.ok(sr?.type === 'sender-report' && Math.abs(sr.wallMs - 1_800_000_000_000) < 0.001 && sr.packets > 13);
    assert.equal(sdes?.type === 'source-description' && sdes.cname, 'fake-camera');
  });

  test('another clip begins with its keyframe and parameter sets, in the same sequence', () => {
    const p = playback();
    p.begin(0);
    p.next(0, () => 0n);
    const { seq } = p.tracks[0]!;
    p.change(clips[1]);
    const due = p.next(40, () => 0n) ?? assert.fail('nothing is due');
    assert.equal(due.batch.seq, seq);
    assert.deepEqual([due.batch.bytes[16]! & 31, due.batch.timestamp], [24, (p.tracks[0]!.timestamp - 3600) >>> 0]);
  });
});
