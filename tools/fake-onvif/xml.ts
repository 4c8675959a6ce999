/**
 * XML as a device sees it: requests into a small tree, answers as text. Its own reader, so that
 * the fake is a judge of clients and not a mirror of ours.
 */
import { SaxesParser } from 'saxes';

export interface Element {
  readonly namespace: string;
  /** Without prefix. */
  readonly name: string;
  /** By local name. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly Element[];
  /** All text in it, one after the other. */
  readonly text: string;
  /** Prefixes as they are declared here: topic expressions are written with them. */
  readonly prefixes: Readonly<Record<string, string>>;
}

const depthLimit = 50;

/** The root. Throws an Error that says where the text is not XML with namespaces. */
export function parseXml(text: string): Element {
  type Open = { -readonly [K in keyof Element]: Element[K] } & { children: Element[] };
  const parser = new SaxesParser({ xmlns: true });
  const stack: Open[] = [];
  let root: Open | undefined;
  parser.on('error', e => {
    throw e;
  });
  parser.on('opentag', tag => {
    if (stack.length >= depthLimit) throw new Error(`elements are nested deeper than ${depthLimit}`);
    const parent = stack.at(-1);
    const element: Open = {
      namespace: tag.uri,
      name: tag.local,
      attributes: Object.fromEntries(Object.values(tag.attributes).map(a => [a.local, a.value])),
      children: [],
      text: '',
      prefixes: { ...parent?.prefixes, ...tag.ns },
    };
    parent?.children.push(element);
    root ??= element;
    stack.push(element);
  });
  const add = (t: string): void => {
    const top = stack.at(-1);
    if (top) top.text += t;
  };
  parser.on('text', add);
  parser.on('cdata', add);
  parser.on('closetag', () => void stack.pop());
  parser.write(text).close();
  if (!root) throw new Error('there is no element');
  return root;
}

export const child = (e: Element | undefined, name: string): Element | undefined =>
  e?.children.find(c => c.name === name);

export const children = (e: Element | undefined, name: string): readonly Element[] =>
  e?.children.filter(c => c.name === name) ?? [];

/** Trimmed text of the element at this path of local names; undefined when there is none. */
export const textAt = (e: Element | undefined, ...path: readonly string[]): string | undefined =>
  path.reduce((at: Element | undefined, name) => child(at, name), e)?.text.trim();

export const escapeXml = (text: string): string =>
  text.replace(/[&<>"]/g, c => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c] ?? c);

/** Attributes of an element to be written; undefined ones are left out. */
export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** An element whose content is XML already. */
export const node = (tag: string, attributes: Attributes, ...content: readonly string[]): string => {
  const written = Object.entries(attributes)
    .filter(([, v]) => v !== undefined)
    .map(([k, v]) => ` ${k}="${escapeXml(String(v))}"`)
    .join('');
  const inner = content.join('');
  return inner === '' ? `<${tag}${written}/>` : `<${tag}${written}>${inner}</${tag}>`;
};

/** An element with text. */
export const leaf = (tag: string, text: string | number | boolean, attributes: Attributes = {}): string =>
  node(tag, attributes, escapeXml(String(text)));
