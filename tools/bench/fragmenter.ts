/**
 * What fragmenting costs: nanoseconds per access unit, and microseconds per second of one stream
 * (25 pictures, 47 AAC frames, one fragment), measured in turns with the floor: the same units
 * into arrays and a header of fixed layout, without looking for what is equal.
 *
 *     node tools/bench/fragmenter.ts
 */
import type { AccessUnit } from '#media/access-unit';
import type { AudioTrack, Run, VideoTrack } from '#media/track';
import { parseFragmentHeader } from '#mp4/fragment-parser';
import { Fragmenter } from '#mp4/fragmenter';

const video: VideoTrack = {
  ...{ kind: 'video', codec: 'h264', timescale: 90_000, width: 1920, height: 1080 },
  ...{ parameterSets: [], codecText: 'avc1.640028', framerate: 25 },
};
const audio: AudioTrack = {
  ...{ kind: 'audio', codec: 'aac', timescale: 48_000, sampleRate: 48_000, channels: 2 },
  ...{ config: new Uint8Array(2), codecText: 'mp4a.40.2', samplesPerUnit: 1024 },
};
const run: Run = { id: 0, tracks: [video, audio] };
const picture = new Uint8Array(20_000);
const sound = new Uint8Array(350);

/** Of `seconds` seconds, in order of time; made before the clock runs. */
function unitsOf(seconds: number): AccessUnit[] {
  const units: AccessUnit[] = [];
  let sample = 0;
  for (let i = 0; i < seconds * 25; i++) {
    const at = { run, wallMs: i * 40, lost: 0 };
    units.push({ ...at, track: 0, pts: i * 3600, dts: i * 3600, keyframe: i % 25 === 0, data: picture });
    for (; sample * 1024 < i * 1920; sample++)
      units.push({ ...at, track: 1, pts: sample * 1024, dts: sample * 1024, keyframe: true, data: sound });
  }
  return units;
}

const seconds = 2000;
const units = unitsOf(seconds);
let kept = 0;

function ours(): void {
  const fragmenter = new Fragmenter(run, { maxSeconds: 1, cutAtKeyframes: true, prft: true, originDts: 'first' });
  for (const unit of units) kept += fragmenter.push(unit)?.header.length ?? 0;
  const last = fragmenter.flush();
  if (!last || 'need' in (parseFragmentHeader(last.header, 0) ?? {}))
    throw new Error('the last fragment does not read back');
}

function floor(): void {
  let columns: { sizes: number[]; chunks: Uint8Array[] }[] = [];
  const reset = (): void => void (columns = [0, 1].map(() => ({ sizes: [], chunks: [] })));
  reset();
  for (const unit of units) {
    if (unit.track === 0 && unit.keyframe) {
      const count = columns.reduce((sum, c) => sum + c.sizes.length, 0);
      const view = new DataView(new ArrayBuffer(200 + 12 * count));
      let at = 200;
      for (const { sizes } of columns) for (const size of sizes) view.setUint32((at += 12) - 12, size);
      kept += view.byteLength;
      reset();
    }
    const column = columns[unit.track];
    column?.sizes.push(unit.data.length);
    column?.chunks.push(unit.data);
  }
}

const timed = (work: () => void): number => {
  const began = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - began);
};
const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] ?? 0;

for (let i = 0; i < 3; i++) for (const work of [floor, ours]) work();
const rounds = Array.from({ length: 9 }, () => ({ floor: timed(floor), ours: timed(ours) }));
const [floorNs, oursNs] = [median(rounds.map(r => r.floor)), median(rounds.map(r => r.ours))];
console.log(
  `fragmenter  ${(oursNs / units.length).toFixed(0)} ns per unit, ${(oursNs / seconds / 1000).toFixed(2)} us per stream-second`,
);
console.log(`floor       ${(floorNs / units.length).toFixed(0)} ns per unit; ratio ${(oursNs / floorNs).toFixed(2)}`);
console.log(
  JSON.stringify({
    bench: 'fragmenter',
    nsPerUnit: oursNs / units.length,
    floorNsPerUnit: floorNs / units.length,
    kept,
  }),
);
