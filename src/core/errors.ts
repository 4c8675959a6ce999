/**
 * Every failure the daemon can name, and what follows from it. A new kind is one row of
 * `kinds`, a new code one row of core/codes.ts: HTTP status, WAMP error, retry and log level
 * all come from there. Normative: docs/spec/api.md 2.2; words: docs/design/style.md 6.
 */

/** What the runtime does when an object's attempt fails with this kind. */
export type Retry = 'never' | 'backoff' | 'slowly';

/** `code` is what callers see of a finer one that is not public (core/codes.ts). */
export const kinds = {
  config: { http: 422, code: 'bad-config', retry: 'never', log: 'error', who: 'the operator edits the configuration' },
  argument: { http: 400, code: 'bad-argument', retry: 'never', log: 'debug', who: 'the caller corrects the call' },
  unauthorized: { http: 403, code: 'forbidden', retry: 'never', log: 'info', who: 'the caller logs in' },
  forbidden: { http: 403, code: 'forbidden', retry: 'never', log: 'info', who: 'the operator grants a role' },
  absent: {
    http: 404,
    code: 'not-found',
    retry: 'never',
    log: 'debug',
    who: 'the caller asks for something that exists',
  },
  state: {
    http: 409,
    code: 'conflict',
    retry: 'never',
    log: 'info',
    who: 'the caller waits or changes the state first',
  },
  unsupported: {
    http: 501,
    code: 'not-implemented',
    retry: 'never',
    log: 'warn',
    who: 'we, if it is common; else the operator',
  },
  overload: { http: 503, code: 'overload', retry: 'backoff', log: 'warn', who: 'the operator removes load' },
  storage: { http: 503, code: 'unavailable', retry: 'backoff', log: 'error', who: 'the operator looks at the disk' },
  transport: { http: 502, code: 'upstream-down', retry: 'backoff', log: 'warn', who: 'nobody at first: networks fail' },
  protocol: { http: 502, code: 'upstream-garbled', retry: 'backoff', log: 'warn', who: 'we add a quirk and a fixture' },
  refused: {
    http: 502,
    code: 'upstream-refused',
    retry: 'slowly',
    log: 'warn',
    who: 'the operator checks device and password',
  },
  timeout: { http: 504, code: 'timeout', retry: 'backoff', log: 'warn', who: 'nobody at first' },
  cancelled: { http: 503, code: 'unavailable', retry: 'never', log: 'debug', who: 'nobody: somebody asked for it' },
  bug: { http: 500, code: 'internal', retry: 'never', log: 'error', who: 'we: it carries a stack' },
} as const satisfies Record<string, { http: number; code: string; retry: Retry; log: string; who: string }>;

export type Kind = keyof typeof kinds;

export type Where = Readonly<Record<string, unknown>>;

/**
 * The only error class thrown on purpose. `code` is stable and greppable, `where` is what
 * finds the place. The message is one sentence: expected, got, at. Never a credential.
 */
export class Fault extends Error {
  readonly kind: Kind;
  readonly code: string;
  readonly where: Where;
  constructor(kind: Kind, code: string, message: string, where: Where = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'Fault';
    this.kind = kind;
    this.code = code;
    this.where = where;
  }
}

/** What was thrown, as a Fault: anything that is not one is a bug, and keeps its stack as the cause. */
export function faultFrom(thrown: unknown): Fault {
  if (thrown instanceof Fault) return thrown;
  return new Fault('bug', 'internal', thrown instanceof Error ? thrown.message : String(thrown), {}, thrown);
}

/** A Fault as plain data, for crossing threads; `faultOf` makes it a Fault again. */
export interface PlainFault {
  readonly kind: Kind;
  readonly code: string;
  readonly message: string;
  readonly where: Where;
  readonly stack?: string;
}

/** What was thrown, ready to cross; the stack is that of the first cause. */
export function plainFault(thrown: unknown): PlainFault {
  const { kind, code, message, where, stack, cause } = faultFrom(thrown);
  const trace = cause instanceof Error ? cause.stack : stack;
  return { kind, code, message, where, ...(trace === undefined ? {} : { stack: trace }) };
}

/** The Fault again, on the other side. */
export function faultOf(plain: PlainFault): Fault {
  const fault = new Fault(plain.kind, plain.code, plain.message, plain.where);
  if (plain.stack !== undefined) fault.stack = plain.stack;
  return fault;
}
