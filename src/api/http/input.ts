/**
 * Arguments of a call from path, query and body (docs/spec/api.md 1.3, 2.1). Texts of path and
 * query are read as the schema wants them; JSON is taken as it is. Query parameters that a
 * function does not know are ignored: players and proxies add their own.
 */
import { type Arguments, coerced, isInterval, namedArguments } from '#core/arguments';
import type { ByteStream } from '#core/bytes';
import { Fault } from '#core/errors';
import type { TSchema } from '#core/schema';
import type { HttpRequest } from '#core/world';
import type { Method } from '../method-table.ts';

/** The whole body. Faults: `too-large`, and `bad-json` for what is no UTF-8. */
export async function readText(request: HttpRequest, limitBytes: number): Promise<string> {
  const bytes = await request.body(limitBytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (e) {
    throw new Fault('argument', 'bad-json', 'body: expected UTF-8, got other bytes', {}, e);
  }
}

/** The body of a function that takes it as it comes; clients may leave its type out, or not know it. */
export function streamOf(request: HttpRequest, method: Method): ByteStream | undefined {
  const body = method.decl.http?.body;
  if (typeof body !== 'object' || !('stream' in body)) return undefined;
  const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (type !== '' && type !== body.stream && type !== 'application/octet-stream')
    throw new Fault('argument', 'unsupported-type', `body: expected ${body.stream}, got ${type.slice(0, 60)}`);
  return request.stream();
}

/** Undefined for an empty body. */
export function parseJson(text: string): unknown {
  if (text.trim() === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (e) {
    // V8 quotes the body in its message; only where it broke is ours to tell.
    const at = e instanceof Error ? /position (\d+)/.exec(e.message)?.[1] : undefined;
    throw new Fault(
      'argument',
      'bad-json',
      `body: expected JSON, got something else${at === undefined ? '' : ` at character ${at}`}`,
    );
  }
}

/** Values of the parameters that `names` leaves; an interval is spelled `?begin=&end=`. */
export function fromQuery(method: Method, query: URLSearchParams, taken: ReadonlySet<string>): Record<string, unknown> {
  const args: Record<string, unknown> = {};
  if (query.size === 0) return args;
  for (const [name, schema] of Object.entries(method.decl.params.properties as Record<string, TSchema>)) {
    if (taken.has(name)) continue;
    if (isInterval(schema)) {
      const bound = (which: string): string | null =>
        (query.get(which) ?? '').replace(/^(\S+T\S+) (\d\d:?\d\d)$/, '$1+$2') || null;
      if (query.has('begin') || query.has('end')) args[name] = [bound('begin'), bound('end')];
    } else {
      const values = query.getAll(name);
      if (values.length > 0) args[name] = coerced(schema, values.join(','));
    }
  }
  return args;
}

/**
 * Named arguments from path, query and body, not yet checked. Body and query say the same
 * thing in the ways that api.md 1.3 and 2.3 allow.
 */
export async function argumentsOf(
  request: HttpRequest,
  query: URLSearchParams,
  resolved: {
    readonly method: Method;
    readonly generic: boolean;
    readonly parameters: Readonly<Record<string, string>>;
  },
  limitBytes: number,
): Promise<Arguments> {
  const { method, generic, parameters } = resolved;
  if (generic) return namedArguments(method.name, method.decl, parseJson(await readText(request, limitBytes)));
  const schemas = method.decl.params.properties as Record<string, TSchema>;
  const fromPath: Record<string, unknown> = {};
  for (const [name, text] of Object.entries(parameters)) {
    const schema = schemas[name];
    if (schema) fromPath[name] = coerced(schema, text);
  }
  const taken = new Set(Object.keys(fromPath));
  if (request.method === 'GET' || request.method === 'HEAD' || request.method === 'DELETE')
    return { ...fromQuery(method, query, taken), ...fromPath };
  const body = method.decl.http?.body ?? 'args';
  if (typeof body === 'object' && 'stream' in body) return { ...fromQuery(method, query, taken), ...fromPath };
  const text = await readText(request, limitBytes);
  if (body === 'args') {
    const named = parseJson(text);
    if (Array.isArray(named))
      throw new Fault('argument', 'bad-argument', `${method.name}: expected an object of arguments, got an array`);
    return { ...namedArguments(method.name, method.decl, named), ...fromPath };
  }
  const name = 'json' in body ? body.json : body.text;
  taken.add(name);
  const whole = 'json' in body ? parseJson(text) : text;
  return { ...fromQuery(method, query, taken), ...(whole === undefined ? {} : { [name]: whole }), ...fromPath };
}
