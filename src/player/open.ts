/** Which container a file is, by its first bytes, and the tape that it makes. */
import { Fault } from '#core/errors';
import type { OpenFile } from '#core/world';
import { MatroskaDemuxer } from '#matroska/demuxer';
import { looksLikeMp4, readMp4 } from '#mp4/file';
import { Demuxer } from '#mpegts/demuxer';
import { Mp4Tape } from './mp4-tape.ts';
import { SampleReader } from './sample-reader.ts';
import { StreamTape } from './stream-tape.ts';
import type { ReadBytes, Tape, TapeWishes } from './tape.ts';

/** Rejects with Fault `unsupported` for what is no file of media, `protocol` for one that is damaged, `config` when nothing that is wanted is in it. */
export async function openTape(file: OpenFile, wishes: TapeWishes): Promise<Tape> {
  const read: ReadBytes = (offset, length) => file.read(offset, length);
  const start = await read(0, 4096);
  if (looksLikeMatroska(start))
    return new StreamTape(read, (taker, options) => new MatroskaDemuxer(taker, options), wishes);
  if (looksLikeMp4(start)) {
    const mp4 = await readMp4(read, await file.size());
    for (const track of mp4.skipped) wishes.problem(`left out: ${track}`);
    return new Mp4Tape(mp4, new SampleReader(file), wishes);
  }
  if (looksLikeTs(start)) return new StreamTape(read, (taker, options) => new Demuxer(taker, options), wishes);
  throw new Fault('unsupported', 'not-media', `expected MP4, MPEG-TS or Matroska, got ${guess(start)}`);
}

/** The EBML header. */
const looksLikeMatroska = (start: Uint8Array): boolean =>
  start[0] === 0x1a && start[1] === 0x45 && start[2] === 0xdf && start[3] === 0xa3;

/** Sync bytes at the distance of packets, from wherever the file was cut; a file may be as short as one packet. */
function looksLikeTs(start: Uint8Array): boolean {
  if (start.length < 188) return false;
  for (let at = 0; at < 204 && at + 188 <= start.length; at++)
    for (const stride of [188, 192, 204]) {
      let next = at;
      while (next < start.length && start[next] === 0x47) next += stride;
      if (next >= start.length) return true;
    }
  return false;
}

const guess = (start: Uint8Array): string =>
  start.length === 0
    ? 'an empty file'
    : `bytes ${Array.from(start.subarray(0, 8), b => b.toString(16).padStart(2, '0')).join(' ')}`;
