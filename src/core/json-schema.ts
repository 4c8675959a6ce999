/**
 * The JSON Schema (draft 2020-12) of a configuration document, for editors and for
 * `GET /v1/schema`. It is as lenient as the check: comments are allowed everywhere, and a
 * value of any type may come from a variable (docs/spec/config.md 2.3, 3.1). Unknown
 * properties are flagged, though the check only warns of them: that is what editors are for.
 */
import type { ObjectType } from '#core/define';
import { isObject, own, setOwn } from '#core/json-value';
import { nameLimit } from '#core/names';
import { keywordsOf, type TSchema } from '#core/schema';
import { isFree } from '#core/schema-walk';

type JsonSchema = Readonly<Record<string, unknown>>;

const comments = { '^(rem|comment)( |$)': true };
const name = { type: 'string', pattern: `^[A-Za-z0-9_-]{1,${nameLimit}}$` };

/** Of a whole document with objects of these types; the same schema for the same declarations. */
export function documentSchema(types: readonly ObjectType[]): JsonSchema {
  const sorted = [...types].sort((a, b) => (a.type < b.type ? -1 : 1));
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Ocellus configuration document',
    type: 'object',
    properties: {
      objects: { type: 'array', description: 'What there is.', items: objectSchema(sorted) },
      links: {
        type: 'array',
        description: 'What belongs together: members of different items of a link are connected.',
        items: {
          type: 'array',
          items: { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] },
        },
      },
    },
    patternProperties: comments,
    additionalProperties: false,
  };
}

const namesOf = (type: ObjectType): readonly string[] => [type.type, ...(type.aliases ?? [])];

function objectSchema(types: readonly ObjectType[]): JsonSchema {
  return {
    type: 'object',
    required: ['type', 'name'],
    properties: {
      type: { enum: types.flatMap(namesOf), description: 'What it is.' },
      name: { ...orVariable(name), description: 'Unique among the objects.' },
      meta: { type: 'object', description: 'Free data for clients, handed out verbatim.' },
    },
    allOf: types.map(type => ({
      if: { required: ['type'], properties: { type: { enum: namesOf(type) } } },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema; nobody awaits a schema.
      then: typeSchema(type),
    })),
  };
}

function typeSchema(type: ObjectType): JsonSchema {
  const { properties, ...rest } = translated(type.config as TSchema) as { properties: object };
  return { ...rest, description: type.summary, properties: { type: true, name: true, meta: true, ...properties } };
}

/** Keywords whose value is a schema, a list of schemas, and a table of schemas by name. */
const single = ['additionalProperties', 'not', 'contains', 'propertyNames'];
const lists = ['anyOf', 'oneOf', 'allOf'];
const tables = ['properties', 'patternProperties'];

/** How TypeBox writes a record of texts. */
const everyName = '^.*$';

/** Own keywords become standard ones or words of the description; tuples are written as 2020-12 wants them. */
function translated(schema: TSchema): JsonSchema {
  const { live, secret, unit } = keywordsOf(schema);
  const result: Record<string, unknown> = {};
  for (const keyword of Object.keys(schema)) {
    const value: unknown = own(schema, keyword);
    if (['live', 'secret', 'unit', 'interval', 'binary', 'additionalItems', 'format'].includes(keyword)) continue;
    if (keyword === 'items') Object.assign(result, items(value));
    else if (single.includes(keyword) && isObject(value)) result[keyword] = orVariable(translated(value as TSchema));
    else if (lists.includes(keyword)) result[keyword] = (value as TSchema[]).map(translated);
    else if (tables.includes(keyword)) result[keyword] = table(value as Readonly<Record<string, TSchema>>);
    else if (keyword === 'required') result[keyword] = withoutDefaults(schema, value as readonly string[]);
    else result[keyword] = value;
  }
  const description = [
    own(schema, 'description'),
    unit && `In ${unit}.`,
    live && 'Changed in place: a reload does not recreate the object.',
  ].filter(part => part !== undefined && part !== false);
  if (description.length > 0) result['description'] = description.join(' ');
  if (secret) result['writeOnly'] = true;
  // The pattern of a record would hold for its comments too; what is additional does not.
  const { [everyName]: every, ...patterns } = (result['patternProperties'] ?? {}) as Record<string, unknown>;
  if (every !== undefined) Object.assign(result, { patternProperties: patterns, additionalProperties: every });
  const listsMembers = own(schema, 'properties') !== undefined && own(schema, 'additionalProperties') === undefined;
  if (listsMembers) result['additionalProperties'] = false;
  if (own(schema, 'type') === 'object')
    result['patternProperties'] = { ...(result['patternProperties'] as object | undefined), ...comments };
  return result;
}

/** What has a default may be left out. */
const withoutDefaults = (schema: TSchema, required: readonly string[]): readonly string[] =>
  required.filter(property => own(own(own(schema, 'properties'), property), 'default') === undefined);

function items(value: unknown): JsonSchema {
  if (!Array.isArray(value)) return { items: orVariable(translated(value as TSchema)) };
  return { prefixItems: value.map((item: TSchema) => orVariable(translated(item))), items: false };
}

function table(schemas: Readonly<Record<string, TSchema>>): JsonSchema {
  const result = {};
  for (const key of Object.keys(schemas)) setOwn(result, key, orVariable(translated(schemas[key] as TSchema)));
  return result;
}

const variable = { type: 'string', pattern: '\\$\\((env|var|file|env@json|var@json)\\.' };

/** The description stays outside, where editors look for it. */
function orVariable(schema: JsonSchema): JsonSchema {
  const anyText = schema['type'] === 'string' && !['pattern', 'enum', 'const'].some(k => Object.hasOwn(schema, k));
  if (anyText || isFree(schema as TSchema)) return schema;
  const { description, default: fallback, writeOnly, ...rest } = schema;
  const outside = { description, default: fallback, writeOnly };
  return {
    ...Object.fromEntries(Object.entries(outside).filter(([, value]) => value !== undefined)),
    anyOf: [rest, variable],
  };
}
