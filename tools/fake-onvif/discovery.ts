/** The device's half of WS-Discovery (2005/04, as ONVIF Core 7 uses it): Hello, ProbeMatches, ResolveMatches, Bye. */
import { randomUUID } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { child, type Element, escapeXml, parseXml, textAt } from './xml.ts';

export const discoveryGroup = '239.255.255.250';
export const discoveryPort = 3702;

const wsd = 'http://schemas.xmlsoap.org/ws/2005/04/discovery';
const wsa = 'http://schemas.xmlsoap.org/ws/2004/08/addressing';
const types: readonly (readonly [namespace: string, name: string])[] = [
  ['http://www.onvif.org/ver10/network/wsdl', 'NetworkVideoTransmitter'],
  ['http://www.onvif.org/ver10/device/wsdl', 'Device'],
];

export interface DiscoveryOptions {
  /** Address of the interface to be found at. */
  readonly address: string;
  readonly port?: number;
  /** How often each answer is sent; 2 as UDP is lossy (WS-Discovery, APPLICATION_MAX_REPEAT). */
  readonly copies?: number;
}

export interface Announced {
  /** `urn:uuid:...` */
  readonly endpoint: string;
  scopes(): readonly string[];
  xaddrs(): readonly string[];
}

export class Beacon {
  readonly #options: DiscoveryOptions;
  readonly #what: Announced;
  readonly #onProbe: (from: string) => void;
  #socket: Socket | undefined;

  constructor(options: DiscoveryOptions, what: Announced, onProbe: (from: string) => void) {
    this.#options = options;
    this.#what = what;
    this.#onProbe = onProbe;
  }

  async start(): Promise<void> {
    const socket = createSocket({ type: 'udp4', reuseAddr: true });
    const { address, port = discoveryPort } = this.#options;
    await new Promise<void>((done, fail) => {
      socket.once('error', fail);
      socket.bind({ port, address: discoveryGroup }, () => {
        socket.addMembership(discoveryGroup, address);
        socket.setMulticastInterface(address);
        socket.setMulticastLoopback(true);
        socket.off('error', fail);
        socket.on('error', () => {});
        done();
      });
    });
    socket.on('message', (bytes, from) => {
      const answer = this.#answer(bytes.toString('utf8'));
      if (answer === undefined) return;
      this.#onProbe(from.address);
      for (let i = 0; i < (this.#options.copies ?? 2); i++) this.#send(answer, from.address, from.port);
    });
    this.#socket = socket;
    this.#send(this.#message('Hello', this.#match('Hello')), discoveryGroup, port);
  }

  /** Says Bye if it goes in order. */
  async stop(inOrder: boolean): Promise<void> {
    const socket = this.#socket;
    this.#socket = undefined;
    if (!socket) return;
    if (inOrder) {
      const bye = this.#message('Bye', `<d:Bye>${this.#reference()}</d:Bye>`);
      await new Promise<void>(sent =>
        socket.send(bye, this.#options.port ?? discoveryPort, discoveryGroup, () => sent()),
      );
    }
    await new Promise<void>(closed => socket.close(() => closed()));
  }

  #send(text: string, address: string, port: number): void {
    this.#socket?.send(text, port, address, () => {});
  }

  #answer(text: string): string | undefined {
    let root: Element;
    try {
      root = parseXml(text);
    } catch {
      return undefined; // whatever else is said in the group
    }
    const message = child(root, 'Body')?.children[0];
    const id = textAt(root, 'Header', 'MessageID');
    if (message?.namespace !== wsd || id === undefined) return undefined;
    if (message.name === 'Probe' && this.#isMeant(message))
      return this.#message('ProbeMatches', `<d:ProbeMatches>${this.#match('ProbeMatch')}</d:ProbeMatches>`, id);
    if (message.name === 'Resolve' && textAt(message, 'EndpointReference', 'Address') === this.#what.endpoint)
      return this.#message('ResolveMatches', `<d:ResolveMatches>${this.#match('ResolveMatch')}</d:ResolveMatches>`, id);
    return undefined;
  }

  /** All types and scopes that are asked for must be ours (WS-Discovery 5.1); scopes match by whole segments. */
  #isMeant(probe: Element): boolean {
    const asked = (textAt(probe, 'Types') ?? '').split(/\s+/).filter(t => t !== '');
    const at = child(probe, 'Types');
    const known = asked.every(t => {
      const [prefix, name] = t.includes(':') ? t.split(':') : ['', t];
      return types.some(([ns, n]) => n === name && ns === at?.prefixes[prefix ?? '']);
    });
    const scopes = (textAt(probe, 'Scopes') ?? '').split(/\s+/).filter(s => s !== '');
    return (
      known &&
      scopes.every(s => this.#what.scopes().some(own => own === s || own.startsWith(`${s.replace(/\/$/, '')}/`)))
    );
  }

  #reference(): string {
    return `<a:EndpointReference><a:Address>${this.#what.endpoint}</a:Address></a:EndpointReference>`;
  }

  #match(tag: string): string {
    const scopes = escapeXml(this.#what.scopes().join(' '));
    const xaddrs = escapeXml(this.#what.xaddrs().join(' '));
    return `<d:${tag}>${this.#reference()}<d:Types>dn:NetworkVideoTransmitter tds:Device</d:Types><d:Scopes>${scopes}</d:Scopes><d:XAddrs>${xaddrs}</d:XAddrs><d:MetadataVersion>1</d:MetadataVersion></d:${tag}>`;
  }

  #message(action: string, body: string, relatesTo?: string): string {
    const to = relatesTo === undefined ? 'urn:schemas-xmlsoap-org:ws:2005:04:discovery' : `${wsa}/role/anonymous`;
    const relates = relatesTo === undefined ? '' : `<a:RelatesTo>${escapeXml(relatesTo)}</a:RelatesTo>`;
    return `<?xml version="1.0" encoding="UTF-8"?><e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" xmlns:a="${wsa}" xmlns:d="${wsd}" xmlns:dn="${types[0]?.[0]}" xmlns:tds="${types[1]?.[0]}"><e:Header><a:MessageID>urn:uuid:${randomUUID()}</a:MessageID>${relates}<a:To>${to}</a:To><a:Action>${wsd}/${action}</a:Action></e:Header><e:Body>${body}</e:Body></e:Envelope>`;
  }
}
