/**
 * Makes archives of any size cheaply: files of thirty-two fragments that are whole and valid, table of contents and all, whose
 * pictures have four bytes. One file is cut once; of the others only times and name differ. A year of many cameras takes 16 KB
 * of disk per file instead of 16 MB.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { writeContents } from '#archive/format/contents';
import { writeIdentity } from '#archive/format/identity';
import { segmentPath } from '#archive/format/paths';
import { packRecords, recordBytes } from '#archive/format/record';
import type { Note } from '#archive/library/notes';
import type { Run, VideoTrack } from '#media/track';
import { Fragmenter } from '#mp4/fragmenter';
import { writeInit } from '#mp4/init';

export const fragmentsPerFile = 32;
/** Milliseconds of a file. */
export const fileMs = fragmentsPerFile * 1000;

const video: VideoTrack = {
  ...{ kind: 'video', codec: 'h264', timescale: 90_000, width: 1920, height: 1080 },
  parameterSets: [
    Buffer.from('67640016acd940a02ff9610000030001000003003c8f162d96', 'hex'),
    Buffer.from('68ebe3cb22c0', 'hex'),
  ],
  ...{ codecText: 'avc1.640016', framerate: 25 },
};
const run: Run = { id: 1, tracks: [video] };

interface Template {
  readonly init: Uint8Array;
  readonly format: string;
  readonly body: Uint8Array;
  /** In `body`. */
  readonly offsets: readonly number[];
  /** As if the init segment had no bytes and the file began at 0. */
  readonly records: Uint8Array;
}

function cutTemplate(): Template {
  const fragmenter = new Fragmenter(run, { maxSeconds: 1, cutAtKeyframes: true, prft: true, originDts: 'run' });
  const picture = (keyframe: boolean) => Uint8Array.from([0, 0, 0, 2, keyframe ? 0x65 : 0x41, 0]);
  const pieces: Uint8Array[] = [];
  const offsets: number[] = [];
  const records: Parameters<typeof packRecords>[0][number][] = [];
  let at = 0;
  for (let i = 0; i <= fragmentsPerFile * 25; i++) {
    const keyframe = i % 25 === 0;
    const unit = {
      run,
      track: 0,
      pts: i * 3600,
      dts: i * 3600,
      wallMs: i * 40,
      keyframe,
      data: picture(keyframe),
      lost: 0,
    };
    const f = fragmenter.push(unit);
    if (!f) continue;
    pieces.push(f.header, ...f.chunks);
    offsets.push(at);
    const [t] = f.tracks;
    records.push({
      beginMs: f.beginMs,
      durationMs: f.endMs - f.beginMs,
      offset: at,
      bytes: f.bytes,
      headerBytes: f.header.length,
      keyframe: f.keyframe,
      reordered: false,
      tracks: [
        { baseDts: t?.baseDts ?? 0, samples: t?.samples ?? 0, duration: t?.duration ?? 0, bytes: t?.bytes ?? 0 },
      ],
    });
    at += f.bytes;
  }
  const init = writeInit(run.tracks);
  const format = createHash('sha256').update(init).digest('hex').slice(0, 16);
  return { init, format, body: Buffer.concat(pieces), offsets, records: packRecords(records, 1) };
}

const template = cutTemplate();

export interface MadeFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  /** What lists it in an index. */
  readonly notes: readonly Note[];
}

/** The file of a track that begins at `beginMs`, a whole number of milliseconds. */
export function makeFile(track: string, beginMs: number): MadeFile {
  const origins = [0];
  const identity = writeIdentity({ track, beginMs, run: beginMs * 1000, origins });
  const init = writeInit(run.tracks, { uuidBoxes: [identity] });
  const body = template.body.slice();
  const view = new DataView(body.buffer);
  const records = template.records.slice();
  const recordView = new DataView(records.buffer);
  for (const [i, offset] of template.offsets.entries()) {
    const ms = beginMs + i * 1000;
    // NTP time in prft, version 1 (ISO/IEC 14496-12 8.16.5).
    view.setUint32(offset + 16, Math.floor(ms / 1000) + 2_208_988_800);
    view.setUint32(offset + 20, Math.round(((ms % 1000) / 1000) * 2 ** 32));
    const r = i * recordBytes(1);
    recordView.setFloat64(r, ms, true);
    recordView.setUint32(r + 8, offset + init.length, true);
  }
  const table = writeContents(init, init.length + body.length, records, 1);
  const bytes = Buffer.concat([init, body, table]);
  const path = segmentPath(track, beginMs);
  const about = { track, path, beginMs, run: beginMs * 1000, origins, initBytes: init.length };
  return {
    path,
    bytes,
    notes: [
      { is: 'opened', ...about, init: template.init, format: template.format },
      { is: 'safe', path, records },
      // With a hash: nobody reads the file for one.
      { is: 'closed', path, bytes: bytes.length, sha256: '0'.repeat(64) },
    ],
  };
}

/** `files` files of `tracks` tracks that end at `endMs`, as those who record one after the other; the last ones first in none. */
export function* archiveOf(files: number, tracks: number, endMs: number): Generator<MadeFile> {
  const each = Math.ceil(files / tracks);
  for (let n = 0; n < each; n++)
    for (let t = 0; t < tracks && n * tracks + t < files; t++)
      yield makeFile(`cam${t + 1}`, endMs - (each - n) * fileMs);
}

/** Writes them below `folder`. Gives their bytes. */
export function writeArchive(folder: string, files: Iterable<MadeFile>): number {
  let made = '';
  let sum = 0;
  for (const { path, bytes } of files) {
    const parent = `${folder}/${path.slice(0, path.lastIndexOf('/'))}`;
    if (parent !== made) mkdirSync((made = parent), { recursive: true });
    writeFileSync(`${folder}/${path}`, bytes);
    sum += bytes.length;
  }
  return sum;
}
