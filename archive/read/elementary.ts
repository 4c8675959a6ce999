/**
 * One track of an interval as a raw elementary stream (api.md 6.2), from the key frame before its begin on: H.264 and
 * H.265 as Annex B with their parameter sets before each key frame, AV1 as low-overhead OBUs with a temporal delimiter
 * before each unit, AAC with ADTS headers, everything else as it is stored. Lengths follow from the records.
 */
import type { MediaAnswer } from '#core/bytes';
import { Fault } from '#core/errors';
import { isoTime } from '#core/time';
import { adtsBytes, adtsTemplate, writeAdtsHeader } from '#media/adts';
import type { AudioTrack, Track } from '#media/track';
import type { ElementaryRequest } from '../library/library.ts';
import type { Place } from '../library/recovery.ts';
import { tagOf, takenOf } from './export.ts';
import type { Taken } from './export-plan.ts';
import { joined } from './export-ts.ts';
import { readUnits, type SampleUnit } from './fragment-units.ts';
import { behind, bodyOf, made, type Part } from './parts.ts';

/** Faults: as of an export; `no-data` too where there is footage and nothing of this kind. */
export async function elementaryAnswer(place: Place, request: ElementaryRequest): Promise<MediaAnswer> {
  const { track: name, beginMs, endMs, media } = request;
  const taken = await takenOf(place, request);
  const own: { readonly taken: Taken; readonly index: number; readonly track: Track }[] = [];
  let first: { readonly track: Track; readonly beginMs: number } | undefined;
  for (const t of taken) {
    const index = t.source.init.tracks.findIndex(({ kind }) => kind === media);
    const track = t.source.init.tracks[index];
    if (!track || !t.tracks[index]?.count) continue;
    first ??= { track, beginMs: t.source.record.beginMs };
    // One codec in one stream: what comes later in another one is left out.
    if (track.codec === first.track.codec) own.push({ taken: t, index, track });
  }
  if (!first) throw new Fault('absent', 'no-data', `no ${media} is recorded of ${name} in this interval`);
  const { contentType, extension } = forms[first.track.codec];
  const stamp = (ms: number): string => isoTime(ms).replace(/[-:]/g, '');
  return {
    contentType,
    headers: {
      etag: tagOf([name, beginMs, endMs, media, 1], taken),
      'content-disposition': `attachment; filename="${name}_${stamp(beginMs)}_${stamp(endMs)}.${extension}"`,
      'x-timestamp': isoTime(first.beginMs),
    },
    body: bodyOf(
      place,
      behind(
        undefined,
        own,
        p => partOf(p.taken, p.index, p.track).bytes,
        p => partOf(p.taken, p.index, p.track),
      ),
    ),
  };
}

const forms: Readonly<Record<Track['codec'], { readonly contentType: string; readonly extension: string }>> = {
  h264: { contentType: 'video/h264', extension: 'h264' },
  h265: { contentType: 'video/h265', extension: 'h265' },
  av1: { contentType: 'video/av1', extension: 'obu' },
  vp8: { contentType: 'video/vp8', extension: 'vp8' },
  mjpeg: { contentType: 'video/x-motion-jpeg', extension: 'mjpeg' },
  aac: { contentType: 'audio/aac', extension: 'aac' },
  opus: { contentType: 'audio/opus', extension: 'opus' },
  pcmu: { contentType: 'audio/basic', extension: 'ulaw' },
  pcma: { contentType: 'audio/pcma', extension: 'alaw' },
  lpcm: { contentType: 'audio/l16', extension: 'l16' },
};

/** An OBU of type temporal delimiter, with a size of 0 (AV1 5.3.2, 5.6). */
const temporalDelimiter = Uint8Array.of(0x12, 0);

function partOf(taken: Taken, index: number, track: Track): Part {
  const { source, tracks } = taken;
  const counts = tracks.map(({ count }, i) => (i === index ? count : 0));
  const { count, bytes } = tracks[index] ?? { count: 0, bytes: 0 };
  const sets = isAnnexB(track) && source.record.keyframe ? annexB(track.parameterSets) : new Uint8Array(0);
  return made(bytes + sets.length + count * headerBytes(track), async reader => {
    const units = await readUnits(reader, source, counts);
    return joined([sets, ...units.flatMap(u => written(track, u))]);
  });
}

const isAnnexB = (track: Track): track is Track & { kind: 'video' } => track.codec === 'h264' || track.codec === 'h265';

/** In front of each unit. */
const headerBytes = ({ codec }: Track): number =>
  codec === 'aac' ? adtsBytes : codec === 'av1' ? temporalDelimiter.length : 0;

function written(track: Track, { data }: SampleUnit): Uint8Array[] {
  if (isAnnexB(track)) return [withStartCodes(data)];
  if (track.codec === 'av1') return [temporalDelimiter, data];
  return track.codec === 'aac' && track.kind === 'audio' ? [adts(track, data.length), data] : [data];
}

function adts(track: AudioTrack, frameBytes: number): Uint8Array {
  const header = new Uint8Array(adtsBytes);
  writeAdtsHeader(header, 0, adtsTemplate(track), frameBytes);
  return header;
}

/** Start codes in place of lengths, which have four bytes too. Writes into the unit: nobody else has it. */
function withStartCodes(data: Uint8Array): Uint8Array {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  for (let at = 0; at + 4 <= data.length; ) {
    const next = at + 4 + view.getUint32(at);
    view.setUint32(at, 1);
    at = next;
  }
  return data;
}

const annexB = (nalus: readonly Uint8Array[]): Uint8Array =>
  joined(nalus.flatMap(nalu => [Uint8Array.of(0, 0, 0, 1), nalu]));
