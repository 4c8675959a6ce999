/** One object of a document: which type it is of, what it is called, whether its properties are right (docs/spec/config.md 3.2, 7). */
import { unknownProperty } from '#core/access';
import { type CatalogueType, catalogueByName } from '#core/catalogue';
import type { CheckedObject } from '#core/configuration';
import type { ObjectType } from '#core/define';
import { type Finding, type Findings, kindShown, quoted, type ReadDocument } from '#core/findings';
import { deepCopy, deepFreeze, isObject, type JsonObject, own, type Path, pathOf } from '#core/json-value';
import { nearest } from '#core/names';
import type { TSchema } from '#core/schema';
import { hidesSecret, restoreSecrets } from '#core/secret';
import { shape } from '#core/shape';
import { type Mismatch, mismatches } from '#core/validate';

/** What can be said about an object before its properties are looked at; undefined where it cannot. */
export interface Draft {
  readonly document: ReadDocument;
  readonly path: Path;
  readonly value: JsonObject;
  readonly name: string | undefined;
  readonly entry: CatalogueType | undefined;
  readonly type: ObjectType | undefined;
}

/** The types of this build by name and alias. */
export type Types = ReadonlyMap<string, ObjectType>;

export const typesByName = (types: readonly ObjectType[]): Types =>
  new Map(types.flatMap(type => [type.type, ...(type.aliases ?? [])].map(name => [name, type] as const)));

/** An item of `objects` with its type and name looked at; undefined, and told, where it is no object. */
export function draftOf(document: ReadDocument, path: Path, types: Types, findings: Findings): Draft | undefined {
  const value = path.reduce<unknown>(own, document.value);
  if (!isObject(value)) {
    const reason = `expected an object with type and name, got ${document.shown(path, value)}`;
    findings.add(document, path, { severity: 'error', code: 'bad-value', reason });
    return undefined;
  }
  const typeName = textOf('type', document, path, value, findings);
  const name = textOf('name', document, path, value, findings);
  const type = typeName === undefined ? undefined : types.get(typeName);
  const entry = typeName === undefined ? undefined : catalogueByName.get(typeName);
  if (typeName !== undefined && !type) {
    const shown = document.shown([...path, 'type'], typeName);
    const meant = nearest(typeName, [...types.keys(), ...catalogueByName.keys()]);
    const finding: Finding = entry
      ? { severity: 'error', code: 'type-not-available', reason: `type ${shown} is not available in this build` }
      : {
          severity: 'error',
          code: 'unknown-type',
          reason: `type ${shown} is unknown`,
          ...(meant === undefined ? {} : { hint: meant }),
        };
    findings.add(document, [...path, 'type'], finding);
  }
  return { document, path, value, name, entry, type };
}

/** A text that every object has; undefined, and told, where it is not there. */
function textOf(
  property: 'type' | 'name',
  document: ReadDocument,
  path: Path,
  object: JsonObject,
  findings: Findings,
): string | undefined {
  const value = own(object, property);
  const at = [...path, property];
  if (document.isUnsolved(at)) return undefined;
  if (typeof value === 'string') return value;
  const finding: Finding =
    value === undefined
      ? { severity: 'error', code: 'missing-property', reason: `object without ${quoted(property)}, expected a text` }
      : {
          severity: 'error',
          code: 'bad-value',
          reason: `property ${property} of an object: expected a text, got ${document.shown(at, value)}`,
        };
  findings.add(document, value === undefined ? path : at, finding);
  return undefined;
}

/** How sentences call an object. */
export const called = ({ name, path }: Draft): string =>
  name === undefined ? `object ${Number(path.at(-1)) + 1} of this document` : quoted(name);

/** The object with its properties checked; undefined, and told, where they are wrong or the type is not there. */
export function checkedObject(
  draft: Draft,
  running: ReadonlyMap<string, CheckedObject>,
  findings: Findings,
): CheckedObject | undefined {
  const { document, path, type, name } = draft;
  const { type: _type, name: _name, meta, ...properties } = draft.value;
  let metaFits = true;
  if (Object.hasOwn(draft.value, 'meta') && !isObject(meta)) {
    metaFits = document.isUnsolved([...path, 'meta']);
    const reason = `property meta of ${called(draft)}: expected an object, got ${document.shown([...path, 'meta'], meta)}`;
    if (!metaFits) findings.add(document, [...path, 'meta'], { severity: 'error', code: 'bad-value', reason });
  }
  if (!type) return undefined;
  const allowed = withoutRemoved(properties, draft, type, findings);
  const present = running.get(name ?? '');
  const config = withPresentSecrets(shapedProperties(allowed, draft, type, findings), present, draft, type, findings);
  const wrong = mismatches(config, type.config);
  for (const mismatch of wrong) tell(mismatch, config, draft, type, findings);
  if (wrong.length > 0) return undefined;
  deepFreeze(config);
  for (const { pointer, ...finding } of type.check?.(config) ?? [])
    findings.add(document, [...path, ...pathOf(pointer)], finding);
  if (name === undefined || !metaFits) return undefined;
  return {
    name,
    type: type.type,
    config,
    meta: isObject(meta) ? (deepFreeze(deepCopy(meta)) as JsonObject) : undefined,
    place: document.place(path),
  };
}

function withoutRemoved(properties: JsonObject, draft: Draft, type: ObjectType, findings: Findings): JsonObject {
  const removed = Object.keys(properties).filter(name => own(type.removed, name) !== undefined);
  for (const name of removed) {
    const at = [...draft.path, name];
    const reason = `property ${quoted(name)} of ${called(draft)} exists no more`;
    const hint = String(own(type.removed, name));
    findings.add(
      draft.document,
      at,
      { severity: 'error', code: 'removed-property', reason, hint },
      draft.document.namePosition(at),
    );
  }
  return Object.fromEntries(Object.entries(properties).filter(([name]) => !removed.includes(name)));
}

const movedWords = {
  moved: 'they are moved to "auth"',
  dropped: 'they are ignored, because "auth" is given',
  kept: 'they are masked wherever it is shown',
};

function shapedProperties(properties: JsonObject, draft: Draft, type: ObjectType, findings: Findings): JsonObject {
  const { document, path } = draft;
  return shape(properties, type.config, {
    unknown: (at, known) => {
      const where = [...path, ...at];
      const names = at.length === 1 ? [...known, 'type', 'name', 'meta'] : known;
      findings.add(
        document,
        where,
        unknownProperty(called(draft), draft.entry, at, names),
        document.namePosition(where),
      );
    },
    credentials: (at, what) => {
      const reason = `credentials inside the ${at.join('.')} of ${called(draft)}: ${movedWords[what]}`;
      findings.add(document, [...path, ...at], { severity: 'warning', code: 'url-credentials', reason });
    },
    numberText: at => document.numberText([...path, ...at]),
  }) as JsonObject;
}

/** Documents that were returned with `{"$secret":"keep"}` come back so (config.md 3.2 rule 6). */
function withPresentSecrets(
  config: JsonObject,
  present: CheckedObject | undefined,
  draft: Draft,
  type: ObjectType,
  findings: Findings,
): JsonObject {
  if (!present) return config;
  const { value, lost } = restoreSecrets(type.config, config, present.type === type.type ? present.config : undefined);
  for (const at of lost) {
    const reason = `secret of ${called(draft)} cannot be kept: type, address or login are not those it was given for`;
    findings.add(draft.document, [...draft.path, ...at], { severity: 'error', code: 'secret-not-kept', reason });
  }
  return value as JsonObject;
}

function tell(mismatch: Mismatch, config: JsonObject, draft: Draft, type: ObjectType, findings: Findings): void {
  const { document } = draft;
  const at = [...draft.path, ...mismatch.path];
  if (at.some((_, index) => document.isUnsolved(at.slice(0, index + 1)))) return;
  const property = mismatch.path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    return text === '' ? step : `${text}.${step}`;
  }, '');
  const subject = `property ${property.slice(0, 120)} of ${called(draft)}`;
  if (mismatch.code === 'missing-property') {
    const reason = `${subject} is missing: expected ${mismatch.expected}`;
    findings.add(document, at.slice(0, -1), { severity: 'error', code: mismatch.code, reason });
    return;
  }
  const value = mismatch.path.reduce<unknown>(own, config);
  if (findings.has(document, at, 'secret-not-kept')) return;
  const hidden = hidesSecret(type.config as TSchema, config, mismatch.path);
  const got = hidden ? kindShown(value) : document.shown(at, value);
  const reason = `${subject}: expected ${mismatch.expected}, got ${got}`;
  const hint = typeof value === 'string' ? document.typedForm(at) : undefined;
  const finding: Finding = { severity: 'error', code: mismatch.code, reason };
  findings.add(document, at, hint === undefined ? finding : { ...finding, hint });
}
