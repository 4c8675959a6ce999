/**
 * SOAP 1.2 envelopes (W3C SOAP 1.2 part 1) as ONVIF uses them: requests out, answers in;
 * WS-Addressing 1.0 headers for what is sent to a subscription, and the UsernameToken of
 * WS-Security (ONVIF Core 5.9.4). SOAP 1.1 faults are understood, since some devices answer so.
 */
import { createHash } from 'node:crypto';
import type { Login } from '#rtsp/auth';
import { at, child, children, escapeXml, parseXml, textAt, writeXml, type XmlElement } from './xml.ts';

/** Prefixes that every request declares. */
export const namespaces = {
  s: 'http://www.w3.org/2003/05/soap-envelope',
  a: 'http://www.w3.org/2005/08/addressing',
  tds: 'http://www.onvif.org/ver10/device/wsdl',
  trt: 'http://www.onvif.org/ver10/media/wsdl',
  tr2: 'http://www.onvif.org/ver20/media/wsdl',
  tev: 'http://www.onvif.org/ver10/events/wsdl',
  tptz: 'http://www.onvif.org/ver20/ptz/wsdl',
  tse: 'http://www.onvif.org/ver10/search/wsdl',
  trp: 'http://www.onvif.org/ver10/replay/wsdl',
  tt: 'http://www.onvif.org/ver10/schema',
  wsnt: 'http://docs.oasis-open.org/wsn/b-2',
} as const;

const wsse = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd';
const wsu = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd';
const tokenProfile =
  'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest';
const nonceEncoding = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary';

/** What a UsernameToken is made of. */
export interface TokenParts {
  readonly login: Login;
  /** 16 random bytes. */
  readonly nonce: Uint8Array;
  /** By the device's clock, which rejects what is minutes off. */
  readonly createdMs: number;
}

/** Where a request goes that is meant for a resource of its own (a subscription). */
export interface Addressing {
  readonly to: string;
  readonly action: string;
  readonly messageId: string;
  /** Of the endpoint reference, to be repeated (WS-Addressing 1.0 SOAP binding 3.3). */
  readonly parameters: readonly XmlElement[];
}

const base64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));

/** Password_Digest = Base64(SHA-1(nonce + created + password)) (UsernameToken Profile 1.0, 3.1). */
function security({ login, nonce, createdMs }: TokenParts): string {
  const created = new Date(createdMs).toISOString();
  const digest = createHash('sha1').update(nonce).update(created).update(login.password).digest();
  return (
    `<Security s:mustUnderstand="1" xmlns="${wsse}"><UsernameToken>` +
    `<Username>${escapeXml(login.user)}</Username>` +
    `<Password Type="${tokenProfile}">${base64(digest)}</Password>` +
    `<Nonce EncodingType="${nonceEncoding}">${base64(nonce)}</Nonce>` +
    `<Created xmlns="${wsu}">${created}</Created></UsernameToken></Security>`
  );
}

/** The text of a request. `body` is XML with the prefixes of `namespaces`. */
export function writeEnvelope(
  body: string,
  headers: { readonly token?: TokenParts | undefined; readonly addressing?: Addressing | undefined } = {},
): string {
  const { token, addressing } = headers;
  const declared = Object.entries(namespaces).map(([prefix, uri]) => ` xmlns:${prefix}="${uri}"`);
  let header = token === undefined ? '' : security(token);
  if (addressing !== undefined)
    header +=
      `<a:Action s:mustUnderstand="1">${escapeXml(addressing.action)}</a:Action>` +
      `<a:MessageID>${escapeXml(addressing.messageId)}</a:MessageID>` +
      '<a:ReplyTo><a:Address>http://www.w3.org/2005/08/addressing/anonymous</a:Address></a:ReplyTo>' +
      `<a:To s:mustUnderstand="1">${escapeXml(addressing.to)}</a:To>` +
      addressing.parameters.map(writeXml).join('');
  return `<?xml version="1.0" encoding="UTF-8"?><s:Envelope${declared.join('')}>${header === '' ? '' : `<s:Header>${header}</s:Header>`}<s:Body>${body}</s:Body></s:Envelope>`;
}

/** A refusal in SOAP's words. */
export interface SoapFault {
  /** Codes from the general to the particular, without prefixes: `['Sender', 'NotAuthorized']`. */
  readonly codes: readonly string[];
  readonly reason: string;
}

/** What came back: the element inside the body, or a fault, or something that is no SOAP. */
export type SoapAnswer = { readonly body: XmlElement } | { readonly fault: SoapFault } | { readonly garbled: string };

const local = (text: string): string => text.replace(/^.*:/, '');

/** Codes and reason are limited, for they get into logs. */
const sentenceLimit = 200;

/** Takes an answer apart, whatever version of SOAP it is. */
export function readEnvelope(text: string): SoapAnswer {
  const root = parseXml(text);
  if (root === undefined) return { garbled: 'no XML document that ends' };
  if (root.name !== 'Envelope') return { garbled: `an element <${root.name.slice(0, 40)}>` };
  const [body] = child(root, 'Body')?.children ?? [];
  if (body === undefined) return { garbled: 'an envelope with nothing in its body' };
  return body.name === 'Fault' ? { fault: readFault(body) } : { body };
}

function readFault(fault: XmlElement): SoapFault {
  const codes: string[] = [];
  for (let code = child(fault, 'Code'); code !== undefined && codes.length < 8; code = child(code, 'Subcode')) {
    const value = textAt(code, 'Value');
    if (value !== undefined) codes.push(local(value).slice(0, 60));
  }
  const old = textAt(fault, 'faultcode');
  if (old !== undefined) codes.push(local(old).slice(0, 60));
  const texts = children(child(fault, 'Reason'), 'Text');
  const english = texts.find(t => t.attributes.get('lang')?.startsWith('en') && t.text) ?? texts.find(t => t.text);
  const reason = english?.text ?? at(fault, 'faultstring')?.text ?? '';
  return { codes, reason: reason.replace(/\s+/g, ' ').slice(0, sentenceLimit) };
}

/** The login was wrong, or missing, in the words of any device. */
export const isLoginFault = (f: SoapFault): boolean =>
  f.codes.some(c =>
    /^(NotAuthorized|OperationProhibited|FailedAuthentication|InvalidSecurity(Token)?|InvalidSecurityToken|FailedCheck|SenderNotAuthorized)$/i.test(
      c,
    ),
  ) || /not authori[sz]ed|unauthori[sz]ed|authority failure|authentication fail/i.test(f.reason);

/** The device has no such function. */
export const isUnknownAction = (f: SoapFault): boolean =>
  f.codes.some(c =>
    /^(ActionNotSupported|NoSuchService|NotImplemented|OptionalActionNotImplemented|UnknownAction)$/i.test(c),
  ) || /not (supported|implemented)|no such (operation|method)|method .*not (found|implemented)/i.test(f.reason);
