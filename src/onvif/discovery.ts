/**
 * WS-Discovery (April 2005, as ONVIF Core 7 has it), the asking half: the text of a Probe, and
 * what its answers say. Devices say what they are in scopes, `onvif://www.onvif.org/NAME/VALUE`.
 *
 * What answers and is no ONVIF device (printers and desktops speak WS-Discovery too) is left
 * out; so is what has no address that can be used. Anything may come as an answer: texts and
 * lists are cut, nothing throws. Left out: Hello and Bye, Resolve, discovery proxies, IPv6.
 */
import { children, parseXml, textAt, type XmlElement } from './xml.ts';

export const discoveryGroup = '239.255.255.250';
export const discoveryPort = 3702;

/** A device as clients get it (api.md 7.4 rule 1). */
export interface Found {
  readonly scopes: { readonly name: string; readonly hardware: string; readonly location: string };
  readonly xaddrs: readonly string[];
}

/** One answer. */
export interface Match extends Found {
  /** Endpoint reference: the device's own name for itself, the same on every network. */
  readonly endpoint: string;
}

/** Of one answer, of one device, and of a text. */
const limits = { matches: 64, xaddrs: 8, scopes: 200, text: 200 } as const;
/** Devices of one discovery. */
export const foundLimit = 2000;

/**
 * Two probes: cameras of the first years know no type but NetworkVideoTransmitter, recorders and newer
 * ones may name themselves Device alone (ONVIF Core 7.3.2.2).
 */
export const probeTypes = ['dn:NetworkVideoTransmitter', 'tds:Device'] as const;

/** A Probe (WS-Discovery 5.2). `messageId` is a UUID. */
export const writeProbe = (messageId: string, type: (typeof probeTypes)[number]): string =>
  '<?xml version="1.0" encoding="UTF-8"?>' +
  '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"' +
  ' xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"' +
  ' xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"' +
  ' xmlns:dn="http://www.onvif.org/ver10/network/wsdl" xmlns:tds="http://www.onvif.org/ver10/device/wsdl">' +
  '<s:Header>' +
  '<a:Action s:mustUnderstand="1">http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</a:Action>' +
  `<a:MessageID>urn:uuid:${messageId}</a:MessageID>` +
  '<a:ReplyTo><a:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address></a:ReplyTo>' +
  '<a:To s:mustUnderstand="1">urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To>' +
  `</s:Header><s:Body><d:Probe><d:Types>${type}</d:Types></d:Probe></s:Body></s:Envelope>`;

/** Devices in an answer that came from this address; none in whatever else came. */
export function readProbeMatches(text: string, from: string): Match[] {
  const root = parseXml(text);
  if (root?.name !== 'Envelope') return [];
  const body = children(root, 'Body')[0];
  const matches = children(children(body, 'ProbeMatches')[0], 'ProbeMatch').slice(0, limits.matches);
  return matches.flatMap(m => matchOf(m, from) ?? []);
}

function matchOf(match: XmlElement, from: string): Match | undefined {
  const scopes = words(textAt(match, 'Scopes')).slice(0, limits.scopes);
  const types = words(textAt(match, 'Types'));
  const isOnvif = types.some(t => /(^|:)NetworkVideo\w+$/.test(t)) || scopes.some(s => /^onvif:\/\//i.test(s));
  const xaddrs = usable(words(textAt(match, 'XAddrs')), from);
  const [first] = xaddrs;
  if (!isOnvif || first === undefined) return undefined;
  const named = textAt(match, 'EndpointReference', 'Address') ?? '';
  const endpoint = named
    .toLowerCase()
    .replace(/^(urn:)?(uuid:)?/, '')
    .slice(0, limits.text);
  return {
    endpoint: endpoint === '' ? first : endpoint,
    scopes: {
      name: scopeValue(scopes, 'name'),
      hardware: scopeValue(scopes, 'hardware'),
      location: scopeValue(scopes, 'location'),
    },
    xaddrs,
  };
}

const words = (text: string | undefined): string[] => (text ?? '').split(/\s+/).filter(w => w !== '');

/** The first scope of this name that says something; percent-encoded, or not, as vendors like it. */
function scopeValue(scopes: readonly string[], name: string): string {
  for (const scope of scopes) {
    const value = new RegExp(`^onvif://[^/]*/${name}/(.+)$`, 'i').exec(scope)?.[1];
    if (value !== undefined) return decoded(value).slice(0, limits.text);
  }
  return '';
}

/** Run by run: what is no percent-encoding stays as it came, what is no UTF-8 is marked. */
const decoded = (text: string): string =>
  text.replace(/(?:%[0-9a-f]{2})+/gi, run =>
    new TextDecoder().decode(Uint8Array.from(run.slice(1).split('%'), hex => Number.parseInt(hex, 16))),
  );

/** http and https only, without credentials; the one that answered is reachable, so it comes first, and what needs luck last. */
function usable(addresses: readonly string[], from: string): string[] {
  const rank = (host: string): number =>
    host === from ? 0 : host.startsWith('[') ? 3 : /^169\.254\./.test(host) ? 2 : 1;
  return [...new Set(addresses)]
    .slice(0, 4 * limits.xaddrs)
    .flatMap(text => {
      const url = URL.parse(text);
      const fits = url !== null && /^https?:$/.test(url.protocol) && url.hostname !== '' && text.length <= 1000;
      return fits && url.username === '' && url.password === '' ? [{ text, order: rank(url.hostname) }] : [];
    })
    .sort((a, b) => a.order - b.order)
    .slice(0, limits.xaddrs)
    .map(a => a.text);
}

/** Answers of one discovery, each device once: it answers every probe, on every network that it shares with us. */
export class Findings {
  readonly #found = new Map<string, Match>();

  /** Addresses of later answers come behind those of earlier ones; what was not told before is added. */
  add(match: Match): void {
    const known = this.#found.get(match.endpoint);
    if (!known) {
      if (this.#found.size < foundLimit) this.#found.set(match.endpoint, match);
      return;
    }
    this.#found.set(match.endpoint, {
      endpoint: match.endpoint,
      scopes: {
        name: known.scopes.name || match.scopes.name,
        hardware: known.scopes.hardware || match.scopes.hardware,
        location: known.scopes.location || match.scopes.location,
      },
      xaddrs: [...new Set([...known.xaddrs, ...match.xaddrs])].slice(0, limits.xaddrs),
    });
  }

  /** In order of address, numbers in it as numbers. */
  list(): Found[] {
    const order = new Intl.Collator('en', { numeric: true });
    return [...this.#found.values()]
      .map(({ scopes, xaddrs }) => ({ scopes, xaddrs }))
      .sort((a, b) => order.compare(a.xaddrs[0] ?? '', b.xaddrs[0] ?? ''));
  }
}
