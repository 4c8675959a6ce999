/**
 * Links have no direction; bindings have one, and it follows from who provides what
 * (docs/spec/config.md 5). Linking whole groups with whole groups is normal, so a pair
 * that means nothing to its two types is skipped without a word.
 */
import type { Capability, Needs, Provides } from '#core/capability';
import type { Binding, Pair } from '#core/configuration';

/** Items of names; an item that was written as a bare name is a set of one. */
export type Link = readonly (readonly string[])[];

export interface Node {
  readonly name: string;
  readonly type: { readonly provides: Provides; readonly consumes: Needs };
}

/** A `one` need that no linked object meets. */
export interface Unmet {
  readonly consumer: string;
  readonly need: string;
  readonly capability: Capability<unknown>;
}

/**
 * More pairs than any site has: a thousand sources linked with a thousand partners. Past it
 * `pairsOf` stops, because two sets in one small document ask for the product of their sizes.
 */
export const pairLimit = 1_000_000;

const byCodeUnits = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Every pair of members of different items, once, sorted; a name with itself is no pair. Undefined past `pairLimit`. */
export function pairsOf(links: readonly Link[]): Pair[] | undefined {
  const partners = new Map<string, Set<string>>();
  let count = 0;
  const add = (a: string, b: string): void => {
    if (a === b) return;
    const [first, second] = a < b ? [a, b] : [b, a];
    const set = partners.get(first) ?? new Set();
    count += set.has(second) ? 0 : 1;
    partners.set(first, set.add(second));
  };
  for (const link of links) {
    const items = link.map(item => [...new Set(item)]);
    for (const [index, here] of items.entries())
      for (const there of items.slice(index + 1))
        for (const a of here) {
          for (const b of there) add(a, b);
          if (count > pairLimit) return undefined;
        }
  }
  return [...partners.keys()]
    .sort(byCodeUnits)
    .flatMap(a => [...(partners.get(a) ?? [])].sort(byCodeUnits).map((b): Pair => [a, b]));
}

/**
 * What each pair means. A need for `one` or `optional` that several could meet takes the
 * first by name; capabilities of the house are not bound by links and do not appear.
 */
export function bind(nodes: readonly Node[], pairs: readonly Pair[]): { bindings: Binding[]; unmet: Unmet[] } {
  const byName = new Map(nodes.map(node => [node.name, node]));
  const partners = new Map<string, Node[]>();
  for (const [a, b] of pairs) {
    const [x, y] = [byName.get(a), byName.get(b)];
    if (!x || !y) continue;
    listIn(partners, a).push(y);
    listIn(partners, b).push(x);
  }
  const bindings: Binding[] = [];
  const unmet: Unmet[] = [];
  for (const node of nodes) {
    const linked = (partners.get(node.name) ?? []).sort((a, b) => byCodeUnits(a.name, b.name));
    for (const [need, { capability, count }] of Object.entries(node.type.consumes)) {
      if (capability.automatic === 'house') continue;
      const offers = linked.flatMap(provider =>
        slotsOf(provider, capability).map(slot => ({ consumer: node.name, need, provider: provider.name, slot })),
      );
      bindings.push(...(count === 'many' ? offers : offers.slice(0, 1)));
      if (count === 'one' && offers.length === 0) unmet.push({ consumer: node.name, need, capability });
    }
  }
  return { bindings, unmet };
}

function listIn<T>(map: Map<string, T[]>, key: string): T[] {
  const list = map.get(key) ?? [];
  map.set(key, list);
  return list;
}

function slotsOf(provider: Node, capability: Capability<unknown>): string[] {
  if (capability.automatic === 'object') return [''];
  return Object.entries(provider.type.provides)
    .filter(([, offered]) => offered.id === capability.id)
    .map(([slot]) => slot);
}
