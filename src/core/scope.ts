/** Who owns what is open (docs/design/architecture.md 5). */
interface Closer {
  readonly what: string;
  close(): unknown;
}

/**
 * A scope owns everything that must end together: tasks, timers, sockets, child scopes.
 * Whoever opens something registers it here on the same line, so that stopping an object
 * is one call and "did anything leak?" is a question with an answer.
 */
export class Scope {
  readonly name: string;
  readonly #abort = new AbortController();
  readonly #closers: Closer[] = [];
  readonly #entries = new WeakMap<object, Closer>();
  readonly #onFault: (error: unknown, task: string) => void;
  #closing: Promise<void> | undefined;

  constructor(name: string, onFault: (error: unknown, task: string) => void) {
    this.name = name;
    this.#onFault = onFault;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** What is still open; empty after `close`. Tests and the status page read it. */
  get open(): readonly string[] {
    return this.#closers.map(c => c.what);
  }

  /** Registers something to be closed when the scope is. Later registrations close first. In a scope already closing it is closed at once. */
  own<T>(what: string, thing: T, close: (thing: T) => unknown): T {
    const entry = { what, close: () => close(thing) };
    if (this.#closing) this.run(what, async () => void (await entry.close()));
    else this.#closers.push(entry);
    if (typeof thing === 'object' && thing !== null) this.#entries.set(thing, entry);
    return thing;
  }

  /** The thing has ended by itself: it need not be closed any more. */
  forget(thing: object): void {
    const entry = this.#entries.get(thing);
    if (entry) this.#forget(entry);
  }

  /** A scope inside this one: closed with it, or earlier by its owner. */
  child(name: string): Scope {
    const child = new Scope(name, this.#onFault);
    return this.own(name, child, s => s.close());
  }

  /** Runs a task that ends by itself or when the signal fires. Its failure is reported, never lost. */
  run(what: string, task: (signal: AbortSignal) => Promise<void>): void {
    let done: Promise<void> = Promise.resolve();
    const entry = { what, close: () => done };
    // Before the task begins: what it opens here at once, a child scope above all, must be closed before it is waited for.
    this.#closers.push(entry);
    done = task(this.signal).catch((e: unknown) => {
      if (!this.signal.aborted) this.#onFault(e, what);
    });
    void done.finally(() => this.#forget(entry));
  }

  /** Ends everything, newest first, and waits for it. Closing twice is the same as closing once. */
  close(): Promise<void> {
    return (this.#closing ??= this.#closeAll());
  }

  async #closeAll(): Promise<void> {
    this.#abort.abort();
    for (let c = this.#closers.at(-1); c; c = this.#closers.at(-1)) {
      try {
        await c.close();
      } catch (e) {
        this.#onFault(e, `closing ${c.what}`);
      }
      this.#forget(c);
    }
  }

  #forget(entry: Closer): void {
    const at = this.#closers.indexOf(entry);
    if (at >= 0) this.#closers.splice(at, 1);
  }
}
