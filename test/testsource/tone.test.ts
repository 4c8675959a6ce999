import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { needPeer, runPeer } from '#fake/peers';
import { samplesPerFrame, toneFrame } from '#objects/testsource/tone';

/** ISO/IEC 14496-3 1.A.2.2: AAC-LC, 48 kHz, mono. */
function adts(frame: Uint8Array): Uint8Array {
  const length = frame.length + 7;
  return Buffer.concat([
    Uint8Array.of(0xff, 0xf1, 0x4c, 0x40 | (length >> 11), (length >> 3) & 0xff, ((length & 7) << 5) | 0x1f, 0xfc),
    frame,
  ]);
}

function decoded(frames: Uint8Array[]): Float32Array {
  const args = ['-v', 'error', '-xerror', '-f', 'aac', '-i', '-', '-f', 'f32le', '-'];
  const bytes = runPeer('ffmpeg', args, Buffer.concat(frames.map(adts)));
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

/** Amplitude at a frequency, over whole periods. */
function amplitude(samples: Float32Array, hertz: number): number {
  let re = 0;
  let im = 0;
  for (const [i, sample] of samples.entries()) {
    re += sample * Math.cos((2 * Math.PI * hertz * i) / 48_000);
    im += sample * Math.sin((2 * Math.PI * hertz * i) / 48_000);
  }
  return (2 * Math.hypot(re, im)) / samples.length;
}

describe('each frame repeated is a clean tone', () => {
  const cases: [name: string, wallMs: number, hertz: number, level: number][] = [
    ['soft', 500, 468.75, 0.02],
    ['at the full second', 0, 937.5, 0.2],
  ];
  for (const [name, wallMs, hertz, level] of cases)
    test(`${name}: ${hertz} Hz`, { skip: needPeer('ffmpeg') }, () => {
      const samples = decoded(new Array(60).fill(toneFrame(wallMs))).subarray(
        4 * samplesPerFrame,
        54 * samplesPerFrame,
      );
      const got = amplitude(samples, hertz);
      assert.ok(Math.abs(got - level) < level * 0.02, `amplitude ${got}`);
      const power = samples.reduce((sum, s) => sum + s * s, 0) / samples.length;
      assert.ok(power - (got * got) / 2 < (power * 1) / 1000, 'all else is 30 dB below');
    });
});

test('five frames in a second beep, and the change of frames disturbs no decoder', { skip: needPeer('ffmpeg') }, () => {
  const begin = Date.UTC(2026, 0, 1);
  const at = Array.from({ length: 47 * 4 }, (_, k) => begin + (k * samplesPerFrame * 1000) / 48_000);
  const samples = decoded(at.map(toneFrame));
  const loud = at.map(
    (_, k) => amplitude(samples.subarray(k * samplesPerFrame, (k + 1) * samplesPerFrame), 937.5) > 0.1,
  );
  for (const second of [1, 2, 3]) {
    const from = Math.ceil((second * 48_000) / samplesPerFrame);
    // The decoder is about one frame late, as the transform has it.
    const beeps = loud.slice(from - 2, from + 40).filter(Boolean).length;
    assert.ok(beeps >= 4 && beeps <= 6, `${beeps} loud frames at second ${second}`);
  }
});
