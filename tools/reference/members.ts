/**
 * The members of a schema as a flat list, nested ones after the one they belong to: what the
 * reference has a row for, and what the tests want a description of. `live` and `secret` hold
 * for everything below the schema that says so, as in a plan (src/core/plan.ts).
 */
import { keywordsOf, type TSchema } from '#core/schema';
import { alternativesOf, partsOf } from '#core/schema-walk';

export interface Member {
  /** `limits.max_size_gb`; `[]` is any item of an array, `NAME` any member of a table. */
  readonly path: string;
  /** The last name of the path. */
  readonly name: string;
  readonly schema: TSchema;
  /** Must be given: it is not optional and has no default. */
  readonly required: boolean;
  readonly live: boolean;
  readonly secret: boolean;
}

type Above = Pick<Member, 'live' | 'secret'>;

export function membersOf(schema: TSchema, path = '', above: Above = { live: false, secret: false }): Member[] {
  const below = flagsOf(schema, above);
  const found: Member[] = [];
  for (const part of partsOf(schema)) {
    const { properties, patternProperties, additionalProperties, items, required } = part as JsonSchema;
    for (const [name, member] of Object.entries(properties ?? {})) {
      const at = path === '' ? name : `${path}.${name}`;
      const isRequired = (required ?? []).includes(name) && keywordsOf(member).default === undefined;
      found.push({ path: at, name, schema: member, required: isRequired, ...flagsOf(member, below) });
      found.push(...membersOf(member, at, below));
    }
    for (const any of [...Object.values(patternProperties ?? {}), additionalProperties])
      if (typeof any === 'object') found.push(...membersOf(any, `${path}.NAME`, below));
    if (items !== undefined && !Array.isArray(items)) found.push(...membersOf(items as TSchema, `${path}[]`, below));
  }
  for (const alternative of alternativesOf(schema)) found.push(...membersOf(alternative, path, below));
  return found;
}

interface JsonSchema {
  readonly properties?: Readonly<Record<string, TSchema>>;
  readonly patternProperties?: Readonly<Record<string, TSchema>>;
  readonly additionalProperties?: TSchema | boolean;
  readonly items?: TSchema | readonly TSchema[];
  readonly required?: readonly string[];
}

const flagsOf = (schema: TSchema, above: Above): Above => ({
  live: above.live || keywordsOf(schema).live === true,
  // A secret that may also be null is one.
  secret: above.secret || [schema, ...alternativesOf(schema)].some(s => keywordsOf(s).secret === true),
});

/** Ends of names that say the unit. */
const units: Readonly<Record<string, string>> = {
  seconds: 's',
  hours: 'h',
  days: 'd',
  ms: 'ms',
  bytes: 'bytes',
  mb: 'MB',
  gb: 'GB',
  percents: '%',
};

/** The unit of a number: by keyword, else by its name; undefined where neither says it. */
export const unitOf = (name: string, schema: TSchema): string | undefined =>
  keywordsOf(schema).unit ?? units[/(?:^|_)([a-z]+)$/.exec(name)?.[1] ?? ''];

/** The value is a number, or may be one. */
export function isNumeric(schema: TSchema): boolean {
  const { type } = schema as { type?: unknown };
  return [type].flat().some(t => t === 'number' || t === 'integer') || alternativesOf(schema).some(isNumeric);
}
