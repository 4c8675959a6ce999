/**
 * The index of one archive folder: what is recorded, where, and why it is not. Every change
 * is one transaction that leaves files, intervals and sizes in agreement. Synchronous.
 */
import type { Database } from '#core/world';
import { type FragmentRecord, recordEndMs, unpackRecords } from '../format/record.ts';
import type { ClosedNote, Note, OpenedNote } from '../library/notes.ts';
import { CondemnedTable } from './condemned-table.ts';
import { GapTable } from './gap-table.ts';
import { HashTable } from './hash-table.ts';
import { type Edit, IntervalList, joined, joinMs, type Span } from './interval-list.ts';
import { LiveDatabase } from './live-database.ts';
import { LockTable } from './lock-table.ts';
import { PacketTable } from './packet-table.ts';
import { type FileRow, fileFrom, type GapRow, type RawFile, type TrackRow } from './rows.ts';
import { bringUpToDate } from './schema.ts';

export class ArchiveIndex {
  readonly #db: LiveDatabase;
  /** Of the file behind its name, as it was seen first. */
  fileId: number | undefined;
  readonly condemned: CondemnedTable;
  readonly locks: LockTable;
  readonly hashes: HashTable;
  readonly #gaps: GapTable;
  readonly packets: PacketTable;
  /** Cached per track; dropped whole when a transaction fails. */
  readonly #intervals = new Map<number, IntervalList>();

  /** `db` is empty or an index, of this version or an older one. */
  constructor(db: Database) {
    this.#db = new LiveDatabase(db);
    configure(db);
    bringUpToDate(db);
    this.condemned = new CondemnedTable(this.#db);
    this.locks = new LockTable(this.#db);
    this.hashes = new HashTable(this.#db);
    this.#gaps = new GapTable(this.#db);
    this.packets = new PacketTable(this.#db);
  }

  close(): void {
    this.#db.close();
  }

  /** Writes all of it to a new file and goes on there. */
  moveTo(path: string, open: () => Database): void {
    this.#db.moveTo(path, () => {
      const db = open();
      configure(db);
      return db;
    });
  }

  meta(key: string): string | undefined {
    return this.#db.all<{ value: string }>('SELECT value FROM meta WHERE key = ?', key)[0]?.value;
  }
  setMeta(key: string, value: string): void {
    this.#db.run('INSERT INTO meta VALUES(?, ?) ON CONFLICT(key) DO UPDATE SET value = excluded.value', key, value);
  }

  /** Takes the recorder's notes, all or none. Gives the paths that were condemned. */
  apply(notes: readonly Note[]): string[] {
    const condemned: string[] = [];
    this.#change(() => {
      for (const note of notes) this.#applyOne(note, condemned);
    });
    return condemned;
  }

  tracks(): TrackRow[] {
    return this.#db.all<TrackRow>('SELECT id, name, bytes, files FROM tracks ORDER BY name');
  }
  track(name: string): TrackRow | undefined {
    return this.#db.all<TrackRow>('SELECT id, name, bytes, files FROM tracks WHERE name = ?', name)[0];
  }
  /** Name of the track of a file. */
  trackOf(file: FileRow): string {
    return this.#db.all<{ name: string }>('SELECT name FROM tracks WHERE id = ?', file.track)[0]?.name ?? '';
  }
  /** First moment and last, without reading what is between. */
  bounds(track: number): Span | undefined {
    const cached = this.#intervals.get(track);
    if (cached) return cached.bounds;
    const end = (order: 'ASC' | 'DESC'): { begin_ms: number; end_ms: number } | undefined =>
      this.#db.all<{ begin_ms: number; end_ms: number }>(
        `SELECT begin_ms, end_ms FROM intervals WHERE track = ? ORDER BY begin_ms ${order} LIMIT 1`,
        track,
      )[0];
    const first = end('ASC');
    const last = end('DESC');
    return first && last ? [first.begin_ms, last.end_ms] : undefined;
  }
  intervals(track: number): IntervalList {
    let list = this.#intervals.get(track);
    if (!list) {
      const rows = this.#db.all<{ begin_ms: number; end_ms: number }>(
        'SELECT begin_ms, end_ms FROM intervals WHERE track = ? ORDER BY begin_ms',
        track,
      );
      list = new IntervalList(rows.map(r => [r.begin_ms, r.end_ms]));
      this.#intervals.set(track, list);
    }
    return list;
  }
  /** Gaps that overlap `[beginMs, endMs)`, in order. */
  gaps(track: number, beginMs: number, endMs: number): GapRow[] {
    return this.#gaps.within(track, beginMs, endMs);
  }
  openGap(track: number): GapRow | undefined {
    return this.#gaps.open(track);
  }

  /** Files with footage in `[beginMs, endMs)`, in order. Files of a track do not overlap, so at most one begins before. */
  files(track: number, beginMs: number, endMs: number): FileRow[] {
    return this.#db
      .all<RawFile>(
        `SELECT * FROM files WHERE track = ? AND begin_ms < ? AND end_ms > ? AND begin_ms >=
           coalesce((SELECT max(begin_ms) FROM files WHERE track = ? AND begin_ms <= ?), ?) ORDER BY begin_ms`,
        track,
        endMs,
        beginMs,
        track,
        beginMs,
        beginMs,
      )
      .map(fileFrom);
  }
  /** The last file that begins at `ms` or before it; the first that begins behind it; the last before it. */
  fileAtOrBefore(track: number, ms: number): FileRow | undefined {
    return this.#fileBy('begin_ms <= ? ORDER BY begin_ms DESC', track, ms);
  }
  fileAfter(track: number, ms: number): FileRow | undefined {
    return this.#fileBy('begin_ms > ? ORDER BY begin_ms', track, ms);
  }
  fileBefore(track: number, ms: number): FileRow | undefined {
    return this.#fileBy('begin_ms < ? ORDER BY begin_ms DESC', track, ms);
  }
  #fileBy(which: string, track: number, ms: number): FileRow | undefined {
    return this.#db
      .all<RawFile>(`SELECT * FROM files WHERE track = ? AND ${which} LIMIT 1`, track, ms)
      .map(fileFrom)[0];
  }
  fileNamed(name: string): FileRow | undefined {
    return this.#db.all<RawFile>('SELECT * FROM files WHERE name = ?', name).map(fileFrom)[0];
  }
  /** Names in one folder and below. `/` is followed by `0` in byte order. */
  namesIn(folder: string): string[] {
    return this.#db
      .all<{ name: string }>('SELECT name FROM files WHERE name > ? AND name < ?', `${folder}/`, `${folder}0`)
      .map(r => r.name);
  }
  /** Of all files. */
  names(): string[] {
    return this.#db.all<{ name: string }>('SELECT name FROM files').map(r => r.name);
  }
  /** What SQLite finds wrong with its file, and where sums and files do not agree; empty: nothing. */
  troubles(): string[] {
    const own = this.#db.all<{ quick_check: string }>('PRAGMA quick_check').map(r => r.quick_check);
    const sums = this.#db.all<{ name: string }>(
      `SELECT name FROM tracks WHERE bytes <> (SELECT coalesce(sum(bytes), 0) FROM files WHERE track = tracks.id)
         OR files <> (SELECT count(*) FROM files WHERE track = tracks.id)`,
    );
    return [
      ...own.filter(text => text !== 'ok'),
      ...sums.map(({ name }) => `the sums of ${name} are not those of its files`),
    ];
  }
  openFiles(): FileRow[] {
    return this.#db.all<RawFile>('SELECT * FROM files WHERE open = 1').map(fileFrom);
  }
  newestFile(track: number): FileRow | undefined {
    return this.#db
      .all<RawFile>('SELECT * FROM files WHERE track = ? ORDER BY begin_ms DESC LIMIT 1', track)
      .map(fileFrom)[0];
  }
  /** Closed files without a lock, oldest first; of one track, or of all. */
  oldestFiles(limit: number, track?: number): FileRow[] {
    return this.#db
      .all<RawFile>(
        track === undefined
          ? `SELECT * FROM files WHERE open = 0 AND ${unlocked} ORDER BY begin_ms LIMIT ?`
          : `SELECT * FROM files WHERE open = 0 AND track = ?2 AND ${unlocked} ORDER BY begin_ms LIMIT ?1`,
        ...(track === undefined ? [limit] : [limit, track]),
      )
      .map(fileFrom);
  }
  /** When the oldest footage of all tracks begins. */
  oldestMs(): number | undefined {
    return this.#db.all<{ oldest: number | null }>('SELECT min(begin_ms) AS oldest FROM files')[0]?.oldest ?? undefined;
  }
  /** Bytes of a track's files that begin at `sinceMs` or later. */
  bytesSince(track: number, sinceMs: number): number {
    return (
      this.#db.all<{ sum: number | null }>(
        'SELECT sum(bytes) AS sum FROM files WHERE track = ? AND begin_ms >= ?',
        track,
        sinceMs,
      )[0]?.sum ?? 0
    );
  }
  records(file: FileRow): FragmentRecord[] {
    return this.#db
      .all<{ records: Uint8Array }>('SELECT records FROM fragments WHERE file = ? ORDER BY part', file.id)
      .flatMap(r => unpackRecords(r.records, file.origins.length));
  }
  format(hash: string): Uint8Array | undefined {
    return this.#db.all<{ init: Uint8Array }>('SELECT init FROM formats WHERE hash = ?', hash)[0]?.init;
  }

  totalBytes(): number {
    return this.#db.all<{ total: number }>('SELECT coalesce(sum(bytes), 0) AS total FROM tracks')[0]?.total ?? 0;
  }

  /** Takes files off the list; they are deleted next. */
  condemn(files: readonly FileRow[]): void {
    this.#change(() => {
      for (const f of files) this.#unlist(f, true);
    });
  }
  /** The same for the oldest of the ring: gaps before what is left of a track go with them. */
  condemnOldest(files: readonly FileRow[]): void {
    this.#change(() => {
      for (const f of files) this.#unlist(f, true);
      for (const track of new Set(files.map(f => f.track))) this.#forgetOldGaps(track);
    });
  }
  /** A file that is no longer there: its time becomes a hole, which is told as `removed`. */
  forget(file: FileRow): void {
    this.#change(() => this.#unlist(file, false));
  }
  /** Condemns a file, if there is one, and lists in its place what `notes` tell: copies of parts of it, and why the rest is gone. */
  replace(file: FileRow | undefined, notes: readonly Note[]): void {
    this.#change(() => {
      if (file) this.#unlist(file, true);
      for (const note of notes) {
        this.#applyOne(note, []);
        if (note.is === 'opened') this.condemned.keep(note.path);
      }
    });
  }

  #change(work: () => void): void {
    try {
      this.#db.transaction(work);
    } catch (e) {
      this.#intervals.clear();
      throw e;
    }
  }

  #applyOne(note: Note, condemned: string[]): void {
    switch (note.is) {
      case 'track':
        this.#trackId(note.track);
        break;
      case 'opened':
        this.#open(note);
        break;
      case 'safe': {
        const file = this.fileNamed(note.path);
        if (file) this.#append(file, note.records);
        break;
      }
      case 'closed': {
        const file = this.fileNamed(note.path);
        if (file && this.#close(file, note)) condemned.push(file.name);
        break;
      }
      case 'gap':
        this.#gaps.put(this.#trackId(note.track), note);
        break;
      case 'clock':
        // Only the ledger keeps it: nothing in the index depends on it.
        break;
      default:
        note satisfies never;
    }
  }

  #trackId(name: string): number {
    const known = this.track(name);
    return known ? known.id : this.#db.run('INSERT INTO tracks(name) VALUES(?)', name).lastId;
  }

  #open(note: OpenedNote): void {
    // A walk of the folder may have found the file first; the recorder knows better.
    const found = this.fileNamed(note.path);
    if (found) this.#unlist(found, false);
    const track = this.#trackId(note.track);
    this.#db.run('INSERT OR IGNORE INTO formats VALUES(?, ?)', note.format, note.init);
    this.#db.run(
      `INSERT INTO files(track, begin_ms, end_ms, bytes, init_bytes, run, origins, format, open, name)
       VALUES(?, ?, ?, ?, ?, ?, ?, ?, 1, ?)`,
      track,
      note.beginMs,
      note.beginMs,
      note.initBytes,
      note.initBytes,
      note.run,
      JSON.stringify(note.origins),
      note.format,
      note.path,
    );
    this.#db.run('UPDATE tracks SET bytes = bytes + ?, files = files + 1 WHERE id = ?', note.initBytes, track);
  }

  #append(file: FileRow, packed: Uint8Array): void {
    const records = unpackRecords(packed, file.origins.length);
    const last = records.at(-1);
    if (!last) return;
    const bytes = last.offset + last.bytes;
    this.#db.run(
      'INSERT INTO fragments VALUES(?1, (SELECT coalesce(max(part), -1) + 1 FROM fragments WHERE file = ?1), ?2)',
      file.id,
      packed,
    );
    this.#db.run('UPDATE files SET end_ms = max(end_ms, ?), bytes = ? WHERE id = ?', recordEndMs(last), bytes, file.id);
    this.#db.run('UPDATE tracks SET bytes = bytes + ? WHERE id = ?', bytes - file.bytes, file.track);
    for (const [begin, end] of joined(records)) this.#mirror(file.track, this.intervals(file.track).add(begin, end));
  }

  /** True when the file was empty and is condemned. */
  #close(file: FileRow, { bytes = file.bytes, sha256 }: ClosedNote): boolean {
    const parts = this.#db.all<{ records: Uint8Array }>(
      'SELECT records FROM fragments WHERE file = ? ORDER BY part',
      file.id,
    );
    if (parts.length === 0) {
      this.#unlist(file, true);
      return true;
    }
    if (parts.length > 1) {
      const whole = new Uint8Array(parts.reduce((sum, p) => sum + p.records.length, 0));
      let at = 0;
      for (const p of parts) {
        whole.set(p.records, at);
        at += p.records.length;
      }
      this.#db.run('DELETE FROM fragments WHERE file = ?', file.id);
      this.#db.run('INSERT INTO fragments VALUES(?, 0, ?)', file.id, whole);
    }
    this.#db.run('UPDATE files SET open = 0, bytes = ?, hash = ? WHERE id = ?', bytes, sha256 ?? null, file.id);
    this.#db.run('UPDATE tracks SET bytes = bytes + ? WHERE id = ?', bytes - file.bytes, file.track);
    return false;
  }

  #unlist({ id }: FileRow, condemn: boolean): void {
    // As it is now: whoever has the row may have had it before it grew, or before somebody else was faster.
    const file = this.#db.all<RawFile>('SELECT * FROM files WHERE id = ?', id).map(fileFrom)[0];
    if (!file) return;
    this.#db.run('DELETE FROM files WHERE id = ?', id);
    if (condemn) this.condemned.add(file.name);
    this.#db.run('UPDATE tracks SET bytes = bytes - ?, files = files - 1 WHERE id = ?', file.bytes, file.track);
    if (file.endMs <= file.beginMs) return;
    const [begin, end] = this.#holeOf(file);
    this.#mirror(file.track, this.intervals(file.track).remove(begin, end));
  }

  /** The time that goes with a file: its own, up to its neighbours where it was joined with them. */
  #holeOf(file: FileRow): Span {
    const edge = (sql: string): number | null =>
      this.#db.all<{ edge: number | null }>(sql, file.track, file.beginMs)[0]?.edge ?? null;
    const before = edge(
      'SELECT end_ms AS edge FROM files WHERE track = ? AND begin_ms < ? ORDER BY begin_ms DESC LIMIT 1',
    );
    const next = edge('SELECT begin_ms AS edge FROM files WHERE track = ? AND begin_ms > ? ORDER BY begin_ms LIMIT 1');
    const near = (moment: number | null, own: number): number =>
      moment !== null && Math.abs(moment - own) < joinMs ? moment : own;
    return [near(before, file.beginMs), near(next, file.endMs)];
  }

  #forgetOldGaps(track: number): void {
    const first = this.intervals(track).bounds?.[0];
    if (first !== undefined) this.#gaps.forgetOld(track, first);
  }

  #mirror(track: number, edit: Edit): void {
    if (edit.from > edit.to) return;
    this.#db.run('DELETE FROM intervals WHERE track = ? AND begin_ms BETWEEN ? AND ?', track, edit.from, edit.to);
    for (const [begin, end] of edit.now) this.#db.run('INSERT INTO intervals VALUES(?, ?, ?)', track, begin, end);
  }
}

/** No lock reaches into the file. */
const unlocked = `NOT EXISTS (SELECT 1 FROM locks WHERE locks.track = files.track
  AND locks.begin_ms < files.end_ms AND locks.end_ms > files.begin_ms)`;

const configure = (db: Database): void => db.exec('PRAGMA synchronous = FULL; PRAGMA cache_size = -16000');
