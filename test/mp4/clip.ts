/** Access units of a media file, in decoding order, as a source would give them. */
import type { AccessUnit } from '#media/access-unit';
import type { Run, Track } from '#media/track';
import { houseTrack, readMp4, unitData } from '#mp4/file';

/** 2026-01-01. */
export const beganMs = Date.UTC(2026, 0, 1);

export async function unitsOf(file: Uint8Array): Promise<{ run: Run; units: AccessUnit[] }> {
  const mp4 = await readMp4(readerOf(file), file.length);
  const tracks = mp4.tracks.map(t => houseTrack(t.entries[0]?.track as Track));
  const run: Run = { id: 1, tracks };
  const timed: { seconds: number; unit: AccessUnit }[] = [];
  mp4.tracks.forEach(({ samples, timescale, entries, shift }, track) => {
    const ticks = (time: number): number => Math.round((time * (tracks[track]?.timescale ?? 1)) / timescale);
    for (let i = 0; i < samples.count; i++) {
      const at = samples.offset[i] ?? 0;
      const entry = entries[0];
      const data = entry && unitData(file.subarray(at, at + (samples.size[i] ?? 0)), entry);
      if (!data) continue;
      const time = (samples.dts[i] ?? 0) + shift;
      const pts = time + (samples.compositionOffset[i] ?? 0);
      const keyframe = samples.keyframe[i] === 1;
      const wallMs = beganMs + (pts * 1000) / timescale;
      const unit = { run, track, pts: ticks(pts), dts: ticks(time), wallMs, keyframe, data, lost: 0 };
      timed.push({ seconds: time / timescale, unit });
    }
  });
  timed.sort((a, b) => a.seconds - b.seconds);
  return { run, units: timed.map(t => t.unit) };
}

export const hexOf = (bytes: Uint8Array): string => Array.from(bytes, b => b.toString(16).padStart(2, '0')).join('');

/** Hexadecimal text with blanks, comments behind `;` and `'abcd'` for four characters. */
export function bytesOf(text: string): Uint8Array {
  const digits = text
    .replace(/;.*$/gm, '')
    .replace(/'([^']*)'/g, (_, chars: string) => hexOf(Uint8Array.from(chars, c => c.charCodeAt(0))))
    .replace(/\s+/g, '');
  return Uint8Array.from(digits.match(/../g) ?? [], d => Number.parseInt(d, 16));
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, p) => sum + p.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** `read` of a file in memory. */
export const readerOf =
  (bytes: Uint8Array) =>
  async (offset: number, length: number): Promise<Uint8Array> =>
    bytes.slice(offset, offset + length);
