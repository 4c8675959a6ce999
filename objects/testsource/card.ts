/** What stands still in the test picture, and what tells the time: title, date, clock, counter, strip, colour bars. */
import { type Canvas, rgb } from './canvas.ts';
import { cellMask, type Mask, textMask, textWidth } from './font.ts';
import type { Layout } from './layout.ts';
import { stripBits, stripColumns } from './strip.ts';

/** Neutral, so that a digit that changes costs no chroma. */
const panelLuma = 30;
const figureLuma = 235;
const black = rgb(0, 0, 0);
const panel = { y: panelLuma, u: 128, v: 128 };
const titleColour = rgb(120, 205, 255);
const dateColour = rgb(225, 232, 240);
/** 75% bars (ITU-R BT.471), white to black. */
const bars = [
  [191, 191, 191],
  [191, 191, 0],
  [0, 191, 191],
  [0, 191, 0],
  [191, 0, 191],
  [191, 0, 0],
  [0, 0, 191],
  [16, 16, 16],
] as const;

export class Card {
  readonly #canvas: Canvas;
  readonly #layout: Layout;
  readonly #text: string;
  /** Luma of one cell each: figures on their ground. */
  readonly #clockTiles: ReadonlyMap<string, Uint8Array>;
  readonly #smallTiles: ReadonlyMap<string, Uint8Array>;
  readonly #counterTiles: ReadonlyMap<string, Uint8Array>;
  readonly #bits = new Uint8Array(64);
  readonly #shownBits = new Uint8Array(64).fill(2);
  #shownClock = '';
  #shownRest = '';
  #shownCounter = '';
  #shownDay = -1;

  constructor(canvas: Canvas, layout: Layout, text: string) {
    this.#canvas = canvas;
    this.#layout = layout;
    this.#text = text;
    const { clock, counter } = layout;
    this.#clockTiles = tiles('0123456789:', clock.cell, clock.height, panelLuma);
    this.#smallTiles = tiles('0123456789.', clock.small, clock.smallHeight, panelLuma);
    this.#counterTiles = counter
      ? tiles('0123456789', counter.width / counter.digits, counter.height, black.y)
      : new Map();
  }

  /** Everything that does not change with the time. */
  paintGround(): void {
    const { clock, bars: barBox } = this.#layout;
    const canvas = this.#canvas;
    const { planes } = canvas;
    const full = planes.stride;
    canvas.fill(0, 0, full, planes.high * 16, black);
    this.#shownClock = '';
    this.#shownRest = '';
    this.#shownCounter = '';
    this.#shownBits.fill(2);
    const top = this.#layout.stripSide * 2;
    const groundTop = (top + 15) & ~15;
    const groundBottom = barBox?.y ?? this.#layout.scene.y;
    for (let y = groundTop; y < groundBottom; y += 2) {
      const t = (y - groundTop) / Math.max(1, groundBottom - groundTop);
      canvas.fill(0, y, full, 2, rgb(14 + 22 * t, 24 + 34 * t, 52 + 52 * t));
    }
    const margin = Math.max(2, Math.round(clock.cell / 4) & ~1);
    roundedBox(
      canvas,
      clock.x - margin,
      clock.y - margin / 2,
      clock.width + 2 * margin,
      clock.height + margin,
      groundTop,
    );
    if (!barBox) return;
    const width = Math.ceil(full / bars.length / 2) * 2;
    for (const [i, [red, green, blue]] of bars.entries())
      canvas.fill(i * width, barBox.y, width, barBox.height, rgb(red, green, blue));
  }

  /** Whether the day in the title is another one: `paintTitle` then changes what never else changes. */
  isNewDay(wallMs: number): boolean {
    return Math.floor(wallMs / 86_400_000) !== this.#shownDay;
  }

  /** Title left, cut where the picture ends; date right, if there is room for it beside the title. */
  paintTitle(wallMs: number): void {
    this.#shownDay = Math.floor(wallMs / 86_400_000);
    const { title, clock } = this.#layout;
    if (!title) return;
    const height = Math.max(8, Math.min(Math.round(clock.cell * 0.5), title.height - 6));
    const weight = Math.max(1.2, height * 0.12);
    const y = title.y + ((title.height - height) >> 1);
    let text = this.#text;
    while (text !== '' && textWidth(text, height, weight) > title.width) text = text.slice(0, -1);
    const name = textMask(text, height, weight);
    this.#canvas.blend(title.x, y, name, titleColour);
    const date = textMask(`${new Date(wallMs).toISOString().slice(0, 10)} UTC`, height, weight);
    if (name.width + height + date.width <= title.width)
      this.#canvas.blend(title.x + title.width - date.width, y, date, dateColour);
  }

  /** Clock, counter and strip of one picture; touches only what differs from the picture before. */
  paintTime(wallMs: number, number: number): void {
    const { clock, counter } = this.#layout;
    const iso = new Date(wallMs).toISOString();
    const big = iso.slice(19 - clock.digits, 19);
    this.#digits(clock.x, clock.y, clock.cell, clock.height, big, this.#shownClock, this.#clockTiles);
    this.#shownClock = big;
    if (clock.small > 0) {
      const rest = iso.slice(19, 23);
      const y = clock.y + clock.height - clock.smallHeight;
      const x = clock.x + clock.cell * clock.digits;
      this.#digits(x, y, clock.small, clock.smallHeight, rest, this.#shownRest, this.#smallTiles);
      this.#shownRest = rest;
    }
    if (counter) {
      const count = String(number % 10 ** counter.digits).padStart(counter.digits, '0');
      const cell = counter.width / counter.digits;
      this.#digits(counter.x, counter.y, cell, counter.height, count, this.#shownCounter, this.#counterTiles);
      this.#shownCounter = count;
    }
    this.#strip(wallMs, number);
  }

  #digits(
    x: number,
    y: number,
    cell: number,
    height: number,
    text: string,
    before: string,
    from: ReadonlyMap<string, Uint8Array>,
  ): void {
    for (let i = 0; i < text.length; i++) {
      const tile = from.get(text.charAt(i));
      if (tile && text.charAt(i) !== before.charAt(i)) this.#canvas.tile(x + i * cell, y, cell, height, tile);
    }
  }

  #strip(wallMs: number, number: number): void {
    const side = this.#layout.stripSide;
    if (side === 0) return;
    stripBits(wallMs, number, this.#bits);
    for (let i = 0; i < this.#bits.length; i++) {
      const bit = this.#bits[i] ?? 0;
      if (bit === this.#shownBits[i]) continue;
      this.#shownBits[i] = bit;
      const column = i % stripColumns;
      this.#canvas.fill(column * side, ((i - column) / stripColumns) * side, side, side, {
        y: bit === 1 ? figureLuma : black.y,
        u: 128,
        v: 128,
      });
    }
  }
}

function tiles(letters: string, width: number, height: number, ground: number): ReadonlyMap<string, Uint8Array> {
  return new Map([...letters].map(letter => [letter, tile(cellMask(letter, width, height), ground)]));
}

const tile = (mask: Mask, ground: number): Uint8Array =>
  mask.cover.map(cover => Math.round(ground + ((figureLuma - ground) * cover) / 255));

/** The clock's ground. Corners are cut by distance to the inner corner. */
function roundedBox(canvas: Canvas, left: number, top: number, width: number, height: number, limit: number): void {
  const x0 = Math.max(0, left);
  const y0 = Math.max(limit, top);
  const x1 = Math.min(canvas.planes.stride, left + width);
  const radius = Math.min(height, width) / 7;
  const mask = { width: x1 - x0, height: top + height - y0, cover: new Uint8Array((x1 - x0) * (top + height - y0)) };
  for (let y = 0; y < mask.height; y++)
    for (let x = 0; x < mask.width; x++) {
      const dx = Math.max(0, radius - x - 0.5, x + 0.5 - (mask.width - radius));
      const dy = Math.max(0, radius - y - 0.5, y + 0.5 - (mask.height - radius));
      mask.cover[y * mask.width + x] = Math.max(0, Math.min(1, radius + 0.5 - Math.hypot(dx, dy))) * 255;
    }
  canvas.blend(x0, y0, mask, panel);
}
