/**
 * What a reload would do (docs/spec/config.md 6.3): the running configuration compared with
 * the wanted one. Pure: it decides and does not act, so it can be printed before it happens.
 *
 * Objects that no step names keep running untouched. A relink names the pairs whose two
 * objects are there before and after; the links of a created or removed object come and go
 * with it, so whoever carries the plan out links their partners anew.
 */
import type { Binding, CheckedObject, Configuration, Pair } from '#core/configuration';
import type { ObjectType } from '#core/define';
import { canonicalJson, deepEqual, isObject, own, pointerOf } from '#core/json-value';
import type { Plan, PlanStep } from '#core/published';
import type { TSchema } from '#core/schema';
import { branchOf, memberSchema } from '#core/schema-walk';

/** `digest` is SHA-256 in lower-case hex. */
export function plan(
  running: Configuration,
  wanted: Configuration,
  types: readonly ObjectType[],
  digest: (text: string) => string,
): Plan {
  const before = new Map(running.objects.map(o => [o.name, o]));
  const after = new Map(wanted.objects.map(o => [o.name, o]));
  const schemas = new Map(types.map(t => [t.type, t.config as TSchema]));

  const changes = wanted.objects.flatMap(now => {
    const old = before.get(now.name);
    return old ? change(old, now, schemas.get(now.type), running.bindings) : [];
  });
  const recreated = new Set(changes.flatMap(step => (step.op === 'recreate' ? [step.object] : [])));
  return {
    hash: hashOf(wanted, digest),
    steps: [
      ...running.objects.filter(o => !after.has(o.name)).map(o => ({ op: 'remove' as const, object: o.name })),
      ...changes.filter(step => step.op === 'recreate'),
      ...wanted.objects.filter(o => !before.has(o.name)).map(o => ({ op: 'create' as const, object: o.name })),
      ...changes.filter(step => step.op === 'apply'),
      ...relinks(running, wanted, name => before.has(name) && after.has(name), recreated),
    ],
  };
}

/** Of what was configured, not of how it was written: order of objects, links and files does not count. */
export function hashOf(configuration: Configuration, digest: (text: string) => string): string {
  const objects = configuration.objects
    .map(({ name, type, config, meta }) => ({ name, type, config, meta }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return digest(canonicalJson({ objects, pairs: configuration.pairs }));
}

type Change = Extract<PlanStep, { op: 'recreate' | 'apply' }>;

function change(
  old: CheckedObject,
  now: CheckedObject,
  schema: TSchema | undefined,
  bindings: readonly Binding[],
): Change[] {
  const found: Difference[] = [];
  if (old.type === now.type) differences(old.config, now.config, schema, [], false, found);
  else found.push({ pointer: '/type', live: false });
  const because = found.filter(d => !d.live).map(d => d.pointer);
  if (because.length > 0)
    return [{ op: 'recreate', object: now.name, because, interrupts: interrupts(now.name, bindings) }];
  const applied = [
    ...found.map(d => d.pointer),
    // In place for every type (config.md 6.3 rule 4).
    ...(deepEqual(old.meta, now.meta) ? [] : ['/meta']),
  ];
  return applied.length > 0 ? [{ op: 'apply', object: now.name, because: applied }] : [];
}

const interrupts = (name: string, bindings: readonly Binding[]): string[] => [
  ...new Set(
    bindings.filter(b => b.provider === name || b.consumer === name).map(b => `${b.provider} -> ${b.consumer}`),
  ),
];

interface Difference {
  readonly pointer: string;
  readonly live: boolean;
}

/**
 * The smallest places that differ. `live` on a property counts for what is below it, and a
 * property whose schema has members is looked into, so that `/limits/max_size_gb` may be
 * live though `/limits` is not.
 */
function differences(
  old: unknown,
  now: unknown,
  schema: TSchema | undefined,
  path: string[],
  liveAbove: boolean,
  found: Difference[],
): void {
  if (deepEqual(old, now)) return;
  const live = liveAbove || own(schema, 'live') === true;
  const [oldMembers, nowMembers] = [old ?? {}, now ?? {}];
  if (schema && isObject(oldMembers) && isObject(nowMembers)) {
    const branch = branchOf(schema, now === undefined ? old : now);
    const names = [...new Set([...Object.keys(oldMembers), ...Object.keys(nowMembers)])];
    const members = names.map(name => [name, memberSchema(branch, name)] as const);
    if (members.length > 0 && members.every(([, member]) => member !== undefined)) {
      for (const [name, member] of members)
        differences(own(oldMembers, name), own(nowMembers, name), member, [...path, name], live, found);
      return;
    }
  }
  found.push({ pointer: pointerOf(path), live });
}

/** Pairs without a meaning before and after are not worth a step: nothing would happen. */
function relinks(
  running: Configuration,
  wanted: Configuration,
  survives: (name: string) => boolean,
  recreated: ReadonlySet<string>,
): PlanStep[] {
  const meant = new Set([...running.bindings, ...wanted.bindings].map(b => keyOf(pairOf(b))));
  const had = new Set(running.pairs.map(keyOf));
  const has = new Set(wanted.pairs.map(keyOf));
  const changeOf = (pair: Pair): 'add' | 'remove' | 'replace' | undefined => {
    if (!has.has(keyOf(pair))) return 'remove';
    if (!had.has(keyOf(pair))) return 'add';
    return pair.some(name => recreated.has(name)) ? 'replace' : undefined;
  };
  const all = [...running.pairs.filter(pair => !has.has(keyOf(pair))), ...wanted.pairs];
  return all
    .filter(pair => pair.every(survives) && meant.has(keyOf(pair)))
    .flatMap(pair => {
      const op = changeOf(pair);
      return op ? [{ op: 'relink' as const, pair, change: op }] : [];
    });
}

const pairOf = (b: Binding): Pair => (b.consumer < b.provider ? [b.consumer, b.provider] : [b.provider, b.consumer]);
/** No name contains a space (config.md 4.1). */
const keyOf = (pair: Pair): string => pair.join(' ');
