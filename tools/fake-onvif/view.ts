/** What the services of the fake device see of it, and what they are. */
import type { ServiceName } from './device.ts';
import type { Subscriptions } from './events.ts';
import type { Model, Plate } from './model.ts';
import type { PtzHead } from './ptz.ts';
import type { Recordings } from './recordings.ts';
import { SoapFault } from './soap.ts';
import type { Element } from './xml.ts';

/** The device as one call sees it. */
export interface DeviceView extends Model {
  readonly plate: Plate;
  /** Optional members are left out of answers. */
  readonly sparse: boolean;
  readonly serviceNames: readonly ServiceName[];
  offers(service: ServiceName): boolean;
  /** An address as the device tells it, right or wrong. */
  xaddr(path: string): string;
  /** By the device's clock. */
  nowMs(): number;
  readonly macAddress: string;
  reboot(seconds: number): void;
  /** Of a profile or of a recording. */
  rtspUrl(token: string): string;
  readonly subscriptions: Subscriptions;
  readonly ptz: PtzHead;
  readonly recordings: Recordings;
}

export interface CallContext {
  readonly header: Element | undefined;
  /** Of the HTTP request. */
  readonly path: string;
  /** Fires when the client goes away or the device reboots. */
  readonly signal: AbortSignal;
}

/** Gives the content of the body, or throws a SoapFault. */
export type Handler = (request: Element, device: DeviceView, call: CallContext) => string | Promise<string>;

export type Services = Readonly<Record<ServiceName, Readonly<Record<string, Handler>>>>;

export const noEntity = (reason: string, ...subcodes: readonly string[]): SoapFault =>
  new SoapFault('Sender', ['InvalidArgVal', ...subcodes], reason);
