/**
 * The coded test picture, one after the other. Each band of the layout is a slice. Bands that repeat with
 * every group of pictures are coded until the quantiser is settled, then their slices are kept and sent
 * again byte for byte (in a P slice nothing differs from group to group: frame_num counts from the IDR
 * picture); only what tells the time is coded anew. No clock: time comes with the call.
 */
import { Canvas } from './canvas.ts';
import { Card } from './card.ts';
import { Encoder, lowestQp } from './encoder.ts';
import { type Band, type Layout, layoutOf } from './layout.ts';
import { inMacroblocks, pictureParameterSet, sequenceParameterSet } from './parameter-sets.ts';
import { Scene } from './scene.ts';
import { pictureSei } from './sei.ts';

export interface PictureWishes {
  readonly width: number;
  readonly height: number;
  readonly framerate: number;
  /** Pictures from keyframe to keyframe. */
  readonly gop: number;
  /** Bits per second. */
  readonly bitrate: number;
  readonly text: string;
  /** Number of the camera in the SEI. */
  readonly camera: number;
}

const coarsestQp = 50;
/** Groups after which the quantiser is left alone, whatever it reaches. */
const tries = 6;

interface KeptLoop {
  readonly band: Band;
  /** By index in the group; of the IDR picture one for each idr_pic_id. */
  readonly keyframes: (Uint8Array | undefined)[];
  readonly slices: (Uint8Array | undefined)[];
}

export class PictureMaker {
  readonly layout: Layout;
  readonly parameterSets: readonly Uint8Array[];
  /** What it has coded last; bands that are sent from memory keep their latest coding in it. */
  readonly encoder: Encoder;
  readonly #wishes: PictureWishes;
  readonly #canvas: Canvas;
  readonly #card: Card;
  readonly #scene: Scene;
  #loops: readonly KeptLoop[] = [];
  /** In the group of pictures. */
  #index = 0;
  #idrPicId = 0;
  /** Of the scene; the card is coded somewhat finer. */
  #qp: number;
  #settled = false;
  /** A group has been coded from its keyframe to its end with the settled quantiser, and is kept. Half a one is of no use: what follows it would be coded against other pictures. */
  #whole = false;
  #groups = 0;
  #groupBytes = 0;
  #finestMissed = lowestQp - 1;

  constructor(wishes: PictureWishes) {
    this.#wishes = wishes;
    const { width, height, framerate, bitrate } = wishes;
    // Measured at 640x360: a twelfth of a bit a pixel comes out at 38. Larger pictures are easier, so it errs to the coarse side.
    const bitsPerPixel = bitrate / (width * height * framerate);
    this.#qp = Math.max(16, Math.min(46, Math.round(39 - 6 * Math.log2(bitsPerPixel * 12))));
    this.layout = layoutOf(width, height);
    this.parameterSets = [sequenceParameterSet(wishes), pictureParameterSet()];
    this.encoder = new Encoder(inMacroblocks(width), inMacroblocks(height));
    this.#canvas = new Canvas(this.encoder);
    this.#card = new Card(this.#canvas, this.layout, wishes.text);
    this.#scene = new Scene(this.#canvas, this.layout.scene, wishes.gop, wishes.framerate);
  }

  /** The quantiser of the scene, and whether it stays. */
  get quantiser(): { readonly qp: number; readonly settled: boolean } {
    return { qp: this.#qp, settled: this.#settled };
  }

  /** The next picture is a keyframe. */
  restart(): void {
    this.#index = 0;
  }

  /** `wallMs`: whole UTC milliseconds, drawn and written in the SEI; `number`: of the picture. */
  next(wallMs: number, number: number): { readonly data: Uint8Array; readonly keyframe: boolean } {
    if (this.#card.isNewDay(wallMs)) this.#repaint(wallMs);
    const index = this.#index;
    const idr = index === 0;
    if (idr) this.#beginGroup();
    this.#card.paintTime(wallMs, number);
    const pieces = [pictureSei(this.#wishes.camera, number, wallMs)];
    for (const loop of this.#loops) pieces.push(this.#slice(loop, index));
    const data = lengthPrefixed(pieces);
    this.#groupBytes += data.length;
    this.#index = index + 1 >= this.#wishes.gop ? 0 : index + 1;
    if (this.#index === 0) {
      if (this.#settled) this.#whole = true;
      else this.#weighQuantiser();
    }
    return { data, keyframe: idr };
  }

  /** The date has changed, or there is none yet: what never changes changes. */
  #repaint(wallMs: number): void {
    this.#card.paintGround();
    this.#card.paintTitle(wallMs);
    this.#whole = false;
    this.#index = 0;
  }

  #beginGroup(): void {
    if (!this.#whole) this.#loops = this.layout.bands.map(band => ({ band, keyframes: [], slices: [] }));
    this.#idrPicId = 1 - this.#idrPicId;
    this.#groupBytes = 0;
  }

  #slice(loop: KeptLoop, index: number): Uint8Array {
    const { band } = loop;
    const idr = index === 0;
    const kept = idr ? loop.keyframes : loop.slices;
    const at = idr ? this.#idrPicId : index;
    const mayKeep = band.kind === 'loop' && this.#settled;
    const before = this.#whole ? kept[at] : undefined;
    if (before) return before;
    const isScene = band === this.layout.bands.at(-1);
    if (isScene) this.#scene.paint(index);
    // Letters show coding faults sooner than water does; the strip, on top, is black and white.
    const finer = band.firstRow === 0 ? 2 : 6;
    const qp = isScene ? this.#qp : Math.max(20, Math.min(this.#qp - finer, 40));
    const slice = this.encoder.slice({
      firstRow: band.firstRow,
      rows: band.rows,
      qp,
      idr,
      frameNum: index,
      idrPicId: this.#idrPicId,
    });
    if (mayKeep) kept[at] = slice;
    return slice;
  }

  /**
   * After each group: the finest quantiser whose group stays below the bit rate. Bytes about double with
   * every six steps down; the first estimate is refined until a group fits and the next finer one is known not to.
   */
  #weighQuantiser(): void {
    if (this.#settled) return;
    const { gop, framerate, bitrate } = this.#wishes;
    // Groups differ by the figures in them: the next one must fit too.
    const wanted = (bitrate / 8) * (gop / framerate) * 0.97;
    const fits = this.#groupBytes <= wanted;
    if (!fits) this.#finestMissed = Math.max(this.#finestMissed, this.#qp);
    this.#groups++;
    const steps = 6 * Math.log2(this.#groupBytes / wanted);
    const next = Math.max(this.#finestMissed + 1, this.#qp + (fits ? Math.min(0, Math.ceil(steps)) : Math.ceil(steps)));
    if (fits && (next >= this.#qp || this.#groups >= tries)) this.#settled = true;
    else this.#qp = Math.min(coarsestQp, next);
    if (!fits && this.#qp >= coarsestQp) this.#settled = true;
  }
}

/** NAL units as MP4 and access units hold them: 4 bytes of length before each. */
function lengthPrefixed(pieces: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const piece of pieces) length += 4 + piece.length;
  const data = new Uint8Array(length);
  const view = new DataView(data.buffer);
  let at = 0;
  for (const piece of pieces) {
    view.setUint32(at, piece.length);
    data.set(piece, at + 4);
    at += 4 + piece.length;
  }
  return data;
}
