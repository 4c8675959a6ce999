/**
 * What the test source costs: milliseconds of CPU per picture, and percent of a core at 25 pictures a
 * second, while everything is still coded (the first groups) and afterwards, when only what tells the
 * time is. The 99th percentile (keyframes are one in 25) says how long the media loop is held up.
 *
 *     node tools/bench/testsource.ts
 */
import { PictureMaker } from '#objects/testsource/picture-maker';

const framerate = 25;
const begin = Date.UTC(2026, 0, 1, 12);
const sizes: readonly (readonly [width: number, height: number, bitrate: number])[] = [
  [320, 180, 200_000],
  [640, 360, 500_000],
  [640, 360, 1_500_000],
  [1280, 720, 2_000_000],
  [1920, 1080, 4_000_000],
];

/** CPU of the process, wall time of the slowest hundredth, over `count` pictures. */
function cost(maker: PictureMaker, from: number, count: number) {
  const before = process.cpuUsage();
  let bytes = 0;
  const took = new Float64Array(count);
  for (let n = from; n < from + count; n++) {
    const t = performance.now();
    bytes += maker.next(begin + n * 40, n).data.length;
    took[n - from] = performance.now() - t;
  }
  const { user, system } = process.cpuUsage(before);
  const ms = (user + system) / 1000 / count;
  const p99 = took.sort()[Math.floor(count * 0.99)] ?? 0;
  return { ms, percent: ms * framerate * 0.1, p99, kilobits: (bytes * 8 * framerate) / count / 1000 };
}

console.log(`node ${process.version}, ${process.arch}`);
console.log('size        limit  |  coding all: ms  % core  |  settled: ms  % core  p99 ms    kbit/s  qp');
for (const [width, height, bitrate] of sizes) {
  const maker = new PictureMaker({ width, height, framerate, gop: framerate, bitrate, text: 'bench', camera: 0 });
  let n = 0;
  const first = cost(maker, n, 2 * framerate);
  n += 2 * framerate;
  for (let group = 0; group < 12; group++, n += framerate) cost(maker, n, framerate);
  const then = cost(maker, n, 120 * framerate);
  const cells = [
    `${width}x${height}`.padEnd(10),
    String(bitrate / 1000).padStart(6),
    first.ms.toFixed(2).padStart(18),
    first.percent.toFixed(1).padStart(7),
    then.ms.toFixed(3).padStart(16),
    then.percent.toFixed(2).padStart(7),
    then.p99.toFixed(1).padStart(9),
    then.kilobits.toFixed(0).padStart(7),
    `${maker.quantiser.qp}${maker.quantiser.settled ? '' : ' (not settled)'}`.padStart(4),
  ];
  console.log(cells.join(' '));
}
