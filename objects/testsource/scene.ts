/**
 * The part of the test picture that moves: balls bouncing once a second over water in sunlight. It is a
 * closed loop of `pictures` pictures, so that the coded loop can be kept and sent again. The water is there
 * to be hard enough for an encoder that a bit rate can be filled.
 */
import { type Canvas, type Colour, rgb } from './canvas.ts';
import type { Box } from './layout.ts';

const ballColours = [
  [250, 200, 60],
  [240, 110, 55],
  [205, 75, 160],
  [60, 160, 220],
] as const;

/** A turn of 1024 steps. */
const turn = 1024;
const sine = Float32Array.from({ length: turn }, (_, i) => Math.sin((i / turn) * 2 * Math.PI));

/** Direction and length of the water's waves, in waves per scene unit; where in a beat each sways, and how far, in waves. */
const waves = [
  { x: 4.3, y: 2.1, at: 0, sway: 0.03 },
  { x: -3.1, y: 3.4, at: 0.3, sway: 0.025 },
  { x: 1.7, y: -5.2, at: 0.55, sway: 0.035 },
  { x: 6.9, y: 5.3, at: 0.8, sway: 0.02 },
] as const;

/** Strength of light on the water, 0..255, by the sum of the waves: bright lines where they cancel. */
const light = Float32Array.from({ length: 257 }, (_, i) => {
  const sum = Math.abs(i - 128) / 128;
  return 255 * (0.2 * (1 - sum) + 0.8 * (1 - sum) ** 5);
});

const deep = rgb(8, 46, 92);
const bright = rgb(120, 205, 222);

export class Scene {
  readonly #canvas: Canvas;
  readonly #box: Box;
  readonly #pictures: number;
  /** Bounces, and beats of the waves, per loop: about one a second. */
  readonly #beats: number;

  constructor(canvas: Canvas, box: Box, pictures: number, framerate: number) {
    this.#canvas = canvas;
    this.#box = box;
    this.#pictures = pictures;
    this.#beats = Math.max(1, Math.round(pictures / framerate));
  }

  /** Paints picture `index` of the loop. */
  paint(index: number): void {
    const phase = (index / this.#pictures) * this.#beats;
    this.#water(phase);
    const { x, y, width, height } = this.#box;
    // Rows below the shown picture are water too; balls stand on the edge that is seen.
    const radius = Math.min(height * 0.17, width / 14);
    if (radius < 3) return;
    for (const [i, [red, green, blue]] of ballColours.entries()) {
      const at = (((phase + i * 0.16) % 1) + 1) % 1;
      const rise = 4 * at * (1 - at) * (height - 2.4 * radius);
      const centreX = x + (width * (i + 0.5)) / ballColours.length;
      this.#ball(centreX, y + height - 1.15 * radius - rise, radius, rgb(red, green, blue));
    }
  }

  #water(phase: number): void {
    const { planes } = this.#canvas;
    const top = this.#box.y;
    const bottom = planes.high * 16;
    // One scene unit is 640 pixels of a picture 640 wide, of larger ones in proportion.
    const unit = Math.max(320, planes.stride);
    const stepsX = waves.map(w => (w.x * turn) / unit);
    const [stepA = 0, stepB = 0, stepC = 0, stepD = 0] = stepsX;
    for (let y = top; y < bottom; y++) {
      const [fromA = 0, fromB = 0, fromC = 0, fromD = 0] = waves.map(
        w => ((y - top) * w.y * turn * 1.6) / unit + (w.sway * Math.sin(2 * Math.PI * (phase + w.at)) + 64) * turn,
      );
      const even = (y & 1) === 0;
      const row = y * planes.stride;
      const chromaRow = (y >> 1) * planes.chromaStride;
      for (let x = 0; x < planes.stride; x++) {
        // The first two waves bend the others: without it the water looks woven.
        const a = sine[(fromA + x * stepA) & (turn - 1)] ?? 0;
        const b = sine[(fromB + x * stepB) & (turn - 1)] ?? 0;
        const c = sine[(fromC + x * stepC + a * 150) & (turn - 1)] ?? 0;
        const d = sine[(fromD + x * stepD + b * 210) & (turn - 1)] ?? 0;
        const lit = light[(128 + (a + b + c + d) * 42) & 255] ?? 0;
        planes.y[row + x] = deep.y + (lit * (bright.y - deep.y)) / 255;
        if (even && (x & 1) === 0) {
          planes.u[chromaRow + (x >> 1)] = deep.u + (lit * (bright.u - deep.u)) / 255;
          planes.v[chromaRow + (x >> 1)] = deep.v + (lit * (bright.v - deep.v)) / 255;
        }
      }
    }
    this.#canvas.touch(0, top, planes.stride, bottom - top);
  }

  /** Lit from the upper left, soft at the edge. */
  #ball(centreX: number, centreY: number, radius: number, colour: Colour): void {
    const { planes } = this.#canvas;
    const fromX = Math.max(0, Math.floor(centreX - radius - 1));
    const toX = Math.min(planes.stride - 1, Math.ceil(centreX + radius + 1));
    const fromY = Math.max(this.#box.y, Math.floor(centreY - radius - 1));
    const toY = Math.min(planes.high * 16 - 1, Math.ceil(centreY + radius + 1));
    for (let y = fromY; y <= toY; y++)
      for (let x = fromX; x <= toX; x++) {
        const dx = x + 0.5 - centreX;
        const dy = y + 0.5 - centreY;
        const cover = Math.min(1, radius + 0.5 - Math.hypot(dx, dy));
        if (cover <= 0) continue;
        const away = Math.hypot(dx + radius * 0.35, dy + radius * 0.4) / radius;
        const shade = Math.max(0.45, 1.18 - 0.55 * away) + Math.max(0, 0.5 - away * 1.4);
        const at = y * planes.stride + x;
        const luma = Math.min(235, 16 + (colour.y - 16) * shade);
        planes.y[at] = (planes.y[at] ?? 0) * (1 - cover) + luma * cover;
        if (((x | y) & 1) !== 0) continue;
        const chroma = (y >> 1) * planes.chromaStride + (x >> 1);
        planes.u[chroma] = (planes.u[chroma] ?? 0) * (1 - cover) + colour.u * cover;
        planes.v[chroma] = (planes.v[chroma] ?? 0) * (1 - cover) + colour.v * cover;
      }
  }
}
