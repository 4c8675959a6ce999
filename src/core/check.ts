/**
 * Documents to a checked configuration, or to every problem they have (docs/spec/config.md
 * 2 to 5). Pure: texts come in, nothing is read. A configuration comes out only if no
 * problem is an error; every problem of every document is told at once.
 */
import { accessFindings, guardCapability } from '#core/access';
import type { Needs } from '#core/capability';
import { checkNames, LinkReader, type Named } from '#core/check-links';
import { called, checkedObject, type Draft, draftOf, type Types, typesByName } from '#core/check-object';
import type { Binding, Checked, Configuration, Document, Pair } from '#core/configuration';
import type { ObjectType } from '#core/define';
import { Findings, quoted, ReadDocument } from '#core/findings';
import { bind, pairLimit, pairsOf } from '#core/graph';
import { filesIn } from '#core/interpolate';
import { parseJson } from '#core/json-text';
import { deepFreeze, isObject, own } from '#core/json-value';
import { nearest } from '#core/names';
import { isComment } from '#core/shape';

export interface CheckOptions {
  readonly documents: readonly Document[];
  /** The types of this build. */
  readonly types: readonly ObjectType[];
  /** Warnings become errors. */
  readonly strict?: boolean;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Merged variables files. */
  readonly variables?: Readonly<Record<string, unknown>>;
  /** Text of the files that `neededFiles` named, by that name; what is missing could not be read. */
  readonly files?: ReadonlyMap<string, string>;
  /** Whose secrets `{"$secret":"keep"}` means; without it that is no value. */
  readonly running?: Configuration;
}

/** Paths of `$(file.PATH)` in the documents, as written there: what `files` must hold. */
export const neededFiles = (documents: readonly Document[]): readonly string[] => [
  ...new Set(documents.flatMap(({ text }) => [...filesIn(parseJson(text).value)])),
];

/** A frozen configuration with defaults, or none and the reasons. Warnings and hints come with a configuration too. */
export function checkConfiguration(options: CheckOptions): Checked {
  const findings = new Findings(options.strict ?? false);
  const sources = { env: options.env ?? {}, variables: options.variables ?? {}, files: options.files ?? new Map() };
  const documents = options.documents.map(document => new ReadDocument(document, sources, findings));
  const types = typesByName(options.types);

  const drafts = documents.flatMap(document => draftsIn(document, types, findings));
  const named = checkNames(drafts, findings);
  const running = new Map(options.running?.objects.map(object => [object.name, object]));
  const objects = drafts.flatMap(draft => checkedObject(draft, running, findings) ?? []);
  const reader = new LinkReader(named, documents.every(isDocument), findings);
  const pairs = pairsOf(documents.flatMap(document => reader.read(document)));
  const [last] = documents.slice(-1);
  if (!pairs && last)
    findings.add(last, ['links'], {
      severity: 'error',
      code: 'too-many-links',
      reason: `links connect more than ${pairLimit} pairs of objects`,
    });
  checkAccess(named, pairs ?? [], findings);
  const bindings = bound(named, pairs ?? [], findings);

  const problems = findings.list(options.documents);
  if (problems.some(problem => problem.severity === 'error')) return { problems };
  return { problems, configuration: deepFreeze({ objects, pairs: pairs ?? [], bindings }) };
}

const isDocument = (document: ReadDocument): boolean => isObject(document.value);

/** The objects of a document, and what is wrong with its outermost members. */
function draftsIn(document: ReadDocument, types: Types, findings: Findings): Draft[] {
  if (document.value === undefined) return []; // its syntax error is told
  if (!isDocument(document)) {
    const reason = `expected an object with "objects" and "links", got ${document.shown([], document.value)}`;
    findings.add(document, [], { severity: 'error', code: 'bad-value', reason });
    return [];
  }
  const members = ['objects', 'links'];
  for (const name of Object.keys(document.value as object)) {
    if (members.includes(name) || isComment(name)) continue;
    const hint = nearest(name, members);
    const reason = `property ${quoted(name)} of the document is unknown and ignored`;
    findings.add(
      document,
      [name],
      { severity: 'warning', code: 'unknown-property', reason, ...(hint === undefined ? {} : { hint }) },
      document.namePosition([name]),
    );
  }
  const objects = own(document.value, 'objects') ?? [];
  if (Array.isArray(objects))
    return objects.flatMap((_, index) => draftOf(document, ['objects', index], types, findings) ?? []);
  const reason = `property objects: expected an array of objects, got ${document.shown(['objects'], objects)}`;
  findings.add(document, ['objects'], { severity: 'error', code: 'bad-value', reason });
  return [];
}

function checkAccess(named: Named, pairs: readonly Pair[], findings: Findings): void {
  const guards = new Map<string, string[]>();
  for (const [a, b] of pairs)
    for (const [name, partner] of [
      [a, b],
      [b, a],
    ] as const)
      if (named.get(partner)?.entry?.access === 'guard') {
        const list = guards.get(name) ?? [];
        list.push(partner);
        guards.set(name, list);
      }
  for (const [name, { entry, type, value, document, path }] of named) {
    if (!entry) continue;
    // What this build does not have at all is told as such.
    const asksGuard =
      !type || Object.values(type.consumes as Needs).some(need => need.capability.id === guardCapability);
    const object = { name, entry, value, asksGuard };
    for (const { path: at, ...finding } of accessFindings(object, (guards.get(name) ?? []).sort()))
      if (!document.isUnsolved([...path, ...at])) findings.add(document, [...path, ...at], finding);
  }
}

/** A `one` need without a provider is no error: an object may wait for a link that comes with the next reload. */
function bound(named: Named, pairs: readonly Pair[], findings: Findings): readonly Binding[] {
  const nodes = [...named].flatMap(([name, { type }]) => (type ? [{ name, type }] : []));
  const { bindings, unmet } = bind(nodes, pairs);
  for (const { consumer, capability } of unmet) {
    const draft = named.get(consumer);
    if (!draft) continue;
    const reason = `${called(draft)} needs ${capability.id} and is linked with no object that provides it`;
    findings.add(draft.document, draft.path, { severity: 'warning', code: 'link-missing', reason });
  }
  return bindings;
}
