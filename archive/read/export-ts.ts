/**
 * An export as MPEG-TS: each fragment by itself, which begins with its tables, so that its packets can be counted
 * without those of others; continuity counters go on from the sum of all before. Times go on where footage is missing
 * and `gaps` is skip; a jump of the clock is told where it is kept.
 */
import { Fault } from '#core/errors';
import type { Track } from '#media/track';
import { carriedTracks, isCarried, type PacketCounts } from '#mpegts/layout';
import { Muxer } from '#mpegts/muxer';
import type { Place } from '../library/recovery.ts';
import type { ExportPlan, OutFragment } from './export-plan.ts';
import { headerOf, readUnits, type Source } from './fragment-units.ts';
import { MediaReader } from './media-reader.ts';
import { countFragment, countsOf } from './packet-counts.ts';
import { behind, made, type Parts } from './parts.ts';

const packetBytes = 188;
const ticksPerSecond = 90_000;

/** The parts of the file, a fragment each. Faults: `not-acceptable` where pictures, or everything, cannot be carried. */
export async function tsParts(place: Place, plan: ExportPlan): Promise<Parts> {
  const { fragments } = plan;
  const formats = new Map(fragments.map(f => [f.source.file.format, f.source.init.tracks]));
  for (const tracks of formats.values()) refuseUncarried(tracks);
  const counts = await allCounts(place, fragments);
  const { counters, versions } = startsOf(fragments, counts);
  const bytesOf = (i: number): number => {
    const { pat = 0, pmt = 0, video = 0, audio = 0, pcr = 0 } = counts[i] ?? {};
    return (pat + pmt + video + audio + pcr) * packetBytes;
  };
  const bytes = (_: OutFragment, i: number): number => bytesOf(i);
  return behind(undefined, fragments, bytes, ({ source, tracks, shift, discontinuity }, i) =>
    made(bytesOf(i), async reader => {
      const [tables = 0, video = 0, audio = 0] = counters.subarray(3 * i);
      const muxer = new Muxer(
        { id: 0, tracks: source.init.tracks },
        { pat: tables, pmt: tables, video, audio },
        {
          version: versions[i] ?? 0,
          shiftTicks: Math.round(shift * ticksPerSecond),
          discontinuity: discontinuity && plan.keepsGaps,
        },
      );
      const units = await readUnits(reader, source, countList(tracks));
      return joined([...units.map(u => muxer.push(u)), muxer.flush()]);
    }),
  );
}

/** With what each fragment begins: continuity counters of tables, video, audio; version of the program map. */
function startsOf(fragments: readonly OutFragment[], counts: readonly PacketCounts[]) {
  const counters = new Uint8Array(3 * fragments.length);
  const versions = new Uint8Array(fragments.length);
  let [tables, video, audio, version] = [0, 0, 0, 0];
  for (const [i, { source }] of fragments.entries()) {
    const before = fragments[i - 1]?.source.file.format;
    if (before !== undefined && before !== source.file.format) version++;
    versions[i] = version % 32;
    counters.set([tables % 16, video % 16, audio % 16], 3 * i);
    tables += counts[i]?.pat ?? 0;
    video += counts[i]?.video ?? 0;
    audio += counts[i]?.audio ?? 0;
  }
  return { counters, versions };
}

/** Whoever wants footage wants its pictures: without them it is refused, sound that cannot be carried is left out. */
export function refuseUncarried(tracks: readonly Track[]): void {
  const { video, audio } = carriedTracks({ id: 0, tracks });
  const refused = tracks.find(t => t.kind === 'video' && !isCarried(t));
  if (!refused && (video >= 0 || audio >= 0)) return;
  throw new Fault(
    'unsupported',
    'not-acceptable',
    `MPEG-TS carries H.264, H.265, AAC and Opus; the footage has ${tracks.map(t => t.codec).join(', ')}`,
  );
}

const countList = (tracks: OutFragment['tracks']): number[] => tracks.map(t => t.count);

/** Fragments of which all is taken are counted in the index; of others the headers are read. */
async function allCounts(place: Place, fragments: readonly OutFragment[]): Promise<PacketCounts[]> {
  const all: PacketCounts[] = [];
  let file: { readonly id: number; readonly counts: ReadonlyMap<number, PacketCounts> } | undefined;
  const reader = new MediaReader(place);
  try {
    for (const { source, tracks } of fragments) {
      if (file?.id !== source.file.id) file = { id: source.file.id, counts: await countsOf(place, source.file) };
      const known = isWhole(source, tracks) ? file.counts.get(source.record.offset) : undefined;
      all.push(known ?? countFragment(source, await headerOf(reader, source), countList(tracks)));
    }
  } finally {
    await reader.close();
  }
  return all;
}

const isWhole = ({ record }: Source, tracks: OutFragment['tracks']): boolean =>
  record.tracks.every((t, i) => t.samples === tracks[i]?.count);

/** All of it in one piece of memory of its own. */
export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, p) => sum + p.length, 0));
  let at = 0;
  for (const p of pieces) {
    whole.set(p, at);
    at += p.length;
  }
  return whole;
}
