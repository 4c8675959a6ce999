/**
 * The parameter sets in force: the latest VPS and SPS, and the PPS that came since that SPS.
 * Cameras send several NAL units with start codes between them in what should be one; they are taken apart.
 */
import { h265Type, h265TypeOf } from '#media/h265';

/** Parameter sets are tens of bytes, a hundred with scaling lists. */
const setLimitBytes = 4096;
const ppsLimit = 64;

/** One stream's, in the order in which they came. */
export class H265ParameterSets {
  #vps: Uint8Array | undefined;
  #sps: Uint8Array | undefined;
  #pps: Uint8Array[] = [];
  /** The SPS is newer than every PPS: the next PPS replaces them all. */
  #ppsOutdated = false;
  #changed = false;

  /** Other NAL units are passed over. */
  offer(bytes: Uint8Array, begin: number, end: number): void {
    if (end - begin > setLimitBytes) end = begin + setLimitBytes;
    // 00 00 01 cannot be inside a NAL unit: what follows it is another one.
    for (let at = begin + 2; at + 3 < end; at++)
      if (bytes[at] === 0 && bytes[at + 1] === 0 && bytes[at + 2] === 1) {
        this.#take(bytes, begin, at);
        begin = at + 3;
        at = begin + 1;
      }
    this.#take(bytes, begin, end);
  }

  /** VPS, SPS, PPS, if they are complete and others than last time. */
  takeChanged(): readonly Uint8Array[] | undefined {
    if (!this.#changed || this.#vps === undefined || this.#sps === undefined || this.#pps.length === 0)
      return undefined;
    this.#changed = false;
    return [this.#vps, this.#sps, ...this.#pps];
  }

  #take(bytes: Uint8Array, begin: number, end: number): void {
    while (end > begin + 3 && bytes[end - 1] === 0) end--; // trailing_zero_8bits
    if (end - begin < 3) return;
    switch (h265TypeOf(bytes[begin]!)) {
      case h265Type.vps:
        if (this.#vps !== undefined && same(this.#vps, bytes, begin, end)) return;
        this.#vps = bytes.slice(begin, end);
        break;
      case h265Type.sps:
        if (this.#sps !== undefined && same(this.#sps, bytes, begin, end)) return;
        this.#sps = bytes.slice(begin, end);
        this.#ppsOutdated = true;
        break;
      case h265Type.pps:
        if (!this.#takePps(bytes, begin, end)) return;
        break;
      default:
        return;
    }
    this.#changed = true;
  }

  #takePps(bytes: Uint8Array, begin: number, end: number): boolean {
    for (const pps of this.#pps) if (same(pps, bytes, begin, end)) return false;
    const pps = bytes.slice(begin, end);
    if (this.#ppsOutdated) this.#pps = [];
    this.#ppsOutdated = false;
    const at = this.#pps.findIndex(p => ppsId(p) === ppsId(pps));
    if (at >= 0) this.#pps[at] = pps;
    else if (this.#pps.length < ppsLimit) this.#pps.push(pps);
    else return false;
    return true;
  }
}

function same(known: Uint8Array, bytes: Uint8Array, begin: number, end: number): boolean {
  if (known.length !== end - begin) return false;
  for (let i = 0; i < known.length; i++) if (known[i] !== bytes[begin + i]) return false;
  return true;
}

/** pps_pic_parameter_set_id, the ue(v) behind the header: the number itself up to 6, distinct for the others, which end within 16 bits. */
function ppsId(pps: Uint8Array): number {
  const bits = ((pps[2] ?? 0) << 8) | (pps[3] ?? 0);
  const zeros = Math.clz32(bits) - 16;
  return zeros > 7 ? -1 : (bits >> (15 - 2 * zeros)) - 1;
}
