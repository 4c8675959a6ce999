/**
 * SHA-256 of every closed file and the chain of each track (archive/DESIGN.md, "Chain" and "Hash"): read on the library
 * thread, a piece at a time with pauses, so that questions are answered in between and the disk is left to recording.
 */
import { createHash } from 'node:crypto';
import { faultFrom } from '#core/errors';
import type { Clock, OpenFile } from '#core/world';
import { linkOf } from '../format/ledger-line.ts';
import type { FileRow } from '../index/rows.ts';
import { countsOf } from '../read/packet-counts.ts';
import { relist } from '../read/present.ts';
import type { Place } from './recovery.ts';

const pieceBytes = 1 << 20;
/** Looks for work this often when there was none. */
const idleMs = 1000;

/** Hex; undefined when the file is gone or shorter than `bytes`, or `stopped` says so. */
export async function sha256OfFile(
  file: OpenFile,
  bytes: number,
  pause: (tookMs: number) => Promise<void>,
  clock: Pick<Clock, 'monotonicMs'>,
  stopped: () => boolean,
): Promise<string | undefined> {
  const hash = createHash('sha256');
  for (let at = 0; at < bytes; ) {
    const since = clock.monotonicMs();
    const piece = await file.read(at, Math.min(pieceBytes, bytes - at));
    if (stopped() || piece.length === 0) return undefined;
    hash.update(piece);
    at += piece.length;
    if (at < bytes) await pause(clock.monotonicMs() - since);
  }
  return hash.digest('hex');
}

/** Works from its creation until `stop`; finds by itself what there is to do. */
export class Hasher {
  readonly #place: Place;
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;
  /** Only files that begin at this time or later: while a walk may still bring hashes for older ones. */
  #sinceMs: number;

  constructor(place: Place, clock: Clock, sinceMs: number) {
    this.#place = place;
    this.#clock = clock;
    this.#sinceMs = sinceMs;
    this.#done = this.#run();
  }

  /** The walk is over: everything that has no hash gets one. */
  takeAll(): void {
    this.#sinceMs = Number.NEGATIVE_INFINITY;
  }

  stop(): Promise<void> {
    this.#stop.abort();
    return this.#done;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      let did = false;
      const since = this.#clock.monotonicMs();
      try {
        did = await this.#next();
      } catch (e) {
        const fault = faultFrom(e);
        this.#place.log.warn('file-not-hashed', { error: fault.message, kind: fault.kind });
      }
      await this.#clock.sleep(did ? Math.min(idleMs, this.#clock.monotonicMs() - since + 1) : idleMs, signal);
    }
  }

  /** False when there is nothing to do now. */
  async #next(): Promise<boolean> {
    const { index, ledger } = this.#place;
    const row = index.hashes.next(this.#sinceMs);
    if (!row) return false;
    const sha256 = await this.#hash(row);
    if (this.#stop.signal.aborted) return false;
    const listed = index.fileNamed(row.name);
    // It may have been deleted or listed anew while it was read.
    if (listed?.id !== row.id || listed.bytes !== row.bytes) return true;
    if (sha256 === '') return true;
    if (sha256 === undefined) {
      await relist(this.#place, row);
      return true;
    }
    const track = index.trackOf(row);
    const prev = index.hashes.chain(track);
    const link = { file: row.name, bytes: row.bytes, sha256 };
    const chain = linkOf(prev, link);
    await ledger.append([[this.#clock.wallMs(), { hash: { track, ...link, prev, chain } }]]);
    index.hashes.set(row.name, sha256);
    index.hashes.setChain(track, chain);
    // Its headers are read at once, while the system has them in memory still.
    await countsOf(this.#place, row);
    return true;
  }

  /** Undefined when the file is not as it is listed; `''` when it cannot be read: it is not tried again. */
  async #hash(row: FileRow): Promise<string | undefined> {
    const { files, folder, index, log } = this.#place;
    const { signal } = this.#stop;
    const pause = (ms: number): Promise<void> => this.#clock.sleep(Math.max(1, ms), signal);
    try {
      const file = await files.open(`${folder}/${row.name}`, 'read');
      try {
        return await sha256OfFile(file, row.bytes, pause, this.#clock, () => signal.aborted);
      } finally {
        await file.close();
      }
    } catch (e) {
      const fault = faultFrom(e);
      if (fault.kind === 'absent') return undefined;
      if (fault.kind !== 'storage' || fault.code === 'too-many-files') throw fault;
      log.warn('file-not-hashed', { file: row.name, error: fault.message });
      index.hashes.set(row.name, '');
      return '';
    }
  }
}
