/**
 * Brings the properties of one object into the shape its schema describes, before they are
 * validated (docs/spec/config.md 3): comments and unknown properties go, defaults come,
 * numbers given as credentials become text, credentials inside a `url` move to `auth`.
 * The value given is not changed. Wrong kinds of values pass: the validator names them.
 *
 * Comments (3.1) are left out at any depth where the schema describes members. Free data
 * (`init` of a script; `meta`, which does not come here) belongs to somebody else and stays
 * verbatim: there a member called `comment` is data, and not reported either.
 */
import { deepCopy, isObject, own, type Path, setOwn } from '#core/json-value';
import type { TSchema } from '#core/schema';
import { branchOf, isFree, knownNames, memberSchema, partsOf, takesKind } from '#core/schema-walk';
import { credentialsIn } from '#core/secret';

/** A property that starts like this is never reported. */
export const isComment = (name: string): boolean => /^(rem|comment)( |$)/.test(name);

export interface ShapeNews {
  /** A property that the schema does not know; `known` are the names it does, at that place. */
  unknown(path: Path, known: readonly string[]): void;
  /** A `url` had credentials. */
  credentials(path: Path, what: 'moved' | 'dropped' | 'kept'): void;
  /** The number at a path as it is written in the text; undefined where the text has none. */
  numberText(path: Path): string | undefined;
}

/** Names under which generated configurations write numbers for texts: `["admin",12345]`. */
const credentialNames: ReadonlySet<string> = new Set(['auth', 'login', 'password', 'key', 'secret']);

export function shape(value: unknown, schema: TSchema, news: ShapeNews): unknown {
  return shaped(value, schema, [], news);
}

function shaped(value: unknown, schema: TSchema, path: Path, news: ShapeNews): unknown {
  if (isFree(schema)) return deepCopy(value);
  if (typeof value === 'number') return credentialText(value, schema, path, news) ?? value;
  const branch = branchOf(schema, value);
  if (!branch || !takesKind(branch, value)) return deepCopy(value);
  if (Array.isArray(value))
    return value.map((item, index) => {
      const member = memberSchema(branch, index);
      return member ? shaped(item, member, [...path, index], news) : deepCopy(item);
    });
  return isObject(value) ? shapedObject(value, branch, path, news) : value;
}

function shapedObject(value: Readonly<Record<string, unknown>>, schema: TSchema, path: Path, news: ShapeNews): object {
  const known = knownNames(schema);
  const result: Record<string, unknown> = {};
  for (const name of Object.keys(value)) {
    if (isComment(name) && !known.includes(name)) continue;
    const member = memberSchema(schema, name);
    if (member) setOwn(result, name, shaped(value[name], member, [...path, name], news));
    else news.unknown([...path, name], known);
  }
  for (const part of partsOf(schema))
    for (const name of knownNames({ ...part, allOf: [] } as TSchema)) {
      const member = memberSchema(part, name);
      if (!member || Object.hasOwn(result, name) || !Object.hasOwn(member, 'default')) continue;
      setOwn(result, name, shaped(own(member, 'default'), member, [...path, name], news));
    }
  moveCredentials(result, schema, path, news);
  return result;
}

function credentialText(value: number, schema: TSchema, path: Path, news: ShapeNews): string | undefined {
  const name = path.findLast(step => typeof step === 'string');
  if (name === undefined || !credentialNames.has(String(name))) return undefined;
  if (takesKind(schema, value) || !takesKind(schema, '')) return undefined;
  return news.numberText(path) ?? String(value);
}

function moveCredentials(object: Record<string, unknown>, schema: TSchema, path: Path, news: ShapeNews): void {
  const url = own(object, 'url');
  const found = typeof url === 'string' ? credentialsIn(url) : undefined;
  if (!found) return;
  const authSchema = memberSchema(schema, 'auth');
  const where = [...path, 'url'];
  if (!authSchema || isFree(authSchema) || !takesKind(authSchema, [])) {
    news.credentials(where, 'kept');
    return;
  }
  const auth = own(object, 'auth');
  const given = Array.isArray(auth) ? auth.some(item => item !== null) : auth !== undefined && auth !== null;
  object['url'] = found.url;
  if (!given) object['auth'] = [found.login, found.password];
  news.credentials(where, given ? 'dropped' : 'moved');
}
