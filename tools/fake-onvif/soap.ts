/** SOAP 1.2 envelopes and faults, with the namespaces that ONVIF uses, under the prefixes that its specification uses. */
import { child, type Element, escapeXml, parseXml } from './xml.ts';

export const namespaces = {
  s: 'http://www.w3.org/2003/05/soap-envelope',
  wsa: 'http://www.w3.org/2005/08/addressing',
  wsnt: 'http://docs.oasis-open.org/wsn/b-2',
  wstop: 'http://docs.oasis-open.org/wsn/t-1',
  tt: 'http://www.onvif.org/ver10/schema',
  tds: 'http://www.onvif.org/ver10/device/wsdl',
  trt: 'http://www.onvif.org/ver10/media/wsdl',
  tr2: 'http://www.onvif.org/ver20/media/wsdl',
  tev: 'http://www.onvif.org/ver10/events/wsdl',
  tptz: 'http://www.onvif.org/ver20/ptz/wsdl',
  trc: 'http://www.onvif.org/ver10/recording/wsdl',
  tse: 'http://www.onvif.org/ver10/search/wsdl',
  trp: 'http://www.onvif.org/ver10/replay/wsdl',
  ter: 'http://www.onvif.org/ver10/error',
  tns1: 'http://www.onvif.org/ver10/topics',
} as const;

/** A namespace's prefix here, which is also the name of the service that has it. */
export type Prefix = keyof typeof namespaces;

export const prefixOf = (namespace: string): Prefix | undefined =>
  (Object.keys(namespaces) as Prefix[]).find(p => namespaces[p] === namespace);

export interface Request {
  readonly header: Element | undefined;
  /** The one element of the body. */
  readonly body: Element;
  readonly action: string | undefined;
  readonly messageId: string | undefined;
}

/** Throws a SoapFault where it is no SOAP 1.2 request. */
export function parseRequest(text: string): Request {
  let root: Element;
  try {
    root = parseXml(text);
  } catch (e) {
    throw new SoapFault('Sender', ['WellFormed'], `the request is not well-formed XML: ${(e as Error).message}`);
  }
  if (root.name !== 'Envelope' || root.namespace !== namespaces.s)
    throw new SoapFault('VersionMismatch', [], 'expected a SOAP 1.2 envelope');
  const header = child(root, 'Header');
  const body = child(root, 'Body')?.children[0];
  if (!body) throw new SoapFault('Sender', ['WellFormed'], 'expected an element in the body');
  const messageId = child(header, 'MessageID')?.text.trim();
  return { header, body, action: child(header, 'Action')?.text.trim(), messageId };
}

/** What a service answers when it does not: ONVIF Core 5.8.2. */
export class SoapFault extends Error {
  readonly code: 'Sender' | 'Receiver' | 'VersionMismatch';
  /** Subcodes from the outside in, of namespace `ter`. */
  readonly subcodes: readonly string[];

  constructor(code: SoapFault['code'], subcodes: readonly string[], reason: string) {
    super(reason);
    this.code = code;
    this.subcodes = subcodes;
  }
}

export const notAuthorized = (): SoapFault => new SoapFault('Sender', ['NotAuthorized'], 'Sender not Authorized');

const declarations = Object.entries(namespaces)
  .map(([prefix, uri]) => ` xmlns:${prefix}="${uri}"`)
  .join('');

/** `body` and `header` are XML with the prefixes above; `extra` are further declarations. */
export const envelope = (body: string, header = '', extra = ''): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<s:Envelope${declarations}${extra}>` +
  `${header === '' ? '' : `<s:Header>${header}</s:Header>`}<s:Body>${body}</s:Body></s:Envelope>`;

export function faultBody({ code, subcodes, message }: SoapFault): string {
  const inner = subcodes.reduceRight((within, s) => `<s:Subcode><s:Value>ter:${s}</s:Value>${within}</s:Subcode>`, '');
  return `<s:Fault><s:Code><s:Value>s:${code}</s:Value>${inner}</s:Code><s:Reason><s:Text xml:lang="en">${escapeXml(message)}</s:Text></s:Reason></s:Fault>`;
}

/** The same document under other prefixes: `tds:` becomes `n3:`, SOAP's own becomes the default or `SOAP-ENV`. Contents with prefixes in them (topics, fault codes) keep theirs, which stay declared. */
export function withOddPrefixes(xml: string): string {
  const names = new Map(Object.keys(namespaces).map((p, i) => [p, p === 's' ? 'SOAP-ENV' : `n${i}`]));
  const more = [...names].map(([p, odd]) => ` xmlns:${odd}="${namespaces[p as Prefix]}"`).join('');
  return xml
    .replace(/(<\/?)(\w+):/g, (whole, open: string, p: string) => (names.has(p) ? `${open}${names.get(p)}:` : whole))
    .replace(/<SOAP-ENV:Envelope/, `<SOAP-ENV:Envelope${more}`);
}

/** `PT1M30.5S` or a time, in milliseconds from now; undefined for what is neither. */
export function durationMs(text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined || text === '') return undefined;
  const m = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/.exec(text);
  if (m) {
    const [, d = 0, h = 0, min = 0, s = 0] = m;
    return (((Number(d) * 24 + Number(h)) * 60 + Number(min)) * 60 + Number(s)) * 1000;
  }
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : at - nowMs;
}
