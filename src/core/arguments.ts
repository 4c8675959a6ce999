/**
 * Arguments of a function against its declaration: positional or named in, named with
 * defaults out. Every face checks here, so that all of them refuse the same call with the
 * same sentence (docs/spec/api.md 1.1).
 */
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { Fault } from '#core/errors';
import type { FunctionDecl } from '#core/interface';
import { keywordsOf, type TSchema } from '#core/schema';
import { parseInterval, parseTime } from '#core/time';

export type Arguments = Readonly<Record<string, unknown>>;

const ajv = new Ajv({
  strict: false,
  useDefaults: true,
  verbose: true,
  formats: { 'time-input': text => parseTime(text) !== undefined, 'date-time': text => parseTime(text) !== undefined },
});

const compiled = new WeakMap<TSchema, ValidateFunction>();

/** Names of the parameters, in positional order. */
export const parameterNames = (decl: FunctionDecl): readonly string[] => Object.keys(decl.params.properties);

const bad = (sentence: string): Fault => new Fault('argument', 'bad-argument', sentence);

/** An array by position, an object by name, nothing as none. `functionName` is for the sentence. */
export function namedArguments(functionName: string, decl: FunctionDecl, given: unknown): Arguments {
  if (given === undefined) return {};
  const names = parameterNames(decl);
  if (Array.isArray(given)) {
    if (given.length > names.length)
      throw bad(
        `${functionName}: expected at most ${names.length} arguments (${names.join(', ')}), got ${given.length}`,
      );
    return Object.fromEntries(given.map((value, at) => [names[at], value]));
  }
  if (typeof given === 'object' && given !== null) return given as Arguments;
  throw bad(`${functionName}: expected arguments as an array or an object, got ${shown(given)}`);
}

/** A fresh object with what is declared, checked, with defaults filled in; Fault `bad-argument` otherwise. */
export function checkArguments(functionName: string, decl: FunctionDecl, given: Arguments): Arguments {
  const properties = decl.params.properties;
  const checked: Record<string, unknown> = {};
  for (const name of Object.keys(given))
    if (!Object.hasOwn(properties, name))
      throw bad(`${functionName}: has no parameter ${JSON.stringify(name)}; it has ${listed(Object.keys(properties))}`);
  for (const name of Object.keys(properties)) {
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    // ajv writes defaults into nested objects, which are the caller's.
    if (value !== undefined) checked[name] = typeof value === 'object' ? structuredClone(value) : value;
  }
  let validate = compiled.get(decl.params);
  if (!validate) compiled.set(decl.params, (validate = ajv.compile(decl.params)));
  if (!validate(checked)) throw bad(`${functionName}: ${sentence(validate.errors?.at(-1), properties)}`);
  for (const [name, schema] of Object.entries(properties))
    if (isInterval(schema)) parseInterval(checked[name] as readonly (string | null)[] | undefined);
  return checked;
}

/** An interval, or null. */
export const isInterval = (schema: TSchema): boolean =>
  keywordsOf(schema).interval === true || ((schema as Shape).anyOf ?? []).some(isInterval);

/** The last error is the outermost: of a union it says more than those of its branches. */
function sentence(error: ErrorObject | undefined, properties: Readonly<Record<string, TSchema>>): string {
  if (!error) return 'expected other arguments';
  if (error.keyword === 'required') {
    const missing = String(error.params['missingProperty']);
    const schema = error.instancePath === '' ? properties[missing] : undefined;
    return `${parameter(`${error.instancePath}/${missing}`)}: expected ${schema ? expectation(schema) : 'a value'}, got nothing`;
  }
  if (error.keyword === 'additionalProperties')
    return `${parameter(error.instancePath)}: has no member ${JSON.stringify(error.params['additionalProperty'])}`;
  const schema = (error.parentSchema ?? {}) as TSchema;
  const top = properties[error.instancePath.split('/')[1] ?? ''];
  const secret = keywordsOf(schema).secret || (top && keywordsOf(top).secret);
  return `${parameter(error.instancePath)}: expected ${expectation(schema)}, got ${secret ? 'another value' : shown(error.data)}`;
}

const parameter = (pointer: string): string => `parameter ${pointer.slice(1) || 'object'}`;

const listed = (names: readonly string[]): string => (names.length ? names.join(', ') : 'none');

function shown(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

interface Shape {
  readonly type?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly TSchema[];
  readonly format?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
}

/** What a schema wants, in words. */
export function expectation(schema: TSchema): string {
  const s = schema as Shape;
  if (keywordsOf(schema).interval) return 'an interval [begin, end], each a time or null';
  if ('const' in s) return JSON.stringify(s.const);
  if (s.enum) return `one of ${s.enum.map(e => JSON.stringify(e)).join(', ')}`;
  if (s.anyOf) return [...new Set(s.anyOf.map(expectation))].join(' or ');
  if (s.format === 'time-input' || s.format === 'date-time')
    return 'a time (ISO 8601 with Z or an offset, or milliseconds since the epoch)';
  const number = bounds([
    ['from', s.minimum],
    ['above', s.exclusiveMinimum],
    ['to', s.maximum],
    ['below', s.exclusiveMaximum],
  ]);
  switch (s.type) {
    case 'integer':
      return `an integer${number}`;
    case 'number':
      return `a number${number}`;
    case 'string':
      return `a text${bounds([
        ['of at least', s.minLength],
        ['of at most', s.maxLength],
      ])}${s.pattern === undefined ? '' : ` like ${s.pattern}`}`;
    case 'boolean':
      return 'true or false';
    case 'null':
      return 'null';
    case 'array':
      return `an array${bounds([
        ['of at least', s.minItems],
        ['of at most', s.maxItems],
      ])}`;
    case 'object':
      return 'an object';
    default:
      return 'a value';
  }
}

const bounds = (pairs: readonly [word: string, bound: number | undefined][]): string =>
  pairs.map(([word, bound]) => (bound === undefined ? '' : ` ${word} ${bound}`)).join('');

/**
 * A text of a query or a path as the schema wants it; what cannot be read stays text, so that
 * the check refuses it with what came (docs/spec/api.md 1.3: JSON bodies are not coerced).
 */
export function coerced(schema: TSchema, text: string): unknown {
  const s = schema as Shape;
  for (const branch of s.anyOf ?? []) {
    const value = coerced(branch, text);
    if (typeof value !== 'string' || accepts(branch, value)) return value;
  }
  if ('const' in s) return String(s.const) === text ? s.const : text;
  // A plus sign in a query is a space; in a time only an offset can have had one.
  if (s.format === 'time-input') return text.replace(/^(\S+T\S+) (\d\d:?\d\d)$/, '$1+$2');
  switch (s.type) {
    case 'integer':
      return /^-?\d{1,15}$/.test(text) ? Number(text) : text;
    case 'number':
      return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) && Number.isFinite(Number(text)) ? Number(text) : text;
    case 'boolean':
      return text === 'true' || text === '1' ? true : text === 'false' || text === '0' ? false : text;
    case 'null':
      return text === 'null' ? null : text;
    case 'array': {
      const items = (s as { items?: TSchema }).items;
      return text === '' ? [] : text.split(',').map(item => (items ? coerced(items, item) : item));
    }
    default:
      return text;
  }
}

function accepts(schema: TSchema, value: unknown): boolean {
  const s = schema as Shape;
  if ('const' in s) return s.const === value;
  return s.type === typeof value && (s.format !== 'time-input' || parseTime(String(value)) !== undefined);
}
