/**
 * Schemas walked beside a value: which branch of a union is meant, what schema a member
 * has. Knows the JSON Schema that TypeBox writes for objects, arrays, tuples, records,
 * unions and intersections; references (`$ref`) do not occur in declarations.
 */
import { deepEqual, isObject, own } from '#core/json-value';
import type { TSchema } from '#core/schema';

const schemasIn = (schema: TSchema, keyword: string): readonly TSchema[] => {
  const list = own(schema, keyword);
  return Array.isArray(list) ? (list as TSchema[]) : [];
};

/** The alternatives of a union; none where the schema is no union. */
export const alternativesOf = (schema: TSchema): readonly TSchema[] => [
  ...schemasIn(schema, 'anyOf'),
  ...schemasIn(schema, 'oneOf'),
];

/**
 * Which alternative a value means, however wrong the rest of it is: the kind of value is
 * right, members that must be constants (`type` of an account) are, and as few members as
 * can be are unknown or missing. -1 if none fits.
 */
export function alternativeFor(alternatives: readonly TSchema[], value: unknown): number {
  const misfits = alternatives.map(a => (fits(a, value) ? misfitsOf(a, value) : Number.POSITIVE_INFINITY));
  const least = Math.min(...misfits);
  return Number.isFinite(least) ? misfits.indexOf(least) : -1;
}

/** The schema itself, or of a union the alternative that a value means; undefined if none fits. */
export function branchOf(schema: TSchema, value: unknown): TSchema | undefined {
  const alternatives = alternativesOf(schema);
  if (alternatives.length === 0) return schema;
  const chosen = alternatives[alternativeFor(alternatives, value)];
  return chosen && branchOf(chosen, value);
}

function fits(schema: TSchema, value: unknown): boolean {
  const alternatives = alternativesOf(schema);
  if (alternatives.length > 0) return alternatives.some(a => fits(a, value));
  return takesKind(schema, value) && constantsFit(schema, value);
}

function misfitsOf(schema: TSchema, value: unknown): number {
  const branch = branchOf(schema, value);
  if (!branch || !isObject(value)) return 0;
  const unknown = Object.keys(value).filter(name => memberSchema(branch, name) === undefined).length;
  const required = partsOf(branch).flatMap(part => (own(part, 'required') as string[] | undefined) ?? []);
  return unknown + required.filter(name => !Object.hasOwn(value, name)).length;
}

/** An intersection as one list of schemas that all hold. */
export const partsOf = (schema: TSchema): readonly TSchema[] => [
  schema,
  ...schemasIn(schema, 'allOf').flatMap(partsOf),
];

/** The schema of a property or item; undefined if the schema knows none. Free data has the free schema at every depth. */
export function memberSchema(schema: TSchema | undefined, step: string | number): TSchema | undefined {
  if (schema === undefined) return undefined;
  if (isFree(schema)) return schema;
  for (const part of partsOf(schema)) {
    const found = typeof step === 'number' ? itemSchema(part, step) : propertySchema(part, step);
    if (found !== undefined) return found;
  }
  return undefined;
}

function propertySchema(schema: TSchema, name: string): TSchema | undefined {
  const named = own(own(schema, 'properties'), name);
  if (isObject(named)) return named as TSchema;
  const patterns = own(schema, 'patternProperties');
  if (isObject(patterns))
    for (const pattern of Object.keys(patterns))
      if (new RegExp(pattern, 'u').test(name)) return own(patterns, pattern) as TSchema;
  const rest = own(schema, 'additionalProperties');
  if (rest === true) return free;
  return isObject(rest) ? (rest as TSchema) : undefined;
}

function itemSchema(schema: TSchema, index: number): TSchema | undefined {
  const items = own(schema, 'items');
  if (Array.isArray(items)) return items[index] as TSchema | undefined;
  return isObject(items) ? (items as TSchema) : undefined;
}

const free = {} as TSchema;
const constraining = ['type', 'anyOf', 'oneOf', 'allOf', 'properties', 'items', 'enum', 'const', 'patternProperties'];

/** Nothing is said about its values: data for somebody else, kept as they are. */
export const isFree = (schema: TSchema): boolean => constraining.every(keyword => own(schema, keyword) === undefined);

/** Names that the schema declares. */
export function knownNames(schema: TSchema): string[] {
  return partsOf(schema).flatMap(part => Object.keys((own(part, 'properties') as object | undefined) ?? {}));
}

const kindOf = (value: unknown): string => (value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value);

/** Whether values of this kind (text, number, array ...) can be right at all. */
export function takesKind(schema: TSchema, value: unknown): boolean {
  const kind = kindOf(value);
  const alternatives = alternativesOf(schema);
  if (alternatives.length > 0) return alternatives.some(a => takesKind(a, value));
  const types = [own(schema, 'type') ?? []].flat();
  if (types.length > 0) return types.includes(kind) || (kind === 'number' && types.includes('integer'));
  const constants = Object.hasOwn(schema, 'const') ? [own(schema, 'const')] : schemasIn(schema, 'enum');
  if (constants.length > 0) return constants.some(constant => kindOf(constant) === kind);
  return partsOf(schema)
    .slice(1)
    .every(part => takesKind(part, value));
}

/** The constants a schema allows, if it allows nothing else. */
export function constantsOf(schema: TSchema): readonly unknown[] | undefined {
  if (Object.hasOwn(schema, 'const')) return [own(schema, 'const')];
  const list = own(schema, 'enum');
  if (Array.isArray(list)) return list;
  const alternatives = alternativesOf(schema).map(constantsOf);
  return alternatives.length > 0 && alternatives.every(a => a !== undefined) ? alternatives.flat() : undefined;
}

function constantsFit(schema: TSchema, value: unknown): boolean {
  const constants = constantsOf(schema);
  if (constants) return constants.some(constant => deepEqual(constant, value));
  if (!isObject(value)) return true;
  return knownNames(schema).every(name => {
    const member = Object.hasOwn(value, name) ? memberSchema(schema, name) : undefined;
    const wanted = member && constantsOf(member);
    return !wanted || wanted.some(constant => deepEqual(constant, value[name]));
  });
}
