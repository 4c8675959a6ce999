/**
 * An interval as one file (api.md 6.2): as MP4 with `moov` first, as fragmented MP4, as MPEG-TS. Length and tag follow
 * from the index before the first byte is read, any part can be had on its own, end exact to the picture. Nothing is
 * held but index rows; whoever stops reading costs one piece, of MPEG-TS one fragment.
 */
import { createHash } from 'node:crypto';
import type { MediaAnswer } from '#core/bytes';
import { Fault } from '#core/errors';
import { isoTime } from '#core/time';
import type { ExportRequest } from '../library/library.ts';
import type { Place } from '../library/recovery.ts';
import { fmp4Parts } from './export-fmp4.ts';
import { isomParts } from './export-isom.ts';
import { type ExportPlan, neededOf, planExport, reorderMs, type Taken, takeUntil, takeWhole } from './export-plan.ts';
import { tsParts } from './export-ts.ts';
import { headerOf, type Source } from './fragment-units.ts';
import { initOf } from './hls.ts';
import { MediaReader } from './media-reader.ts';
import { bodyOf, type Parts } from './parts.ts';
import { presentFiles } from './present.ts';
import { trackNamed } from './timeline.ts';

/** Nearly three days at one a second. Each takes about 1.3 KB while an answer lasts: a day 110 MB. */
const mostFragments = 250_000;

/**
 * An interval as one file. The same footage gives the same bytes. Faults: `no-data`, `not-found`, `too-large`;
 * `not-acceptable` where MPEG-TS cannot carry the codec of the pictures.
 */
export async function exportAnswer(place: Place, request: ExportRequest): Promise<MediaAnswer> {
  const { track, beginMs, endMs, format, gaps } = request;
  const taken = await takenOf(place, request);
  const plan = await planOf(place, request, taken);
  const { parts, ...form } = await formOf(place, plan, request);
  const stamp = (ms: number): string => isoTime(ms).replace(/[-:]/g, '');
  return {
    contentType: form.contentType,
    headers: {
      etag: tagOf([track, beginMs, endMs, format, gaps, 2], taken),
      'content-disposition': `attachment; filename="${track}_${stamp(beginMs)}_${stamp(endMs)}.${form.extension}"`,
      ...(form.startsMs === undefined ? {} : { 'x-timestamp': isoTime(form.startsMs) }),
    },
    body: bodyOf(place, parts),
  };
}

interface Form {
  readonly contentType: string;
  readonly extension: string;
  readonly parts: Parts;
  /** When the first picture is, where that is not the begin asked for. */
  readonly startsMs?: number;
}

async function formOf(place: Place, plan: ExportPlan, { track, format }: ExportRequest): Promise<Form> {
  switch (format) {
    case 'isom':
      return { contentType: 'video/mp4', extension: 'mp4', parts: isomParts(plan, track) };
    case 'fmp4':
      return { contentType: 'video/mp4', extension: 'mp4', parts: fmp4Parts(plan, track) };
    case 'ts': {
      const startsMs = plan.fragments[0]?.source.record.beginMs ?? 0;
      return { contentType: 'video/mp2t', extension: 'ts', parts: await tsParts(place, plan), startsMs };
    }
  }
}

/** The same footage cut the same way gives the same bytes. The last of `what` is the version of the form. */
export function tagOf(what: readonly (string | number)[], taken: readonly Taken[]): string {
  const hash = createHash('sha256').update(JSON.stringify(what));
  for (const { source, tracks } of taken)
    hash.update(`${source.file.name} ${source.record.offset} ${tracks.map(t => t.count).join(' ')}\n`);
  return `"${hash.digest('hex').slice(0, 32)}"`;
}

/**
 * The fragments of an interval from the key frame before its begin on, and what of each is shown before its end. Of
 * those at the end the headers are read. At least one. Faults: `no-data`, `not-found`, `too-large`.
 */
export async function takenOf(
  place: Place,
  { track: name, beginMs, endMs }: Pick<ExportRequest, 'track' | 'beginMs' | 'endMs'>,
): Promise<Taken[]> {
  const { index } = place;
  const track = trackNamed(index, name);
  const sources: Source[] = [];
  for (const file of await presentFiles(place, track.id, beginMs, endMs)) {
    const init = initOf(index, file.format);
    for (const record of neededOf(index.records(file), { beginMs, endMs })) sources.push({ file, init, record });
    if (sources.length > mostFragments)
      throw new Fault('argument', 'too-large', `expected an interval of at most ${mostFragments} fragments`);
  }
  const taken = await withReader(place, async reader => {
    const all: Taken[] = [];
    for (const source of sources) {
      const { beginMs: begin, durationMs } = source.record;
      // Only at the end samples are looked at; pictures that are shown out of order may lie a little further back.
      const isBorder =
        source === sources.at(-1) || begin + durationMs > endMs - (source.record.reordered ? reorderMs : 0);
      all.push(isBorder ? takeUntil(source, await headerOf(reader, source), endMs) : takeWhole(source));
    }
    return all.filter(t => t.tracks.some(n => n.count > 0));
  });
  if (taken.length === 0) throw new Fault('absent', 'no-data', `nothing is recorded of ${name} in this interval`);
  return taken;
}

async function planOf(
  place: Place,
  { beginMs, endMs, gaps }: ExportRequest,
  taken: readonly Taken[],
): Promise<ExportPlan> {
  const [first] = taken;
  if (!first) throw new Fault('bug', 'invariant', 'an export of nothing');
  const header = await withReader(place, reader => headerOf(reader, first.source));
  return planExport(taken, header, { beginMs, endMs }, gaps);
}

async function withReader<T>(place: Place, work: (reader: MediaReader) => Promise<T>): Promise<T> {
  const reader = new MediaReader(place);
  try {
    return await work(reader);
  } finally {
    await reader.close();
  }
}
