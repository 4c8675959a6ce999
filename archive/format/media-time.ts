/**
 * Patches fragments in place (ISO/IEC 14496-12 8.8): moves `tfdt` and `prft` by an offset per
 * track, and makes tracks disappear by renaming their boxes `free`, which changes no size.
 * Takes whole boxes one after the other; a last `mdat` may be cut off after its header. Any
 * bytes may come: what does not fit is left as it is.
 */

const fourcc = (name: string): number =>
  ((name.charCodeAt(0) << 24) | (name.charCodeAt(1) << 16) | (name.charCodeAt(2) << 8) | name.charCodeAt(3)) >>> 0;

const prft = fourcc('prft');
const moof = fourcc('moof');
const traf = fourcc('traf');
const tfhd = fourcc('tfhd');
const tfdt = fourcc('tfdt');
const moov = fourcc('moov');
const trak = fourcc('trak');
const tkhd = fourcc('tkhd');
const mvex = fourcc('mvex');
const trex = fourcc('trex');
const uuid = fourcc('uuid');
const free = fourcc('free');

/** Calls back with type, start of content and end of each box in `[from, to)`. */
function eachBox(
  view: DataView,
  from: number,
  to: number,
  take: (type: number, at: number, end: number) => void,
): void {
  for (let at = from; at + 8 <= to; ) {
    const size = view.getUint32(at);
    if (size < 8) return;
    const end = at + size;
    take(view.getUint32(at + 4), at + 8, Math.min(end, to));
    at = end;
  }
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Version 1 has 64 bits at `at`, version 0 has 32. Media time does not go below zero. */
function addTo(view: DataView, at: number, end: number, version: number, ticks: number): void {
  if (version === 1 && at + 8 <= end) {
    const sum = view.getBigInt64(at) + BigInt(ticks);
    view.setBigInt64(at, sum < 0n ? 0n : sum);
  } else if (version === 0 && at + 4 <= end) view.setUint32(at, Math.max(0, view.getUint32(at) + ticks));
}

/** Adds `ticks[track_ID - 1]` to the decoding times; tracks without an entry keep theirs. */
export function shiftMediaTime(bytes: Uint8Array, ticks: readonly number[]): void {
  const view = viewOf(bytes);
  eachBox(view, 0, bytes.length, (type, at, end) => {
    if (type === prft && at + 20 <= end)
      addTo(view, at + 16, end, view.getUint8(at), ticks[view.getUint32(at + 4) - 1] ?? 0);
    else if (type === moof)
      eachBox(view, at, end, (inner, from, to) => {
        if (inner === traf) shiftTraf(view, from, to, ticks);
      });
  });
}

function shiftTraf(view: DataView, from: number, to: number, ticks: readonly number[]): void {
  let by = 0;
  eachBox(view, from, to, (type, at, end) => {
    if (type === tfhd && at + 8 <= end) by = ticks[view.getUint32(at + 4) - 1] ?? 0;
    else if (type === tfdt && at + 8 <= end) addTo(view, at + 4, end, view.getUint8(at), by);
  });
}

/** Hides the tracks that `keep` does not have, in an init segment or in fragments. */
export function hideTracks(bytes: Uint8Array, keep: (trackId: number) => boolean): void {
  const view = viewOf(bytes);
  const hide = (at: number): void => view.setUint32(at - 4, free);
  const idOf = (at: number, end: number, what: number, offset: number): number => {
    let id = 0;
    eachBox(view, at, end, (type, from, to) => {
      if (type === what && from + offset + 4 <= to) id = view.getUint32(from + offset);
    });
    return id;
  };
  eachBox(view, 0, bytes.length, (type, at, end) => {
    if (type !== moov && type !== moof) return;
    eachBox(view, at, end, (inner, from, to) => {
      if (inner === traf && !keep(idOf(from, to, tfhd, 4))) hide(from);
      // tkhd: track_ID behind two times of 4 or 8 bytes.
      else if (inner === trak && !keep(idOf(from, to, tkhd, 20) || idOf(from, to, tkhd, 12))) hide(from);
      else if (inner === mvex)
        eachBox(view, from, to, (t, a, e) => {
          if (t === trex && a + 8 <= e && !keep(view.getUint32(a + 4))) hide(a);
        });
    });
  });
}

/** The init segment without the `uuid` boxes of its `moov`: what is equal for equal codecs. */
export function withoutUuid(init: Uint8Array): Uint8Array {
  const view = viewOf(init);
  const parts: Uint8Array[] = [];
  let removed = 0;
  eachBox(view, 0, init.length, (type, at, end) => {
    if (type !== moov) {
      parts.push(init.slice(at - 8, end));
      return;
    }
    const head = parts.push(init.slice(at - 8, at)) - 1;
    eachBox(view, at, end, (inner, from, to) => {
      if (inner === uuid) removed += to - from + 8;
      else parts.push(init.slice(from - 8, to));
    });
    viewOf(parts[head] ?? init).setUint32(0, end - at + 8 - removed);
  });
  const out = new Uint8Array(parts.reduce((sum, p) => sum + p.length, 0));
  let to = 0;
  for (const p of parts) {
    out.set(p, to);
    to += p.length;
  }
  return out;
}
