/**
 * One file while it is written: front to back, one `writev` for what is there, at the end its table
 * of contents. Records of fragments are first *written*, after a flush *safe*; only then is
 * anybody told about them.
 */
import { Fault, faultFrom } from '#core/errors';
import type { Files, OpenFile } from '#core/world';
import type { Fragment } from '#mp4/fragment';
import { writeContents } from '../format/contents.ts';
import { shiftMediaTime } from '../format/media-time.ts';
import { foldersOf, segmentPath } from '../format/paths.ts';
import { type FragmentRecord, largestFileBytes, packRecords, recordEndMs } from '../format/record.ts';
import type { Span } from '../index/interval-list.ts';
import type { Note } from '../library/notes.ts';

export interface NewFile {
  readonly files: Files;
  readonly folder: string;
  readonly track: string;
  readonly beginMs: number;
  /** Media time of the run at this file's time 0, per MP4 track. */
  readonly origins: readonly number[];
  /** With the uuid box. */
  readonly init: Uint8Array;
  /** This name and no other; without it the first free one. */
  readonly path?: string;
  /** Folder whose name and those above it are on the medium, as an earlier file of the track has seen to. */
  readonly safeFolder?: string | undefined;
  say(note: Note): void;
}

/** More namesakes than this in one millisecond are no clash but something wrong. */
const mostClashes = 100;

export class SegmentFile {
  readonly path: string;
  readonly beginMs: number;
  readonly #new: NewFile;
  readonly #file: OpenFile;
  readonly #backToZero: readonly number[];
  /** Bytes for which a write was begun. */
  #size: number;
  #written: FragmentRecord[] = [];
  /** Of the flush that is under way. */
  #inFlush: FragmentRecord[] = [];
  #safeBytes: number;
  /** Of all that is written, for the table of contents: 20 KB for five minutes. */
  readonly #packed: Uint8Array[] = [];
  /** Of the table, once it is written. */
  #contentsBytes = 0;
  #contentsSafe = true;
  /** Whose names are not yet durable, below the archive's folder. */
  #unsafeFolders: readonly string[];
  /** Flushes come one after the other. */
  #flushing: Promise<void> = Promise.resolve();
  #oldestWrittenAt: number | undefined;

  /** Creates the file under the first free name and writes the init segment. */
  static async create(options: NewFile): Promise<SegmentFile> {
    const { files, folder, track, beginMs } = options;
    for (let clash = 0; clash < mostClashes; clash++) {
      const path = options.path ?? segmentPath(track, beginMs, clash);
      const opened = await openNew(files, folder, path);
      if (!opened && options.path === undefined) continue;
      if (!opened) break;
      const { open, madeFolders } = opened;
      const file = new SegmentFile(path, open, options, madeFolders);
      try {
        await open.write(0, [options.init]);
      } catch (e) {
        await open.close();
        await files.remove(`${folder}/${path}`);
        throw faultFrom(e);
      }
      return file;
    }
    throw new Fault('storage', 'exists', `expected a free name for ${segmentPath(track, beginMs)}, all are taken`);
  }

  private constructor(path: string, file: OpenFile, options: NewFile, madeFolders: boolean) {
    this.path = path;
    this.beginMs = options.beginMs;
    this.#new = options;
    this.#backToZero = options.origins.map(o => -o);
    this.#file = file;
    const above = foldersOf(path);
    // The name of the file, and those of folders that are as new as it, or that a process made which died at once.
    this.#unsafeFolders =
      madeFolders || options.safeFolder !== above.at(-1) ? [...above.reverse(), ''] : above.slice(-1);
    this.#size = options.init.length;
    this.#safeBytes = options.init.length;
  }

  /** Where it is, once the names above it are on the medium. */
  get safeFolder(): string | undefined {
    return this.#unsafeFolders.length === 0 ? foldersOf(this.path).at(-1) : undefined;
  }
  /** Footage that is lost when the file is given up now. */
  get unsafeSpans(): readonly Span[] {
    return [...this.#inFlush, ...this.#written].map(r => [r.beginMs, recordEndMs(r)]);
  }
  /** Monotonic time at which the oldest fragment that is not yet safe was written. */
  get waitingSince(): number | undefined {
    return this.#oldestWrittenAt;
  }

  /** `reordered`: some picture is shown in another order than it is decoded. */
  async append(fragments: readonly Fragment[], reordered: boolean, nowMs: number): Promise<void> {
    const pieces: Uint8Array[] = [];
    const records: FragmentRecord[] = [];
    const begin = this.#size;
    let at = begin;
    for (const f of fragments) {
      // The header is the fragmenter's own fresh buffer and nobody else's.
      shiftMediaTime(f.header, this.#backToZero);
      pieces.push(f.header, ...f.chunks);
      records.push(recordOf(f, at, this.#new.origins, reordered));
      at += f.bytes;
    }
    if (at > largestFileBytes) throw new Fault('bug', 'invariant', `${this.path} would grow past 4 GiB`);
    await this.#file.write(begin, pieces);
    this.#size = at;
    this.#written.push(...records);
    this.#packed.push(packRecords(records, this.#new.origins.length));
    this.#oldestWrittenAt ??= nowMs;
  }

  /** Flushes what is written, and tells. After a failure nothing that was not safe before is believed. */
  makeSafe(): Promise<void> {
    this.#flushing = this.#flushing.then(() => this.#flush());
    // Who asked handles the failure; the chain must not fail for those who ask later.
    const done = this.#flushing;
    this.#flushing = done.catch(() => {});
    return done;
  }

  async close(): Promise<void> {
    await this.#writeContents();
    await this.makeSafe();
    await this.#file.close();
    this.#new.say({ is: 'closed', path: this.path, bytes: this.#size + this.#contentsBytes });
  }

  /** A file is as good without its table, only slower to list anew: what refuses here is met again by the flush, or was nothing. */
  async #writeContents(): Promise<void> {
    if (this.#packed.length === 0) return;
    const table = writeContents(this.#new.init, this.#size, Buffer.concat(this.#packed), this.#new.origins.length);
    if (this.#size + table.length > largestFileBytes) return;
    try {
      await this.#file.write(this.#size, [table]);
      this.#contentsBytes = table.length;
      this.#contentsSafe = false;
    } catch (e) {
      if (faultFrom(e).kind === 'bug') throw faultFrom(e);
      await this.#file.truncate(this.#size);
    }
  }

  /** Cuts the file to what is safe and ends it. Never throws: whatever is left is cut at the next start. */
  async abandon(): Promise<void> {
    await this.#flushing;
    this.#written = [];
    this.#oldestWrittenAt = undefined;
    try {
      await this.#file.truncate(this.#safeBytes);
    } catch (e) {
      // The index has its length; whoever reads goes by that, and the next start cuts it.
      if (faultFrom(e).kind === 'bug') throw faultFrom(e);
    }
    try {
      await this.#file.close();
    } catch (e) {
      if (faultFrom(e).kind === 'bug') throw faultFrom(e);
    }
    this.#new.say({ is: 'closed', path: this.path });
  }

  async #flush(): Promise<void> {
    if (this.#inFlush.length > 0)
      throw new Fault('storage', 'io-error', `${this.path} was not flushed before and is given up`);
    // What is written while the flush is under way belongs to the next one.
    const records = this.#written;
    const last = records.at(-1);
    if (!last && this.#contentsSafe) return;
    const hasContents = this.#contentsBytes > 0;
    this.#written = [];
    this.#inFlush = records;
    this.#oldestWrittenAt = undefined;
    await this.#file.sync();
    for (const f of this.#unsafeFolders) await this.#new.files.syncFolder(`${this.#new.folder}/${f}`);
    this.#unsafeFolders = [];
    if (hasContents) this.#contentsSafe = true;
    this.#inFlush = [];
    if (!last) return;
    this.#safeBytes = last.offset + last.bytes;
    this.#new.say({ is: 'safe', path: this.path, records: packRecords(records, this.#new.origins.length) });
  }
}

/** Undefined when the name is taken. The folder may have been removed, empty, since the last file. */
async function openNew(
  files: Files,
  folder: string,
  path: string,
): Promise<{ readonly open: OpenFile; readonly madeFolders: boolean } | undefined> {
  for (let attempt = 0; ; attempt++) {
    try {
      return { open: await files.open(`${folder}/${path}`, 'create'), madeFolders: attempt > 0 };
    } catch (e) {
      const fault = faultFrom(e);
      if (fault.code === 'exists') return undefined;
      if (fault.kind !== 'absent' || attempt === 3) throw fault;
      await files.makeFolder(`${folder}/${path.slice(0, path.lastIndexOf('/'))}`);
    }
  }
}

function recordOf(f: Fragment, offset: number, origins: readonly number[], reordered: boolean): FragmentRecord {
  const tracks = origins.map(() => ({ baseDts: 0, samples: 0, duration: 0, bytes: 0 }));
  for (const t of f.tracks)
    tracks[t.track] = {
      // Rounding may put a sample before the file's time 0 by a tick; see shiftMediaTime.
      baseDts: Math.max(0, t.baseDts - (origins[t.track] ?? 0)),
      samples: t.samples,
      duration: t.duration,
      bytes: t.bytes,
    };
  return {
    beginMs: f.beginMs,
    durationMs: f.endMs - f.beginMs,
    offset,
    bytes: f.bytes,
    headerBytes: f.header.length,
    keyframe: f.keyframe,
    reordered,
    tracks,
  };
}
