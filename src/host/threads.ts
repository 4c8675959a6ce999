/**
 * The threads beside the main one: started when first needed, each with one entry file and
 * a control port. Any thread may ask for a port to any other; the main thread passes it on.
 */
import { type MessagePort, parentPort, Worker, workerData } from 'node:worker_threads';
import type { Port } from '#core/wire';
import type { ThreadName, Threads } from '#core/world';
import type { LogLevel } from '#host/log';
import { channel, messagePortOf, portOf } from '#host/port';

/** Plain settings that every thread's entry file gets. */
export interface ThreadSettings {
  readonly logLevel: LogLevel;
  readonly logText: boolean;
  readonly home: string;
}

interface Connect {
  readonly connect: ThreadName;
  readonly service: string;
  readonly port: MessagePort;
}

/** What an entry file does with a port that somebody opened to it. */
export type AcceptPort = (service: string, port: Port) => void;

/** The main thread's side. `entries` are the entry files; `onEnd` is told when a thread dies that was not ended. */
export class MainThreads implements Threads {
  readonly #entries: Readonly<Record<ThreadName, URL>>;
  readonly #settings: ThreadSettings;
  readonly #onEnd: (thread: ThreadName, reason: string) => void;
  readonly #workers = new Map<ThreadName, Worker>();
  #ending = false;

  constructor(
    entries: Readonly<Record<ThreadName, URL>>,
    settings: ThreadSettings,
    onEnd: (thread: ThreadName, reason: string) => void,
  ) {
    this.#entries = entries;
    this.#settings = settings;
    this.#onEnd = onEnd;
  }

  connect(thread: ThreadName, service: string): Port {
    const [mine, theirs] = channel();
    this.#pass({ connect: thread, service, port: messagePortOf(theirs) });
    return mine;
  }

  async end(): Promise<void> {
    this.#ending = true;
    await Promise.all([...this.#workers.values()].map(w => w.terminate()));
  }

  #pass(message: Connect): void {
    this.#worker(message.connect).postMessage(message, [message.port]);
  }

  #worker(thread: ThreadName): Worker {
    const running = this.#workers.get(thread);
    if (running) return running;
    const worker = new Worker(this.#entries[thread], { name: thread, workerData: this.#settings });
    let reason = 'it ended by itself';
    worker.on('message', (m: Connect) => this.#pass(m));
    worker.on('error', e => {
      reason = e instanceof Error ? (e.stack ?? e.message) : String(e);
    });
    worker.on('exit', () => {
      this.#workers.delete(thread);
      if (!this.#ending) this.#onEnd(thread, reason);
    });
    this.#workers.set(thread, worker);
    return worker;
  }
}

/** This thread's side, in an entry file of a worker. */
export function workerThread(accept: AcceptPort): { readonly threads: Threads; readonly settings: ThreadSettings } {
  const control = parentPort;
  if (!control) throw new TypeError('not a worker thread');
  control.on('message', (m: Connect) => accept(m.service, portOf(m.port)));
  return {
    settings: workerData as ThreadSettings,
    threads: {
      connect: (thread, service) => {
        const [mine, theirs] = channel();
        const port = messagePortOf(theirs);
        control.postMessage({ connect: thread, service, port } satisfies Connect, [port]);
        return mine;
      },
    },
  };
}
