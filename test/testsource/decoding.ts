/** What the tests of this room share: pictures of the test source as a decoder sees them. */

import { runPeer } from '#fake/peers';
import { nalus } from '#media/access-unit';
import type { Planes } from '#objects/testsource/planes';

const startCode = Uint8Array.of(0, 0, 0, 1);

/** An elementary stream (annex B) of NAL units. */
export const annexB = (units: Iterable<Uint8Array>): Uint8Array =>
  Buffer.concat([...units].flatMap(unit => [startCode, unit]));

/** The same of access units' data, with the parameter sets in front. */
export const streamOf = (parameterSets: readonly Uint8Array[], units: readonly Uint8Array[]): Uint8Array =>
  annexB([...parameterSets, ...units.flatMap(data => [...nalus(data)])]);

/** All pictures as I420, one after the other. Any complaint of the decoder fails the test. */
export function decode(stream: Uint8Array): Uint8Array {
  const args = ['-v', 'error', '-xerror', '-f', 'h264', '-i', '-', '-f', 'rawvideo', '-pix_fmt', 'yuv420p', '-'];
  return runPeer('ffmpeg', args, stream);
}

/** The shown part of planes as I420. */
export function shown(planes: Planes, width: number, height: number): Uint8Array {
  const rows: Uint8Array[] = [];
  for (let y = 0; y < height; y++) rows.push(planes.y.slice(y * planes.stride, y * planes.stride + width));
  for (const plane of [planes.u, planes.v])
    for (let y = 0; y < height / 2; y++)
      rows.push(plane.slice(y * planes.chromaStride, y * planes.chromaStride + width / 2));
  return Buffer.concat(rows);
}

/** Fails with the first picture, plane and place that differ: 300 pictures are too much to print. */
export function assertSame(got: Uint8Array, want: readonly Uint8Array[], width: number, height: number): void {
  const size = (width * height * 3) / 2;
  if (got.length !== size * want.length)
    throw new Error(`expected ${want.length} pictures of ${size} bytes, got ${got.length / size}`);
  for (const [n, picture] of want.entries()) {
    const mine = got.subarray(n * size, (n + 1) * size);
    if (Buffer.compare(mine, picture) === 0) continue;
    const at = mine.findIndex((byte, i) => byte !== picture[i]);
    const where = at < width * height ? `luma ${at % width},${Math.floor(at / width)}` : `chroma, byte ${at}`;
    throw new Error(`picture ${n} differs at ${where}: decoded ${mine[at]}, encoder has ${picture[at]}`);
  }
}
