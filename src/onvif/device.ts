/**
 * One ONVIF device: its services found, its login and clock known, its answers read. What is
 * asked for is one request or a few; nothing is kept but addresses, login and clock, so that
 * a device that was changed is seen as it is by whoever makes a new one of these.
 *
 * Whoever uses it is told in Faults (soap-client.ts); a service that the device does not have is
 * Fault `onvif-unsupported`.
 */
import { Fault, faultFrom } from '#core/errors';
import { streamUrl } from './address.ts';
import {
  type DeviceInformation,
  getCapabilities,
  getDeviceInformation,
  getServices,
  getSystemDateAndTime,
  readCapabilities,
  readInformation,
  readServices,
  type ServiceName,
  type Services,
} from './device-service.ts';
import {
  getProfiles,
  getStreamUri,
  getVideoSources,
  type MediaVersion,
  type Profile,
  readProfiles,
  readStreamUri,
  readVideoSources,
  type StreamTransport,
  type VideoSourceInfo,
} from './media.ts';
import { SoapClient, type SoapOptions, type SoapParts } from './soap-client.ts';
import { readSystemTime } from './time.ts';
import type { XmlElement } from './xml.ts';

/** A clock this near is taken for ours: the answer's own way took about as long. */
const clockSlackMs = 1000;

export class OnvifDevice {
  readonly #soap: SoapClient;
  readonly #parts: SoapParts;
  #services: Promise<Services> | undefined;
  #clock: Promise<number | undefined> | undefined;

  constructor(parts: SoapParts) {
    this.#parts = parts;
    this.#soap = new SoapClient(parts);
  }

  /**
   * The device's clock minus ours, in milliseconds; undefined if it does not tell. Asked once, before all else,
   * since a UsernameToken is made by the device's clock.
   */
  clockOffset(signal?: AbortSignal): Promise<number | undefined> {
    this.#clock ??= this.#readClock(signal).catch(e => {
      this.#clock = undefined;
      throw e;
    });
    return this.#clock;
  }

  async information(signal?: AbortSignal): Promise<DeviceInformation> {
    return readInformation(await this.#device(getDeviceInformation, signal));
  }

  /** Addresses as the device gives them; asked once. */
  services(signal?: AbortSignal): Promise<Services> {
    this.#services ??= this.#readServices(signal).catch(e => {
      this.#services = undefined;
      throw e;
    });
    return this.#services;
  }

  async has(service: ServiceName, signal?: AbortSignal): Promise<boolean> {
    return (await this.services(signal)).has(service);
  }

  async videoSources(signal?: AbortSignal): Promise<VideoSourceInfo[]> {
    return readVideoSources(await this.ask('media', getVideoSources, { signal }));
  }

  /** Of Media 2, where the device has it and it works, for Media 1 has no H.265; else of Media 1. */
  async profiles(signal?: AbortSignal): Promise<Profile[]> {
    return (
      (await this.#byMedia(async version => {
        const found = readProfiles(await this.ask(version, getProfiles[version], { signal }));
        return found.some(p => p.video) ? found : undefined;
      }, signal)) ?? []
    );
  }

  /** Where the profile's stream is, with the host of the device's own address; no credentials in it. */
  async streamUri(profile: string, transport: StreamTransport = 'tcp', signal?: AbortSignal): Promise<string> {
    const found = await this.#byMedia(async version => {
      const uri = readStreamUri(await this.ask(version, getStreamUri(version, profile, transport), { signal }));
      return uri === undefined ? undefined : streamUrl(this.#parts.url, uri);
    }, signal);
    if (found !== undefined) return found;
    throw new Fault('protocol', 'onvif-garbled', `${this.peer}: expected the RTSP address of a stream, got none`);
  }

  /** Of its device service. */
  get url(): string {
    return this.#parts.url;
  }

  /** Host and port, for sentences. */
  get peer(): string {
    return new URL(this.#parts.url).host;
  }

  /** A request to a service, or to an address that the device gave (of a subscription). */
  async ask(
    service: ServiceName | { readonly address: string },
    body: string,
    options: SoapOptions = {},
  ): Promise<XmlElement> {
    const returned = typeof service === 'object' ? service.address : (await this.services(options.signal)).get(service);
    const url = this.#soap.place(returned);
    if (url === undefined)
      throw new Fault('unsupported', 'onvif-unsupported', `${this.peer}: the device has no service ${String(service)}`);
    return this.#call(url, body, options);
  }

  /** Tries Media 2 before Media 1; the failure is that of the last one, except that a refused login ends it at once. */
  async #byMedia<T>(
    attempt: (version: MediaVersion) => Promise<T | undefined>,
    signal?: AbortSignal,
  ): Promise<T | undefined> {
    const services = await this.services(signal);
    const versions = (['media2', 'media'] as const).filter(v => services.has(v));
    if (versions.length === 0)
      throw new Fault('unsupported', 'onvif-unsupported', `${this.peer}: the device has no media service`);
    for (const version of versions) {
      try {
        const found = await attempt(version);
        if (found !== undefined || version === versions.at(-1)) return found;
      } catch (e) {
        const last = version === versions.at(-1);
        if (last || !['onvif-unsupported', 'onvif-fault', 'onvif-garbled'].includes(faultFrom(e).code)) throw e;
      }
    }
    return undefined;
  }

  #device(body: string, signal?: AbortSignal): Promise<XmlElement> {
    return this.#call(this.#parts.url, body, { signal });
  }

  async #call(url: string, body: string, options: SoapOptions): Promise<XmlElement> {
    if (this.#parts.login !== undefined) await this.clockOffset(options.signal);
    return this.#soap.call(url, body, options, () => this.#clockWasOff(options.signal));
  }

  async #readClock(signal: AbortSignal | undefined): Promise<number | undefined> {
    const sentMs = this.#parts.clock.wallMs();
    let answer: XmlElement;
    try {
      answer = await this.#soap.call(this.#parts.url, getSystemDateAndTime, { signal, open: true }, async () => false);
    } catch (e) {
      // A device that does not tell its time without a login, or at all, may do without.
      if (['onvif-login', 'onvif-unsupported', 'onvif-fault', 'onvif-garbled'].includes(faultFrom(e).code))
        return undefined;
      throw e;
    }
    const theirs = readSystemTime(answer);
    if (theirs === undefined) return undefined;
    // Whole seconds come, cut off: half a second is the best guess of the rest.
    const offset = theirs + 500 - (sentMs + this.#parts.clock.wallMs()) / 2;
    const rounded = Math.abs(offset) <= clockSlackMs ? 0 : Math.round(offset);
    this.#soap.clockOffsetMs = rounded;
    return rounded;
  }

  /** The device's clock is read anew: whether it is another than the one a refused login was made by. */
  async #clockWasOff(signal: AbortSignal | undefined): Promise<boolean> {
    const before = this.#soap.clockOffsetMs;
    this.#clock = undefined;
    await this.clockOffset(signal);
    return Math.abs(this.#soap.clockOffsetMs - before) > 2 * clockSlackMs;
  }

  async #readServices(signal: AbortSignal | undefined): Promise<Services> {
    try {
      const found = readServices(await this.#device(getServices, signal));
      if (found.size > 0) return found;
    } catch (e) {
      const { code } = faultFrom(e);
      if (!['onvif-unsupported', 'onvif-fault', 'onvif-garbled'].includes(code)) throw e;
    }
    return readCapabilities(await this.#device(getCapabilities, signal));
  }
}
