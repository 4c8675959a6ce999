/**
 * Talking to the service manager: `sd_notify(3)`, through systemd's own helper since Node has
 * no datagram Unix sockets. The helper waits until the manager has taken note, 5 s where the
 * manager is not systemd and knows nothing of that: nobody's work waits for it.
 */
import { spawn } from 'node:child_process';

export type ServiceState = 'READY=1' | 'RELOADING=1' | 'STOPPING=1';

/** Whoever started us and wants to know how we are, systemd as a rule. */
export class ServiceManager {
  readonly #socket: string | undefined;
  readonly #onTrouble: (state: ServiceState, error: string) => void;
  #turn: Promise<void> = Promise.resolve();

  /** `socket` is NOTIFY_SOCKET; without it there is nobody to tell. Trouble is worth a line in the log: the unit runs into its time-out. */
  constructor(socket: string | undefined, onTrouble: (state: ServiceState, error: string) => void) {
    this.#socket = socket;
    this.#onTrouble = onTrouble;
  }

  /** One state after the other, in the order of the calls. Resolves when the manager has it, or cannot be told. */
  tell(state: ServiceState): Promise<void> {
    if (this.#socket === undefined) return this.#turn;
    // sd_notify(3): a reload tells when it began, on the clock that hrtime reads on Linux; Type=notify-reload demands it.
    const since = state === 'RELOADING=1' ? [`MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`] : [];
    this.#turn = this.#turn.then(async () => {
      const trouble = await helper([`--pid=${process.pid}`, state, ...since]);
      if (trouble !== undefined) this.#onTrouble(state, trouble);
    });
    return this.#turn;
  }
}

function helper(words: readonly string[]): Promise<string | undefined> {
  return new Promise(done => {
    const child = spawn('systemd-notify', words, { stdio: 'ignore' });
    child.unref(); // it may outlive us
    child.once('error', e => done(e.message));
    child.once('exit', code => done(code === 0 ? undefined : `systemd-notify ended with ${code}`));
  });
}
