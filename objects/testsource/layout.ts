/**
 * Where things stand in the test picture, for any size: from the top strip for machines and picture
 * counter; title and date; clock; colour bars; the moving scene. What does not fit is left out, the
 * clock last. Pure arithmetic; everything in pixels, bands in rows of macroblocks.
 */
import { inMacroblocks } from './parameter-sets.ts';
import { stripCell, stripColumns, stripRows } from './strip.ts';

/** Rows of macroblocks that are coded as one slice. */
export interface Band {
  readonly firstRow: number;
  readonly rows: number;
  /** `loop`: the same in every group of pictures; `live`: shows the time. */
  readonly kind: 'loop' | 'live';
}

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  /** Of a cell of the strip; 0: no strip. */
  readonly stripSide: number;
  /** Right of the strip: digits of the picture's number. */
  readonly counter: (Box & { readonly digits: number }) | undefined;
  readonly title: Box | undefined;
  /** Big figures in cells `cell` wide, then, if `small` is not 0, the point and milliseconds in cells of that width and `smallHeight`, on the same base line. */
  readonly clock: Box & {
    readonly cell: number;
    readonly digits: number;
    readonly small: number;
    readonly smallHeight: number;
  };
  readonly bars: Box | undefined;
  readonly scene: Box;
  /** From top to bottom, without a hole. */
  readonly bands: readonly Band[];
}

/** The moving scene is painted and coded anew for every picture until its quantiser is found: this bounds that work. */
const sceneLimit = 1000;
/** HH:MM:SS, and what is left of it where there is less room: MM:SS, SS. */
const clockLengths = [8, 5, 2];
const smallestCell = 8;

/** Where everything stands in a picture of this size. What would be illegible is left out, the clock last. */
export function layoutOf(width: number, height: number): Layout {
  const wide = inMacroblocks(width);
  const high = inMacroblocks(height);
  const stripSide = stripCell(width, height);
  const top = (stripSide * stripRows + 15) >> 4;
  const wanted = high < 3 ? 1 : Math.round(high * 0.3);
  const sceneRows = Math.max(1, Math.min(wanted, Math.floor(sceneLimit / wide), high - top - 1));
  const sceneTop = high - sceneRows;
  const scene: Box = { x: 0, y: sceneTop * 16, width, height: height - sceneTop * 16 };

  const room = Math.min((sceneTop - top) * 16, height - top * 16);
  const share = width * 0.94;
  const digits = clockLengths.find(length => length * smallestCell <= share) ?? 2;
  // With `.mmm` at about three fifths of the size, where that leaves legible figures.
  const withSmall = digits === 8 && share >= 12 * smallestCell;
  const byWidth = Math.floor(withSmall ? share / (8 + 4 * 0.58) : share / digits);
  const cell = Math.max(smallestCell, Math.min(byWidth, Math.floor(room * 0.36)) & ~7);
  const digitHeight = Math.min(room, Math.round((cell * 4) / 3) & ~1);
  const small = withSmall ? Math.max(smallestCell, Math.round(cell * 0.07) * 8) : 0;
  const smallHeight = Math.min(digitHeight, Math.round((small * 4) / 3) & ~1);
  const clockWidth = cell * digits + small * 4;

  // Whole rows each, so that what never changes is never coded again.
  const rowsOf = (pixels: number): number => Math.max(1, Math.round(pixels / 16));
  const free = sceneTop - top;
  let barRows = rowsOf(digitHeight * 0.5);
  let titleRows = rowsOf(digitHeight * 0.9);
  let clockRows = Math.max(Math.ceil(digitHeight / 16), rowsOf(digitHeight * 1.4));
  if (titleRows + clockRows + barRows > free) barRows = 0;
  if (titleRows + clockRows > free) titleRows = 0;
  if (clockRows > free) clockRows = free;
  const spare = free - titleRows - clockRows - barRows;
  if (titleRows > 0) titleRows += spare >> 1;
  if (barRows > 0) barRows += spare - (titleRows > 0 ? spare >> 1 : 0);
  else if (titleRows === 0) clockRows += spare;
  else clockRows += spare - (spare >> 1);

  const clockTop = top + titleRows;
  const barTop = clockTop + clockRows;
  // On the grid of macroblocks where that leaves it in the middle, more or less: a figure then touches fewer of them.
  const grid = cell >= 32 ? 15 : 7;
  const centre = (clockTop * 16 + ((clockRows * 16 - digitHeight) >> 1)) & ~1;
  const smallTop = centre + digitHeight - smallHeight;
  const clock = {
    x: ((width - clockWidth) >> 1) & ~grid,
    y:
      small >= 32 && smallTop - (smallTop & 15) >= clockTop * 16 + digitHeight - smallHeight
        ? centre - (smallTop & 15)
        : centre,
    width: clockWidth,
    height: digitHeight,
    cell,
    digits,
    small,
    smallHeight,
  };
  const bands: Band[] = [];
  const band = (rows: number, kind: Band['kind']): void => {
    const before = bands.at(-1);
    if (rows > 0) bands.push({ firstRow: before ? before.firstRow + before.rows : 0, rows, kind });
  };
  band(top, 'live');
  band(titleRows, 'loop');
  band(clockRows, 'live');
  band(barRows, 'loop');
  band(sceneRows, 'loop');
  return {
    width,
    height,
    stripSide,
    counter: counterOf(width, stripSide),
    title: titleRows > 0 ? { x: clock.x, y: top * 16, width: clock.width, height: titleRows * 16 } : undefined,
    clock,
    bars: barRows > 0 ? { x: 0, y: barTop * 16, width, height: barRows * 16 } : undefined,
    scene,
    bands,
  };
}

function counterOf(width: number, side: number): Layout['counter'] {
  if (side === 0) return undefined;
  const free = width - side * stripColumns;
  const digits = Math.min(8, Math.floor(free / side - 0.5));
  if (digits < 4 || side < smallestCell) return undefined;
  return { x: (width - side * digits) & ~(side - 1), y: 0, width: side * digits, height: side * stripRows, digits };
}
