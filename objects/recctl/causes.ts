/** Why a recctl records: causes by name, each until a moment or until further notice. Pure; times are monotonic milliseconds. */
export const manual = 'manual';

export class Causes {
  readonly #ends = new Map<string, number>();

  /** Holds at least until then; a cause that holds for longer already does so still. */
  extend(cause: string, endMs: number): void {
    this.#ends.set(cause, Math.max(endMs, this.#ends.get(cause) ?? 0));
  }

  /** Holds until then, whatever was said before. */
  lease(cause: string, endMs: number): void {
    this.#ends.set(cause, endMs);
  }

  release(cause: string): void {
    this.#ends.delete(cause);
  }

  /** Lets go what has ended by itself. */
  expire(nowMs: number): void {
    for (const [cause, endMs] of this.#ends) if (endMs <= nowMs) this.#ends.delete(cause);
  }

  get names(): string[] {
    return [...this.#ends.keys()].sort();
  }

  get holds(): boolean {
    return this.#ends.size > 0;
  }

  /** When the first of them ends by itself; Infinity if none does. */
  get firstEndMs(): number {
    return Math.min(Number.POSITIVE_INFINITY, ...this.#ends.values());
  }

  endOf(cause: string): number | undefined {
    return this.#ends.get(cause);
  }
}
