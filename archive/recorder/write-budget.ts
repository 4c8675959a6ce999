/**
 * Bytes that may wait for the disk, of all tracks of an archive together and of each. Past
 * it, whole groups of pictures are dropped (config.md 10.1 rule 4).
 */
export class WriteBudget {
  readonly limitBytes: number;
  readonly perTrackBytes: number;
  #used = 0;

  constructor(limitBytes: number, perTrackBytes: number) {
    this.limitBytes = limitBytes;
    this.perTrackBytes = perTrackBytes;
  }

  get used(): number {
    return this.#used;
  }

  /** Whether `bytes` more may wait for a track that has `trackUsed` waiting; then they are counted. */
  take(bytes: number, trackUsed: number): boolean {
    if (this.#used + bytes > this.limitBytes || trackUsed + bytes > this.perTrackBytes) return false;
    this.#used += bytes;
    return true;
  }

  /** Whether it has drained to half, so that a track that dropped may go on. */
  hasRecovered(trackUsed: number): boolean {
    return this.#used <= this.limitBytes / 2 && trackUsed <= this.perTrackBytes / 2;
  }

  give(bytes: number): void {
    this.#used -= bytes;
  }
}
