/**
 * XML answers as a small tree (XML 1.0, Namespaces in XML 1.0), read by saxes: no DTD is
 * looked into and no entity but the five of XML is known, so nothing expands. Names are
 * compared without their prefix, which every vendor chooses differently; a namespace is kept
 * for writing an element back. Limits: 20 000 elements, 64 deep, 200 attributes each; beyond them, and where the
 * document does not end, there is no tree. Small mistakes (a bare `&`, a prefix that nobody
 * declared) are put up with, 100 of them: each costs as much as a hundred bytes without one. Mixed content is not kept: ONVIF has none.
 */
import { SaxesParser } from 'saxes';

export interface XmlElement {
  /** Without its prefix. */
  readonly name: string;
  /** Of its namespace; '' if it has none, or a prefix that nobody declared. */
  readonly uri: string;
  /** By name without prefix; those of namespaces themselves are left out. */
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlElement[];
  /** Its own text, blanks around it cut off. */
  readonly text: string;
}

const elementLimit = 20_000;
const depthLimit = 64;
const mistakeLimit = 100;
/** Of one element. */
const attributeLimit = 200;
/** As much as is read before anybody looks whether it is too much. */
const pieceLength = 2048;

interface Growing {
  name: string;
  uri: string;
  attributes: Map<string, string>;
  children: Growing[];
  text: string;
}

/** The document element; undefined if this is no XML document that ends. */
export function parseXml(text: string): XmlElement | undefined {
  const parser = new SaxesParser({ xmlns: true, position: false });
  const open: Growing[] = [];
  let root: Growing | undefined;
  let count = 0;
  let tooMuch = false;
  let ended = false;
  let mistakes = 0;
  // Without a listener the parser would throw at the first mistake.
  parser.on('error', () => {
    tooMuch ||= ++mistakes > mistakeLimit;
  });
  let attributeCount = 0;
  parser.on('attribute', () => {
    tooMuch ||= ++attributeCount > attributeLimit;
  });
  parser.on('opentag', tag => {
    attributeCount = 0;
    if (ended || ++count > elementLimit || open.length >= depthLimit) {
      tooMuch ||= !ended;
      return;
    }
    const attributes = new Map<string, string>();
    for (const a of Object.values(tag.attributes))
      if (a.prefix !== 'xmlns' && a.name !== 'xmlns') attributes.set(a.local, a.value);
    const element: Growing = { name: tag.local, uri: tag.uri, attributes, children: [], text: '' };
    open.at(-1)?.children.push(element);
    root ??= element;
    open.push(element);
  });
  const take = (piece: string): void => {
    const top = open.at(-1);
    if (top !== undefined) top.text += piece;
  };
  parser.on('text', take);
  parser.on('cdata', take);
  parser.on('closetag', () => {
    if (tooMuch) return;
    const closed = open.pop();
    if (closed !== undefined) closed.text = closed.text.trim();
    ended ||= root !== undefined && open.length === 0;
  });
  // In pieces, so that a document that is too much is not read to its end. Blanks before the declaration are common.
  const document = withoutBareAmpersands(text.trimStart());
  for (let at = 0; at < document.length && !tooMuch && !ended; at += pieceLength)
    parser.write(document.slice(at, at + pieceLength));
  return ended && !tooMuch ? root : undefined;
}

/** In an address, most often; the parser would take all up to the next `;` for a name. Where there is CDATA, such an address is in it. */
const withoutBareAmpersands = (text: string): string =>
  text.includes('<![CDATA[') ? text : text.replace(/&(?!(?:[a-z][\w.-]{0,31}|#\d{1,7}|#x[\da-f]{1,6});)/gi, '&amp;');

/** The first child of this name. */
export const child = (of: XmlElement | undefined, name: string): XmlElement | undefined =>
  of?.children.find(c => c.name === name);

/** All children of this name; none of nothing. */
export const children = (of: XmlElement | undefined, name: string): readonly XmlElement[] =>
  of?.children.filter(c => c.name === name) ?? [];

/** Down through first children. */
export const at = (of: XmlElement | undefined, ...path: readonly string[]): XmlElement | undefined =>
  path.reduce<XmlElement | undefined>(child, of);

/** Text at the end of a path; undefined where there is none, or only blanks. */
export const textAt = (of: XmlElement | undefined, ...path: readonly string[]): string | undefined =>
  at(of, ...path)?.text || undefined;

/** A number there; undefined for anything that is none. */
export function numberAt(of: XmlElement | undefined, ...path: readonly string[]): number | undefined {
  return numberOf(textAt(of, ...path));
}

/** Decimal digits with sign, fraction and exponent, as xs:float has them. */
export function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?$/i.test(text) ? Number(text) : undefined;
}

/** xs:boolean, in any case of letters; undefined for anything else. */
export function booleanOf(text: string | undefined): boolean | undefined {
  const t = text?.trim().toLowerCase();
  return t === 'true' || t === '1' ? true : t === 'false' || t === '0' ? false : undefined;
}

/** Text for element content and attribute values; what XML cannot carry is left out. */
export const escapeXml = (text: string): string =>
  text
    // What XML 1.0 2.2 excludes.
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '')
    .replace(/[&<>"']/g, c => `&#${c.charCodeAt(0)};`);

/** The element as it came, with its namespaces spelled out at each element. */
export function writeXml(e: XmlElement): string {
  const attributes = [...e.attributes].map(([name, value]) => ` ${name}="${escapeXml(value)}"`).join('');
  const inner = escapeXml(e.text) + e.children.map(writeXml).join('');
  return `<${e.name} xmlns="${escapeXml(e.uri)}"${attributes}>${inner}</${e.name}>`;
}
