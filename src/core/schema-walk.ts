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

/** The alternatives of a schema: those of a union, or the schema itself. Nested unions are flattened. */
export function branchesOf(schema: TSchema): readonly TSchema[] {
  const branches = [...schemasIn(schema, 'anyOf'), ...schemasIn(schema, 'oneOf')];
  return branches.length > 0 ? branches.flatMap(branchesOf) : [schema];
}

/**
 * The branch of a union that a value means, however wrong the rest of it is: the kind of
 * value is right and members that must be constants (`type` of an account) are. The schema
 * itself where it is no union; undefined where no branch fits.
 */
export function branchOf(schema: TSchema, value: unknown): TSchema | undefined {
  const branches = branchesOf(schema);
  if (branches.length === 1) return branches[0];
  return (
    branches.find(branch => takesKind(branch, value) && constantsFit(branch, value)) ??
    branches.find(branch => takesKind(branch, value))
  );
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

/** Names that the schema declares, of every branch that the value may mean. */
export function knownNames(schema: TSchema): string[] {
  return partsOf(schema).flatMap(part => Object.keys((own(part, 'properties') as object | undefined) ?? {}));
}

const kindOf = (value: unknown): string => (value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value);

/** Whether values of this kind (text, number, array ...) can be right at all. */
export function takesKind(schema: TSchema, value: unknown): boolean {
  const kind = kindOf(value);
  const types = [own(schema, 'type') ?? []].flat();
  if (types.length > 0) return types.includes(kind) || (kind === 'number' && types.includes('integer'));
  const constants = Object.hasOwn(schema, 'const') ? [own(schema, 'const')] : schemasIn(schema, 'enum');
  if (constants.length > 0) return constants.some(constant => kindOf(constant) === kind);
  const parts = partsOf(schema).slice(1);
  return branchesOf(schema).length > 1
    ? branchesOf(schema).some(branch => takesKind(branch, value))
    : parts.every(part => takesKind(part, value));
}

function constantsFit(schema: TSchema, value: unknown): boolean {
  if (Object.hasOwn(schema, 'const')) return deepEqual(own(schema, 'const'), value);
  if (!isObject(value)) return true;
  return knownNames(schema).every(name => {
    const member = memberSchema(schema, name);
    if (member === undefined || !Object.hasOwn(value, name)) return true;
    return !isConstant(member) || branchesOf(member).some(branch => deepEqual(own(branch, 'const'), value[name]));
  });
}

const isConstant = (schema: TSchema): boolean => branchesOf(schema).every(branch => Object.hasOwn(branch, 'const'));
