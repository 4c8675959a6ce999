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
import { made, type Part } from './parts.ts';

const packetBytes = 188;
const ticksPerSecond = 90_000;

/** The parts of the file, a fragment each. Faults: `not-acceptable` where pictures, or everything, cannot be carried. */
export async function tsParts(place: Place, plan: ExportPlan): Promise<Part[]> {
  for (const { source } of plan.fragments) refuseUncarried(source.init.tracks);
  const counts = await allCounts(place, plan.fragments);
  const sum: PacketCounts = { pat: 0, pmt: 0, video: 0, audio: 0, pcr: 0 };
  let version = 0;
  let format: string | undefined;
  return plan.fragments.map((fragment, i) => {
    const { source, tracks, shift, discontinuity } = fragment;
    if (format !== undefined && format !== source.file.format) version++;
    format = source.file.format;
    const counters = turnsOf(sum);
    const own = counts[i] ?? sum;
    for (const pid of ['pat', 'pmt', 'video', 'audio'] as const) sum[pid] += own[pid];
    const muxPlace = {
      version: version % 32,
      shiftTicks: Math.round(shift * ticksPerSecond),
      discontinuity: discontinuity && plan.keepsGaps,
    };
    const packets = own.pat + own.pmt + own.video + own.audio + own.pcr;
    return made(packets * packetBytes, async reader => {
      const muxer = new Muxer({ id: 0, tracks: source.init.tracks }, counters, muxPlace);
      const units = await readUnits(reader, source, countList(tracks));
      return joined([...units.map(u => muxer.push(u)), muxer.flush()]);
    });
  });
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

const turnsOf = ({ pat, pmt, video, audio }: PacketCounts) => ({
  pat: pat % 16,
  pmt: pmt % 16,
  video: video % 16,
  audio: audio % 16,
});

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
