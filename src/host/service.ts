/** Talking to the service manager: readiness for systemd (`sd_notify(3)`), through its own helper since Node has no datagram Unix sockets. */
import { spawn } from 'node:child_process';

/**
 * Tells systemd one state, if systemd started us.
 * @param state e.g. `READY=1`, `RELOADING=1`, `STOPPING=1`
 * @returns what went wrong, if anything: the unit then runs into its start time-out, which the log should explain
 */
export function notifyServiceManager(state: string, notifySocket: string | undefined): Promise<string | undefined> {
  if (notifySocket === undefined) return Promise.resolve(undefined);
  return new Promise(done => {
    // sd_notify(3): a reload tells when it began, on the clock that hrtime reads on Linux; Type=notify-reload demands it.
    const since = state === 'RELOADING=1' ? [`MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`] : [];
    const child = spawn('systemd-notify', [`--pid=${process.pid}`, state, ...since], { stdio: 'ignore' });
    child.once('error', e => done(e.message));
    child.once('exit', code => done(code === 0 ? undefined : `systemd-notify ended with ${code}`));
  });
}
