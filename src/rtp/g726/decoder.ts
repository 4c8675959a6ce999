/**
 * ADPCM at 16, 24, 32 and 40 kbit/s (ITU-T G.726) to 16-bit samples. What the Recommendation's blocks are called
 * stands beside their lines; the arithmetic is its 16-bit fixed point, so results are exact.
 */

/** Bits of one code word: 2, 3, 4 or 5. */
export type G726Bits = 2 | 3 | 4 | 5;

interface Tables {
  /** Reconstruction levels (log2 of the normalized difference), by the positive code words. */
  readonly levels: readonly number[];
  /** W(I), scale factor multipliers. */
  readonly scale: readonly number[];
  /** F(I), for the speed control. */
  readonly speed: readonly number[];
}

/** G.726 tables 7 to 15, by magnitude; the negative code words mirror them. */
const tables: Readonly<Record<G726Bits, Tables>> = {
  2: { levels: [116, 365], scale: [-704, 14048], speed: [0, 0xe00] },
  3: { levels: [-2048, 135, 273, 373], scale: [-128, 960, 4384, 18624], speed: [0, 0x200, 0x400, 0xe00] },
  4: {
    levels: [-2048, 4, 135, 213, 273, 323, 373, 425],
    scale: [-384, 576, 1312, 2048, 3584, 6336, 11360, 35904],
    speed: [0, 0, 0, 0x200, 0x200, 0x200, 0x600, 0xe00],
  },
  5: {
    levels: [-2048, -66, 28, 104, 169, 224, 274, 318, 358, 395, 429, 459, 488, 514, 539, 566],
    scale: [448, 448, 768, 1248, 1280, 1312, 1856, 3200, 4512, 5728, 7008, 8960, 11456, 14080, 16928, 22272],
    speed: [0, 0, 0, 0, 0, 0x200, 0x200, 0x200, 0x200, 0x200, 0x400, 0x600, 0x800, 0xa00, 0xc00, 0xc00],
  },
};

export class G726Decoder {
  readonly #bits: G726Bits;
  readonly #tables: Tables;
  /** yu, yl: quantizer scale factors, unlocked and locked. */
  #unlocked = 544;
  #locked = 34816;
  /** dms, dml, ap: speed control. */
  #shortMean = 0;
  #longMean = 0;
  #speed = 0;
  /** a1, a2; b1..b6. */
  readonly #poles = new Int16Array(2);
  readonly #zeros = new Int16Array(6);
  /** sr1, sr2 and dq1..dq6 as 4-bit exponent and 6-bit mantissa. */
  readonly #signals = new Int16Array(2).fill(32);
  readonly #differences = new Int16Array(6).fill(32);
  /** Signs of the two last partial reconstructions. */
  #sign1 = 0;
  #sign2 = 0;
  #tone = false;

  constructor(bits: G726Bits) {
    this.#bits = bits;
    this.#tables = tables[bits];
  }

  /** The next sample, -32768..32767. */
  next(code: number): number {
    const bits = this.#bits;
    const negative = (code >> (bits - 1)) & 1;
    const magnitude = negative ? ((1 << bits) - 1) ^ code : code;
    const { levels, scale, speed } = this.#tables;
    const [b, dqs, a, srs] = [this.#zeros, this.#differences, this.#poles, this.#signals];
    let partial = 0;
    for (let i = 0; i < 6; i++) partial += multiply(b[i]! >> 2, dqs[i]!);
    partial = (partial << 16) >> 16;
    const sez = partial >> 1;
    const estimate = (((partial + multiply(a[1]! >> 2, srs[1]!) + multiply(a[0]! >> 2, srs[0]!)) << 16) >> 16) >> 1;
    const y = this.#scale();
    const dq = reconstruct(negative, levels[magnitude]!, y);
    const sr = dq < 0 ? estimate - (dq & 0x7fff) : estimate + dq;
    this.#update(y, scale[magnitude]!, speed[magnitude]!, dq, sr, sr - estimate + sez);
    return Math.max(-32768, Math.min(32767, sr * 4));
  }

  /** MIX: the step size between the unlocked and the locked one. */
  #scale(): number {
    if (this.#speed >= 256) return this.#unlocked;
    const y = this.#locked >> 6;
    const difference = this.#unlocked - y;
    const by = this.#speed >> 2;
    return y + (difference > 0 ? (difference * by) >> 6 : (difference * by + 0x3f) >> 6);
  }

  #update(y: number, wi: number, fi: number, dq: number, sr: number, dqsez: number): void {
    const magnitude = dq & 0x7fff;
    const sign = dqsez < 0 ? 1 : 0;
    const changed = this.#transition(magnitude);
    // FILTD, LIMB, FILTE
    this.#unlocked = Math.max(544, Math.min(5120, y + ((wi - y) >> 5)));
    this.#locked += this.#unlocked + (-this.#locked >> 6);
    let a2 = 0;
    if (changed) {
      this.#poles.fill(0);
      this.#zeros.fill(0);
    } else {
      a2 = this.#adaptPoles(sign, dqsez);
      this.#adaptZeros(dq, magnitude);
    }
    // FLOATA, FLOATB and the delays
    this.#differences.copyWithin(1, 0, 5);
    this.#differences[0] = float(magnitude, dq < 0);
    this.#signals[1] = this.#signals[0]!;
    this.#signals[0] = sr <= -32768 ? -992 : float(Math.abs(sr), sr < 0);
    this.#sign2 = this.#sign1;
    this.#sign1 = sign;
    this.#tone = !changed && a2 < -11776;
    this.#adaptSpeed(y, fi, changed);
  }

  /** TRANS: a modem's tone that changes suddenly. */
  #transition(magnitude: number): boolean {
    if (!this.#tone) return false;
    const whole = this.#locked >> 15;
    const threshold = whole > 9 ? 31 << 10 : (32 + ((this.#locked >> 10) & 0x1f)) << whole;
    return magnitude > (threshold + (threshold >> 1)) >> 1;
  }

  /** UPA2, LIMC, UPA1, LIMD */
  #adaptPoles(sign: number, dqsez: number): number {
    const a = this.#poles;
    const turned = sign ^ this.#sign1;
    let a2 = a[1]! - (a[1]! >> 7);
    if (dqsez !== 0) {
      const slope = turned ? a[0]! : -a[0]!;
      a2 += slope < -8191 ? -0x100 : slope > 8191 ? 0xff : slope >> 5;
      a2 += sign ^ this.#sign2 ? -0x80 : 0x80;
      a2 = Math.max(-12288, Math.min(12288, a2));
    }
    a[1] = a2;
    let a1 = a[0]! - (a[0]! >> 8);
    if (dqsez !== 0) a1 += turned ? -192 : 192;
    const most = 15360 - a2;
    a[0] = Math.max(-most, Math.min(most, a1));
    return a2;
  }

  /** UPB */
  #adaptZeros(dq: number, magnitude: number): void {
    const b = this.#zeros;
    const leak = this.#bits === 5 ? 9 : 8;
    for (let i = 0; i < 6; i++) {
      b[i] = b[i]! - (b[i]! >> leak);
      if (magnitude !== 0) b[i] = b[i]! + ((dq ^ this.#differences[i]!) >= 0 ? 128 : -128);
    }
  }

  /** FILTA, FILTB, SUBTC, FILTC, TRIGA */
  #adaptSpeed(y: number, fi: number, changed: boolean): void {
    this.#shortMean += (fi - this.#shortMean) >> 5;
    this.#longMean += ((fi << 2) - this.#longMean) >> 7;
    const unsteady = Math.abs((this.#shortMean << 2) - this.#longMean) >= this.#longMean >> 3;
    if (changed) this.#speed = 256;
    else if (y < 1536 || this.#tone || unsteady) this.#speed += (0x200 - this.#speed) >> 4;
    else this.#speed += -this.#speed >> 4;
  }
}

/** RECONST, ADDA, ANTILOG: sign in bit 15 as a number below 0, magnitude in the lower bits. */
function reconstruct(negative: number, level: number, y: number): number {
  const log = level + (y >> 2);
  if (log < 0) return negative ? -0x8000 : 0;
  const value = ((128 + (log & 127)) << 7) >> (14 - ((log >> 7) & 15));
  return negative ? value - 0x8000 : value;
}

/** Bits up to the highest that is set, 15 at most. */
const width = (value: number): number => Math.min(15, 32 - Math.clz32(value));

/** Exponent of 4 bits, mantissa of 6, the sign as 1024 less. */
function float(magnitude: number, negative: boolean): number {
  const exponent = width(magnitude);
  const value = magnitude === 0 ? 0x20 : (exponent << 6) + ((magnitude << 6) >> exponent);
  return negative ? value - 0x400 : value;
}

/** FMULT: a coefficient by a floating point signal. */
function multiply(coefficient: number, signal: number): number {
  const magnitude = coefficient > 0 ? coefficient : -coefficient & 0x1fff;
  const exponent = width(magnitude) - 6;
  const mantissa = magnitude === 0 ? 32 : exponent >= 0 ? magnitude >> exponent : magnitude << -exponent;
  const shift = exponent + ((signal >> 6) & 15) - 13;
  const product = (mantissa * (signal & 63) + 0x30) >> 4;
  const value = shift >= 0 ? (product << shift) & 0x7fff : product >> -shift;
  return (coefficient ^ signal) < 0 ? -value : value;
}
