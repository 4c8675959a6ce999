/** One picture as a file: a fragmented MP4 of one sample, for those who have a decoder of their own. */
import type { AccessUnit } from '#media/access-unit';
import type { Run } from '#media/track';
import { join } from './box.ts';
import { Fragmenter } from './fragmenter.ts';
import { writeInit } from './init.ts';

/** Fault `protocol` for a track without usable parameter sets. */
export function oneSampleFile(run: Run, unit: Omit<AccessUnit, 'run'>): Uint8Array {
  const tracks = run.tracks.slice(unit.track, unit.track + 1);
  const alone = { id: run.id, tracks };
  const init = writeInit(tracks);
  const fragmenter = new Fragmenter(alone, { maxSeconds: 1, cutAtKeyframes: true, prft: false, originDts: 'first' });
  const fragment = fragmenter.push({ ...unit, run: alone, track: 0 }) ?? fragmenter.flush();
  return join(init, ...(fragment ? [fragment.header, ...fragment.chunks] : []));
}
