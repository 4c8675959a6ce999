/** Painting on the encoder's source planes: colours, rectangles, masks; every stroke marks the macroblocks it touches. */
import type { Encoder } from './encoder.ts';
import type { Mask } from './font.ts';
import type { Planes } from './planes.ts';

export interface Colour {
  readonly y: number;
  readonly u: number;
  readonly v: number;
}

/** BT.709, limited range, from 0..255 each. */
export function rgb(red: number, green: number, blue: number): Colour {
  const luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  return {
    y: Math.round(16 + (luma * 219) / 255),
    u: Math.round(128 + (((blue - luma) / 1.8556) * 224) / 255),
    v: Math.round(128 + (((red - luma) / 1.5748) * 224) / 255),
  };
}

export class Canvas {
  readonly planes: Planes;
  readonly #changed: Uint8Array;

  constructor(encoder: Encoder) {
    this.planes = encoder.source;
    this.#changed = encoder.changed;
  }

  /** Marks what a rectangle touches. */
  touch(x: number, y: number, width: number, height: number): void {
    const { wide, high } = this.planes;
    const right = Math.min(wide - 1, (x + width - 1) >> 4);
    const bottom = Math.min(high - 1, (y + height - 1) >> 4);
    for (let row = y >> 4; row <= bottom; row++) this.#changed.fill(1, row * wide + (x >> 4), row * wide + right + 1);
  }

  /** Clipped to the planes; chroma in whole pairs of pixels, so even coordinates are exact. */
  fill(x: number, y: number, width: number, height: number, colour: Colour): void {
    const { planes } = this;
    const right = Math.min(x + width, planes.stride);
    const bottom = Math.min(y + height, planes.high * 16);
    if (right <= x || bottom <= y) return;
    for (let row = y; row < bottom; row++)
      planes.y.fill(colour.y, row * planes.stride + x, row * planes.stride + right);
    for (let row = y >> 1; row < (bottom + 1) >> 1; row++) {
      const at = row * planes.chromaStride;
      planes.u.fill(colour.u, at + (x >> 1), at + ((right + 1) >> 1));
      planes.v.fill(colour.v, at + (x >> 1), at + ((right + 1) >> 1));
    }
    this.touch(x, y, right - x, bottom - y);
  }

  /** Rows of luma from a tile, without a look at what was there. Neutral chroma is the caller's business. */
  tile(x: number, y: number, width: number, height: number, luma: Uint8Array): void {
    const { y: plane, stride } = this.planes;
    for (let row = 0; row < height; row++)
      plane.set(luma.subarray(row * width, row * width + width), (y + row) * stride + x);
    this.touch(x, y, width, height);
  }

  /** A colour through a mask, over what is there. */
  blend(x: number, y: number, mask: Mask, colour: Colour): void {
    const { planes } = this;
    const width = Math.min(mask.width, planes.stride - x);
    const height = Math.min(mask.height, planes.high * 16 - y);
    for (let row = 0; row < height; row++)
      for (let column = 0; column < width; column++) {
        const cover = mask.cover[row * mask.width + column] ?? 0;
        if (cover === 0) continue;
        mix(planes.y, (y + row) * planes.stride + x + column, colour.y, cover);
        // One chroma sample stands for four pixels; the upper left one decides.
        if (((x + column) & 1) !== 0 || ((y + row) & 1) !== 0) continue;
        const at = ((y + row) >> 1) * planes.chromaStride + ((x + column) >> 1);
        mix(planes.u, at, colour.u, cover);
        mix(planes.v, at, colour.v, cover);
      }
    this.touch(x, y, width, height);
  }
}

function mix(plane: Uint8Array, at: number, to: number, cover: number): void {
  const from = plane[at] ?? 0;
  plane[at] = Math.round(from + ((to - from) * cover) / 255);
}
