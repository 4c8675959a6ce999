/**
 * Which transport is tried when (config.md 8.2). Pure.
 *
 * They are tried in the order of the configuration, one after the other within one attempt;
 * the one that last brought media is tried first, until it brings none. Another one is tried
 * when the camera refused one, broke off before any media came, or sent nothing for a few
 * seconds. Not when it cannot be reached or refuses the login: that is not about the
 * transport; only `http` has a connection of its own, which may do where the other does not.
 *
 * A camera that took longer than those few seconds with each is given `stall_seconds` the
 * next time, so that slow ones are waited for in the end.
 */
import { Fault } from '#core/errors';
import type { TransportName } from './settings.ts';

export interface Failure {
  readonly fault: Fault;
  readonly mediaFlowed: boolean;
  /** The camera was asked for the transport before it failed. */
  readonly transportAsked: boolean;
}

const impatientMs = 5_000;

export class TransportOrder {
  readonly #all: readonly TransportName[];
  readonly #stallMs: number;
  #working: TransportName | undefined;
  #patient = false;
  #order: readonly TransportName[] = [];
  #at = 0;
  #failures: { readonly transport: TransportName; readonly fault: Fault }[] = [];

  /** `all`: in order of preference, at least one. */
  constructor(all: readonly TransportName[], stallMs: number) {
    this.#all = all;
    this.#stallMs = stallMs;
  }

  /** A new attempt. */
  begin(): void {
    const rest = this.#all.filter(t => t !== this.#working);
    this.#order = this.#working === undefined ? rest : [this.#working, ...rest];
    this.#at = 0;
    this.#failures = [];
  }

  get first(): TransportName {
    return this.#order[0] ?? 'tcp';
  }

  /** How long to wait for the first packet of the transport that is tried now. */
  get firstMediaMs(): number {
    const last = this.#at === this.#order.length - 1;
    return last || this.#patient ? this.#stallMs : Math.min(impatientMs, this.#stallMs);
  }

  /** Media flow by this one. */
  works(transport: TransportName): void {
    this.#working = transport;
    this.#patient = false;
  }

  /** The transport tried now has failed; the one to try next, or undefined when the attempt is over. */
  failed({ fault, mediaFlowed, transportAsked }: Failure): TransportName | undefined {
    const transport = this.#order[this.#at] ?? 'tcp';
    this.#failures.push({ transport, fault });
    if (mediaFlowed || ['refused', 'unsupported', 'cancelled', 'bug'].includes(fault.kind)) return undefined;
    if (transportAsked && transport === this.#working) this.#working = undefined;
    const next = this.#order.findIndex(
      (t, i) => i > this.#at && (transportAsked || (t === 'http') !== (transport === 'http')),
    );
    if (next < 0) {
      this.#patient = this.#failures.some(f => f.fault.code === 'no-media');
      return undefined;
    }
    this.#at = next;
    return this.#order[next];
  }

  /** What the attempt failed with: the first failure that says more than that a transport is not to be had. */
  fault(): Fault {
    const telling =
      this.#failures.find(f => !/^rtsp-(?:461|transport|tunnel)$/.test(f.fault.code)) ?? this.#failures[0];
    if (telling === undefined) return new Fault('bug', 'invariant', 'an attempt failed with no failure');
    if (this.#failures.length === 1) return telling.fault;
    const { kind, code, where, cause } = telling.fault;
    const text = this.#failures.map(f => `by ${f.transport}: ${f.fault.message}`).join('; ');
    return new Fault(kind, code, text, where, cause);
  }
}
