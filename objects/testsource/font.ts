/**
 * Letters as strokes with round ends, drawn in any size by distance. Own design: a plain upright
 * sans, figures of one width. Only ASCII; accents are dropped, anything else is an empty box.
 *
 * Paths: M x y begins a stroke, L x y a line, Q cx cy x y a quadratic curve. Capitals are 10 high
 * (0 top, 10 base line), small letters begin at 3.2, descenders reach 13. The width is that of the strokes.
 */

/** Width and paths. */
const glyphs: Readonly<Record<string, readonly [width: number, path: string]>> = {
  '0': [6, 'M0 3Q0 0 3 0Q6 0 6 3L6 7Q6 10 3 10Q0 10 0 7L0 3'],
  '1': [6, 'M1 2.2L3.6 0L3.6 10'],
  '2': [6, 'M0.2 2.8Q0.2 0 3 0Q5.9 0 5.9 2.8Q5.9 4.4 4.2 6L0 10L6 10'],
  '3': [6, 'M0.3 2Q1 0 3 0Q5.7 0 5.7 2.4Q5.7 4.7 3 4.7L2 4.7M3 4.7Q6 4.7 6 7.3Q6 10 3 10Q0.6 10 0 7.9'],
  '4': [6, 'M4.4 10L4.4 0L0 7.1L6 7.1'],
  '5': [6, 'M5.5 0L0.8 0L0.4 4.7Q1.4 3.8 3 3.8Q6 3.8 6 6.9Q6 10 3 10Q0.7 10 0 8.1'],
  '6': [6, 'M4.8 0Q0 2.6 0 6.9Q0 10 3 10Q6 10 6 7Q6 4.1 3 4.1Q0.4 4.1 0 6.9'],
  '7': [6, 'M0 0L6 0L2 10'],
  '8': [6, 'M3 4.6Q0.4 4.6 0.4 2.3Q0.4 0 3 0Q5.6 0 5.6 2.3Q5.6 4.6 3 4.6Q0 4.6 0 7.3Q0 10 3 10Q6 10 6 7.3Q6 4.6 3 4.6'],
  '9': [6, 'M1.2 10Q6 7.4 6 3.1Q6 0 3 0Q0 0 0 3Q0 5.9 3 5.9Q5.6 5.9 6 3.1'],
  A: [6, 'M0 10L3 0L6 10M1.1 6.6L4.9 6.6'],
  B: [6, 'M0 0L3 0Q5.5 0 5.5 2.4Q5.5 4.7 3 4.7L0 4.7M3 4.7Q6 4.7 6 7.3Q6 10 3 10L0 10L0 0'],
  C: [6, 'M6 2.2Q5.4 0 3.2 0Q0 0 0 4L0 6Q0 10 3.2 10Q5.4 10 6 7.8'],
  D: [6, 'M0 0L2.5 0Q6 0 6 4L6 6Q6 10 2.5 10L0 10L0 0'],
  E: [5.4, 'M5.4 0L0 0L0 10L5.4 10M0 4.8L4.6 4.8'],
  F: [5.2, 'M5.2 0L0 0L0 10M0 4.8L4.4 4.8'],
  G: [6.2, 'M6 2.2Q5.4 0 3.2 0Q0 0 0 4L0 6Q0 10 3.2 10Q6.2 10 6.2 7L6.2 5.4L3.6 5.4'],
  H: [6, 'M0 0L0 10M6 0L6 10M0 4.8L6 4.8'],
  I: [0, 'M0 0L0 10'],
  J: [4, 'M4 0L4 7.2Q4 10 2 10Q0 10 0 7.8'],
  K: [6, 'M0 0L0 10M5.6 0L0 6M2 4L6 10'],
  L: [5, 'M0 0L0 10L5 10'],
  M: [7, 'M0 10L0 0L3.5 6L7 0L7 10'],
  N: [6, 'M0 10L0 0L6 10L6 0'],
  O: [6.4, 'M0 4Q0 0 3.2 0Q6.4 0 6.4 4L6.4 6Q6.4 10 3.2 10Q0 10 0 6L0 4'],
  P: [6, 'M0 10L0 0L3 0Q6 0 6 2.8Q6 5.6 3 5.6L0 5.6'],
  Q: [6.4, 'M0 4Q0 0 3.2 0Q6.4 0 6.4 4L6.4 6Q6.4 10 3.2 10Q0 10 0 6L0 4M4.2 7.4L6.6 10.4'],
  R: [6, 'M0 10L0 0L3 0Q6 0 6 2.8Q6 5.6 3 5.6L0 5.6M3 5.6L6 10'],
  S: [6, 'M5.7 2Q5.2 0 3 0Q0.3 0 0.3 2.5Q0.3 4.4 3 4.9Q6 5.4 6 7.5Q6 10 3 10Q0.7 10 0 8'],
  T: [6, 'M0 0L6 0M3 0L3 10'],
  U: [6, 'M0 0L0 6.8Q0 10 3 10Q6 10 6 6.8L6 0'],
  V: [6, 'M0 0L3 10L6 0'],
  W: [8.4, 'M0 0L2 10L4.2 2.5L6.4 10L8.4 0'],
  X: [6, 'M0 0L6 10M6 0L0 10'],
  Y: [6, 'M0 0L3 5L6 0M3 5L3 10'],
  Z: [6, 'M0 0L6 0L0 10L6 10'],
  a: [5, 'M0.6 4.3Q1.3 3.2 2.8 3.2Q5 3.2 5 5.6L5 10M5 6.4L2.4 6.4Q0 6.4 0 8.2Q0 10 2 10Q4.2 10 5 8.2'],
  b: [5.2, 'M0 0L0 10M0 5.6Q0.6 3.2 2.6 3.2Q5.2 3.2 5.2 6.6Q5.2 10 2.6 10Q0.6 10 0 7.6'],
  c: [4.8, 'M4.8 4.8Q4.2 3.2 2.6 3.2Q0 3.2 0 6.6Q0 10 2.6 10Q4.2 10 4.8 8.4'],
  d: [5.2, 'M5.2 0L5.2 10M5.2 5.6Q4.6 3.2 2.6 3.2Q0 3.2 0 6.6Q0 10 2.6 10Q4.6 10 5.2 7.6'],
  e: [5, 'M0 6.5L5 6.5Q5 3.2 2.6 3.2Q0 3.2 0 6.6Q0 10 2.7 10Q4.2 10 4.8 8.6'],
  f: [3.4, 'M3.6 0.2Q1.4 -0.4 1.4 2.4L1.4 10M0 3.4L3.4 3.4'],
  g: [
    5.2,
    'M5.2 3.4L5.2 10.4Q5.2 13 2.6 13Q1 13 0.4 12M5.2 5.6Q4.6 3.2 2.6 3.2Q0 3.2 0 6.4Q0 9.6 2.6 9.6Q4.6 9.6 5.2 7.4',
  ],
  h: [5, 'M0 0L0 10M0 5.8Q0.8 3.2 2.8 3.2Q5 3.2 5 6L5 10'],
  i: [0, 'M0 3.4L0 10M0 0.6L0 0.7'],
  j: [1.4, 'M1.4 3.4L1.4 11Q1.4 13 0 13M1.4 0.6L1.4 0.7'],
  k: [4.8, 'M0 0L0 10M4.4 3.4L0 7.2M1.6 5.9L4.8 10'],
  l: [1.2, 'M0 0L0 8.6Q0 10 1.2 10'],
  m: [7.6, 'M0 3.4L0 10M0 5.6Q0.6 3.2 2.2 3.2Q3.8 3.2 3.8 5.6L3.8 10M3.8 5.6Q4.4 3.2 6 3.2Q7.6 3.2 7.6 5.6L7.6 10'],
  n: [5, 'M0 3.4L0 10M0 5.8Q0.8 3.2 2.8 3.2Q5 3.2 5 6L5 10'],
  o: [5.4, 'M0 6.6Q0 3.2 2.7 3.2Q5.4 3.2 5.4 6.6Q5.4 10 2.7 10Q0 10 0 6.6'],
  p: [5.2, 'M0 3.4L0 13M0 5.6Q0.6 3.2 2.6 3.2Q5.2 3.2 5.2 6.6Q5.2 10 2.6 10Q0.6 10 0 7.6'],
  q: [5.2, 'M5.2 3.4L5.2 13M5.2 5.6Q4.6 3.2 2.6 3.2Q0 3.2 0 6.6Q0 10 2.6 10Q4.6 10 5.2 7.6'],
  r: [3, 'M0 3.4L0 10M0 6Q0.8 3.1 3 3.3'],
  s: [4.6, 'M4.4 4.6Q3.9 3.2 2.3 3.2Q0.2 3.2 0.2 5Q0.2 6.2 2.3 6.6Q4.6 7 4.6 8.3Q4.6 10 2.3 10Q0.5 10 0 8.6'],
  t: [3.4, 'M1.4 1L1.4 8.4Q1.4 10.2 3.4 9.9M0 3.4L3.4 3.4'],
  u: [5, 'M0 3.4L0 7.2Q0 10 2.3 10Q4.4 10 5 7.6M5 3.4L5 10'],
  v: [5, 'M0 3.4L2.5 10L5 3.4'],
  w: [7.2, 'M0 3.4L1.8 10L3.6 4.6L5.4 10L7.2 3.4'],
  x: [4.8, 'M0 3.4L4.8 10M4.8 3.4L0 10'],
  y: [5.2, 'M0 3.4L2.6 10M5.2 3.4L2.6 10Q1.8 13 0 12.8'],
  z: [4.8, 'M0 3.4L4.8 3.4L0 10L4.8 10'],
  '.': [0, 'M0 10L0 10.1'],
  ',': [0.4, 'M0.4 9.8L0 11.4'],
  ':': [0, 'M0 3.4L0 3.5M0 8L0 8.1'],
  ';': [0.4, 'M0.4 4L0.4 4.1M0.4 9.8L0 11.4'],
  '-': [3.4, 'M0 5.6L3.4 5.6'],
  _: [5.4, 'M0 11L5.4 11'],
  '/': [4, 'M0 11L4 -0.5'],
  '#': [6, 'M1.6 1L1.2 9M4.8 1L4.4 9M0 3.4L6 3.4M0 6.6L6 6.6'],
  '(': [1.8, 'M1.8 -0.5Q0 2 0 5.2Q0 8.6 1.8 11'],
  ')': [1.8, 'M0 -0.5Q1.8 2 1.8 5.2Q1.8 8.6 0 11'],
  '+': [4.6, 'M0 5.6L4.6 5.6M2.3 3.3L2.3 7.9'],
  '=': [4.6, 'M0 4.4L4.6 4.4M0 7L4.6 7'],
  '!': [0, 'M0 0L0 7M0 10L0 10.1'],
  '?': [4.8, 'M0 2.4Q0 0 2.4 0Q4.8 0 4.8 2.4Q4.8 4 2.4 5.2L2.4 7M2.4 10L2.4 10.1'],
  "'": [0, 'M0 0L0 2'],
  '"': [2, 'M0 0L0 2M2 0L2 2'],
  '&': [6.4, 'M6.4 10L1.2 3.4Q0.2 0 2.6 0Q5 0 4.2 2.8L1 5.4Q-0.8 10 2.8 10Q5.4 10 6.2 6'],
  '*': [4, 'M2 1L2 5M0.2 2L3.8 4M3.8 2L0.2 4'],
  '@': [7, 'M5 7Q2 8.4 2 5.4Q2 3 4 3Q5 3 5 4.6L5 6Q5 7.2 6 7Q7 6.6 7 4.6Q7 0.6 3.6 0.6Q0 0.6 0 5Q0 9.8 4 9.8'],
  ' ': [3, ''],
};

const box: readonly [number, string] = [5, 'M0 0L5 0L5 10L0 10L0 0'];
const glyphOf = (letter: string): readonly [number, string] => glyphs[letter] ?? box;

/** Between letters, in units of the design: the strokes' own width and some air. */
const letterGap = 2.2;

/** How much of each pixel is covered, 0..255, row by row. */
export interface Mask {
  readonly width: number;
  readonly height: number;
  readonly cover: Uint8Array;
}

/** Letters that the font can draw, or will draw as boxes. */
const drawable = (text: string): string[] => [...text.normalize('NFKD').replace(/\p{M}/gu, '')];

/** Pixels from the left edge of the first letter to the right edge of the last one. */
export function textWidth(text: string, capitalHeight: number, weight: number): number {
  const letters = drawable(text);
  const strokes = letters.reduce((sum, letter) => sum + glyphOf(letter)[0], 0);
  return Math.ceil(((strokes + letterGap * Math.max(0, letters.length - 1)) * capitalHeight) / 10 + weight);
}

/** One line of text. `weight`: thickness of the strokes in pixels. The mask is a descender higher than the capitals. */
export function textMask(text: string, capitalHeight: number, weight: number): Mask {
  const unit = (capitalHeight - weight) / 10;
  const mask = emptyMask(textWidth(text, capitalHeight, weight) + 1, Math.ceil(capitalHeight * 1.35 + weight));
  let x = weight / 2;
  for (const letter of drawable(text)) {
    drawGlyph(mask, letter, x, weight / 2, unit, weight);
    x += (glyphOf(letter)[0] + letterGap) * (capitalHeight / 10);
  }
  return mask;
}

/** One letter in the middle of a cell, for text whose letters stand on a grid. */
export function cellMask(letter: string, width: number, height: number): Mask {
  const mask = emptyMask(width, height);
  const weight = width * 0.16;
  const unit = Math.min((height * 0.86 - weight) / 10, (width * 0.82 - weight) / 6);
  const x = (width - glyphOf(letter)[0] * unit) / 2;
  drawGlyph(mask, letter, x, (height - 10 * unit) / 2, unit, weight);
  return mask;
}

function emptyMask(width: number, height: number): Mask {
  return { width, height, cover: new Uint8Array(width * height) };
}

function drawGlyph(mask: Mask, letter: string, left: number, top: number, unit: number, weight: number): void {
  let x = 0;
  let y = 0;
  const to = (nextX: number, nextY: number): void => {
    stroke(mask, left + x * unit, top + y * unit, left + nextX * unit, top + nextY * unit, weight / 2);
    x = nextX;
    y = nextY;
  };
  for (const [, command, numbers] of glyphOf(letter)[1].matchAll(/([MLQ])([^MLQ]+)/g)) {
    const [a = 0, b = 0, c = 0, d = 0] = (numbers ?? '').trim().split(' ').map(Number);
    if (command === 'M') [x, y] = [a, b];
    else if (command === 'L') to(a, b);
    else {
      const [x0, y0] = [x, y];
      for (let i = 1; i <= 8; i++) {
        const t = i / 8;
        const s = 1 - t;
        to(s * s * x0 + 2 * s * t * a + t * t * c, s * s * y0 + 2 * s * t * b + t * t * d);
      }
    }
  }
}

/** A line with round ends; covers a pixel by its centre's distance, softened over one pixel. */
function stroke(mask: Mask, x0: number, y0: number, x1: number, y1: number, radius: number): void {
  const reach = radius + 1;
  const fromX = Math.max(0, Math.floor(Math.min(x0, x1) - reach));
  const toX = Math.min(mask.width - 1, Math.ceil(Math.max(x0, x1) + reach));
  const fromY = Math.max(0, Math.floor(Math.min(y0, y1) - reach));
  const toY = Math.min(mask.height - 1, Math.ceil(Math.max(y0, y1) + reach));
  const dx = x1 - x0;
  const dy = y1 - y0;
  const square = dx * dx + dy * dy;
  for (let y = fromY; y <= toY; y++)
    for (let x = fromX; x <= toX; x++) {
      const px = x + 0.5 - x0;
      const py = y + 0.5 - y0;
      const along = square === 0 ? 0 : Math.max(0, Math.min(1, (px * dx + py * dy) / square));
      const distance = Math.hypot(px - along * dx, py - along * dy);
      const cover = Math.max(0, Math.min(1, radius + 0.5 - distance)) * 255;
      const at = y * mask.width + x;
      if (cover > (mask.cover[at] ?? 0)) mask.cover[at] = cover;
    }
}
