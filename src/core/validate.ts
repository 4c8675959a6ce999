/**
 * Values against schemas, by ajv, and what is wrong in sentences: one per place, *expected
 * ..., got ...*. It never converts and never fills in: core/shape.ts has done both. Of a
 * union only the alternative that was meant is complained about.
 */
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { expectation } from '#core/arguments';
import { isObject, own, type Path, pathOf } from '#core/json-value';
import type { TSchema } from '#core/schema';
import { alternativeFor, alternativesOf, constantsOf, knownNames, memberSchema } from '#core/schema-walk';
import { parseTime } from '#core/time';

export interface Mismatch {
  /** Indexes of arrays are numbers. */
  readonly path: Path;
  readonly code: 'bad-value' | 'missing-property';
  readonly expected: string;
}

/** `strict` of ajv also wants every array typed as a tuple and every default outside of unions, which is not our style. */
const ajv = new Ajv({
  strict: false,
  allErrors: true,
  verbose: true,
  formats: { 'time-input': text => parseTime(text) !== undefined, 'date-time': text => parseTime(text) !== undefined },
});
for (const keyword of ['live', 'secret', 'unit', 'interval', 'binary']) ajv.addKeyword(keyword);

const compiled = new WeakMap<TSchema, ValidateFunction>();

/** Of one value: past it an array of a million wrong items would cost more time than its problems are worth reading. */
const errorLimit = 2000;

/**
 * Everything that is wrong with a value, at most one mismatch for each place; empty if it is
 * right. Schemas are compiled once.
 */
export function mismatches(value: unknown, schema: TSchema): Mismatch[] {
  let validate = compiled.get(schema);
  if (!validate) compiled.set(schema, (validate = ajv.compile(schema)));
  if (validate(value)) return [];
  const found = new Map<string, Mismatch>();
  for (const error of relevant((validate.errors ?? []).slice(0, errorLimit))) {
    const mismatch = mismatchOf(error, value);
    const key = JSON.stringify(mismatch.path);
    if (!found.has(key)) found.set(key, mismatch);
  }
  return [...found.values()];
}

/** Leaves out what ajv says about alternatives of a union that were not meant, and about the union where one was. */
function relevant(errors: readonly ErrorObject[]): ErrorObject[] {
  const unions = errors
    .filter(e => e.keyword === 'anyOf' || e.keyword === 'oneOf')
    .map(e => ({ error: e, meant: meant(e) }));
  return errors.filter(error =>
    unions.every(({ error: union, meant }) => {
      if (error === union) return meant === undefined;
      if (!error.schemaPath.startsWith(`${union.schemaPath}/`)) return true;
      if (!`${error.instancePath}/`.startsWith(`${union.instancePath}/`)) return true;
      return meant !== undefined && error.schemaPath.startsWith(`${union.schemaPath}/${meant}/`);
    }),
  );
}

/** Of a scalar the whole union is told: all of its alternatives are one sentence. */
function meant(union: ErrorObject): number | undefined {
  if (typeof union.data !== 'object' || union.data === null) return undefined;
  const alternatives = own(union.parentSchema, union.keyword);
  const index = Array.isArray(alternatives) ? alternativeFor(alternatives as TSchema[], union.data) : -1;
  return index < 0 ? undefined : index;
}

function mismatchOf(error: ErrorObject, root: unknown): Mismatch {
  const path = typedPath(error.instancePath, root);
  const schema = (error.parentSchema ?? {}) as TSchema;
  if (error.keyword === 'required') {
    const name = String(error.params['missingProperty']);
    return { path: [...path, name], code: 'missing-property', expected: wanted(memberSchema(schema, name)) };
  }
  const selector = selectorOf(schema, error.data);
  if (selector) return { path: [...path, selector.name], code: 'bad-value', expected: oneOf(selector.constants) };
  return { path, code: 'bad-value', expected: wanted(schema) };
}

/** The member that tells the alternatives of a union apart, where no alternative has its value. */
function selectorOf(schema: TSchema, value: unknown): { name: string; constants: readonly unknown[] } | undefined {
  const alternatives = alternativesOf(schema).filter(a => own(a, 'type') === 'object');
  const [first] = alternatives;
  if (!first || !isObject(value)) return undefined;
  for (const name of knownNames(first)) {
    const constants = alternatives.map(a => constantsOf(memberSchema(a, name) ?? ({} as TSchema)));
    const all = constants.flatMap(c => c ?? []);
    if (constants.every(c => c !== undefined) && !all.includes(value[name])) return { name, constants: all };
  }
  return undefined;
}

const oneOf = (constants: readonly unknown[]): string =>
  constants.length === 1 ? JSON.stringify(constants[0]) : `one of ${constants.map(c => JSON.stringify(c)).join(', ')}`;

/** What a schema wants, with what a caller of a function rarely needs to know: items, and units. */
function wanted(schema: TSchema | undefined): string {
  if (!schema) return 'a value';
  const constants = constantsOf(schema);
  if (constants) return oneOf(constants);
  const alternatives = alternativesOf(schema);
  if (alternatives.length > 0) return [...new Set(alternatives.map(wanted))].join(' or ');
  const items = own(schema, 'items');
  if (Array.isArray(items)) return `an array [${items.map(wanted).join(', ')}]`;
  if (own(schema, 'type') === 'string' && own(schema, 'minLength') === 1 && own(schema, 'pattern') === undefined)
    return 'a text that is not empty';
  const unit = own(schema, 'unit');
  const each = isObject(items) ? `, each ${wanted(items as TSchema)}` : '';
  return expectation(schema) + each + (typeof unit === 'string' ? ` (${unit})` : '');
}

function typedPath(pointer: string, root: unknown): Path {
  let value = root;
  return pathOf(pointer).map(step => {
    const typed = Array.isArray(value) ? Number(step) : step;
    value = own(value, step);
    return typed;
  });
}
