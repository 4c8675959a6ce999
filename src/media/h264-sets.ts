/**
 * The parameter sets of H.264 in force: the latest SPS, and the PPS that came since it.
 * Cameras send several NAL units with start codes between them in what should be one; they are taken apart.
 */
import { naluType } from '#media/h264';

/** Parameter sets are tens of bytes. */
const setLimitBytes = 1024;
const ppsLimit = 16;

/** One stream's, in the order in which they came. */
export class H264ParameterSets {
  #sps: Uint8Array | undefined;
  #pps: Uint8Array[] = [];
  /** The SPS is newer than every PPS: the next PPS replaces them all. */
  #ppsOutdated = false;
  #changed = false;

  /** Other NAL units are passed over. */
  offer(bytes: Uint8Array, begin: number, end: number): void {
    if (end - begin > setLimitBytes) end = begin + setLimitBytes;
    // 00 00 01 cannot be inside a NAL unit: what follows it is another one.
    for (let at = begin + 1; at + 3 < end; at++)
      if (bytes[at] === 0 && bytes[at + 1] === 0 && bytes[at + 2] === 1) {
        this.#take(bytes, begin, at);
        begin = at + 3;
        at = begin;
      }
    this.#take(bytes, begin, end);
  }

  /** SPS, then PPS, if they are complete and others than last time. */
  takeChanged(): readonly Uint8Array[] | undefined {
    if (!this.#changed || this.#sps === undefined || this.#pps.length === 0) return undefined;
    this.#changed = false;
    return [this.#sps, ...this.#pps];
  }

  #take(bytes: Uint8Array, begin: number, end: number): void {
    while (end > begin + 2 && bytes[end - 1] === 0) end--; // trailing_zero_8bits
    if (end - begin < 2) return;
    const type = (bytes[begin] ?? 0) & 0x1f;
    if (type === naluType.sps) {
      if (this.#sps !== undefined && same(this.#sps, bytes, begin, end)) return;
      this.#sps = bytes.slice(begin, end);
      this.#ppsOutdated = true;
      this.#changed = true;
    } else if (type === naluType.pps) this.#takePps(bytes, begin, end);
  }

  #takePps(bytes: Uint8Array, begin: number, end: number): void {
    for (const pps of this.#pps) if (same(pps, bytes, begin, end)) return;
    const pps = bytes.slice(begin, end);
    if (this.#ppsOutdated) this.#pps = [];
    this.#ppsOutdated = false;
    const id = ppsId(pps);
    const at = this.#pps.findIndex(p => ppsId(p) === id);
    if (at >= 0) this.#pps[at] = pps;
    else if (this.#pps.length < ppsLimit) this.#pps.push(pps);
    else return;
    this.#changed = true;
  }
}

function same(known: Uint8Array, bytes: Uint8Array, begin: number, end: number): boolean {
  if (known.length !== end - begin) return false;
  for (let i = 0; i < known.length; i++) if (known[i] !== bytes[begin + i]) return false;
  return true;
}

/** pic_parameter_set_id, the ue(v) right behind the header: good for the ids up to 6 that cameras use, distinct for the others. */
const ppsId = (pps: Uint8Array): number => {
  const first = pps[1] ?? 0;
  const zeros = Math.clz32(first) - 24;
  return zeros > 3 ? 256 + first * 256 + (pps[2] ?? 0) : first >> (7 - 2 * zeros);
};
