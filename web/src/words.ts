/** What the page says about failures and gaps: what is the matter, and who can do something about it. Pure. */

interface Failure {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

/** Of a call that failed: a sentence for an operator. */
export function failureText({ status, code, message }: Failure): string {
  if (code === 'timeout') return 'The server does not answer. It may be overloaded, or the network may be down.';
  if (status === 0) return 'There is no connection to the server.';
  if (status === 403)
    return 'The server refuses access. If it is reached by another name or through a proxy, that name must be in “hosts” of its webserver; otherwise ask its administrator.';
  if (status === 404 && code === 'no-data') return 'Nothing is recorded there.';
  if (code === 'not-json') return 'Something other than Ocellus answers here: a proxy or another server.';
  const reason = message === '' ? `status ${status}` : message;
  if (status >= 500) return `The server says: ${reason}`;
  return `The server refused: ${reason}`;
}

/** docs/spec/api.md 6.5, in words. */
const reasons: Readonly<Record<string, string>> = {
  'camera-unreachable': 'camera unreachable',
  'no-media': 'camera sent no pictures',
  'network-loss': 'pictures lost in the network',
  'disk-slow': 'disk too slow',
  'disk-full': 'disk full',
  overload: 'server overloaded',
  'clock-step': 'clock was changed',
  'not-scheduled': 'not meant to be recorded',
  restart: 'server was restarted',
  'config-change': 'configuration was changed',
  removed: 'recording was deleted',
};

export const reasonText = (reason: string): string => reasons[reason] ?? reason;

/** Gaps that nobody needs to look into. */
export const isHarmless = (reason: string): boolean =>
  reason === 'not-scheduled' || reason === 'removed' || reason === 'config-change';
