/**
 * What packetizing costs: nanoseconds per packet of pictures of 20 kB (1080p at 4 Mbit/s), once
 * per stream, whoever watches. The floor is one plain copy of the same bytes into a fresh
 * buffer, measured in turns with it.
 *
 *     node tools/bench/packetize.ts
 */
import { h264Packetizer } from '#rtp/h264/packetizer';

const naluBytes = 20_000;
const unit = new Uint8Array(4 + naluBytes).map((_, i) => i | 1);
new DataView(unit.buffer).setUint32(0, naluBytes);
const packetizer = h264Packetizer({ payloadType: 96, ssrc: 1, seq: 0, maxPayload: 1388, channel: 0 }, []);
const packets = packetizer.packetize(unit, false, 0).count;

let bytes = 0;
const subjects: readonly [name: string, once: (i: number) => void][] = [
  ['plain copy', () => void (bytes += new Uint8Array(unit).length)],
  ['packetizer', i => void (bytes += packetizer.packetize(unit, false, i * 3600).bytes.length)],
];

function nsPerPacket(once: (i: number) => void): number {
  const rounds = 20_000;
  const before = process.cpuUsage();
  for (let i = 0; i < rounds; i++) once(i);
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1000) / rounds / packets;
}

const results = subjects.map(() => [] as number[]);
for (const [, once] of subjects) nsPerPacket(once); // warm-up
for (let round = 0; round < 7; round++)
  for (const [i, [, once]] of subjects.entries()) results[i]?.push(nsPerPacket(once));
console.log(
  `node ${process.version}, ${process.arch}; ${packets} packets of a unit; CPU, median of 7 rounds, interleaved`,
);
subjects.forEach(([name], i) => {
  const median = results[i]?.sort((a, b) => a - b)[3] ?? 0;
  console.log(`${name}  ${median.toFixed(1)} ns per packet`);
});
if (bytes === 0) console.log('nothing was made');
