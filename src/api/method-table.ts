/**
 * The one table that every face reads: all functions of the published objects, with the
 * generated ones (`get_p`, `set_p` of properties, `_base64` forms of binary results), how
 * they are reached over HTTP, and how they are called (docs/spec/api.md 1). The list of
 * objects is exchanged as a whole when links change; calls under way go on.
 */

import { type Arguments, checkArguments } from '#core/arguments';
import type { MediaAnswer } from '#core/bytes';
import { isByteSource } from '#core/bytes';
import { Fault, faultFrom } from '#core/errors';
import type { Call, FunctionDecl, InterfaceDecl } from '#core/interface';
import type { Published } from '#core/published';
import { isNothing, keywordsOf, Nothing, Type } from '#core/schema';
import type { Clock } from '#core/world';
import { base64 } from './base64.ts';
import { notAllowed, Routes } from './routes.ts';

export interface Method {
  readonly object: Published;
  readonly interface: InterfaceDecl;
  /** As it is called: of a generated form with its suffix or prefix. */
  readonly name: string;
  readonly decl: FunctionDecl;
  /** Content type of a binary result that is handed out as such. */
  readonly binary: string | undefined;
  /** The function whose binary result this one gives as base64. */
  readonly base64Of?: string;
}

interface Entry {
  readonly object: Published;
  /** By both spellings of the interface, then by function. */
  readonly methods: ReadonlyMap<string, ReadonlyMap<string, Method>>;
  readonly routes: Routes<Method>;
}

/** A call that names no time of its own is given up after this (api.md 2: nothing waits for ever). */
const defaultTimeoutMs = 10_000;

/** Kinds in which the call, not the object, is at fault. */
const callersFault: ReadonlySet<string> = new Set(['argument', 'unauthorized', 'forbidden']);

export class MethodTable {
  readonly #clock: Clock;
  #objects: readonly Published[] = [];
  #byName = new Map<string, Published>();
  #entries = new WeakMap<Published, Entry>();
  #version = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** In order of name. */
  get objects(): readonly Published[] {
    return this.#objects;
  }

  /** Another number whenever the objects are others than before: what is derived from them can be kept until then. */
  get version(): number {
    return this.#version;
  }

  set(objects: Iterable<Published>): void {
    const sorted = [...objects].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
    if (sorted.length === this.#objects.length && sorted.every((o, i) => o === this.#objects[i])) return;
    this.#objects = sorted;
    this.#byName = new Map(sorted.map(o => [o.name, o]));
    this.#version++;
  }

  /** Fault `not-found` when there is none of this name. */
  object(name: string): Published {
    const found = this.#byName.get(name);
    if (!found) throw new Fault('absent', 'not-found', `there is no object "${name.slice(0, 128)}" here`);
    return found;
  }

  methodsOf(object: Published): readonly Method[] {
    const methods = this.#entry(object).methods;
    return object.interfaces.flatMap(i => [...(methods.get(i.name)?.values() ?? [])]);
  }

  /** The interface in either spelling. Undefined when it has no such function, streams included. */
  method(object: Published, interfaceName: string, functionName: string): Method | undefined {
    return this.#entry(object).methods.get(interfaceName)?.get(functionName);
  }

  /**
   * What a path below the object means: specific bindings first, then the generic form. Fault
   * `not-found` or `method-not-allowed` (with `allow`) when nothing.
   */
  resolve(
    object: Published,
    verb: string,
    segments: readonly string[],
  ): { readonly method: Method; readonly generic: boolean; readonly parameters: Readonly<Record<string, string>> } {
    const match = this.#entry(object).routes.match(verb, segments);
    if ('target' in match) return { method: match.target, generic: false, parameters: match.parameters };
    const [interfaceName = '', functionName = ''] = segments;
    const method = segments.length === 2 ? this.method(object, interfaceName, functionName) : undefined;
    const callable = method && method.decl.transport !== 'stream' ? method : undefined;
    if (callable && verb === 'POST') return { method: callable, generic: true, parameters: {} };
    const allow = [...match.allow, ...(callable && !match.allow.includes('POST') ? ['POST'] : [])];
    if (allow.length > 0) throw notAllowed(verb, allow);
    const path = segments.join('/').slice(0, 200);
    throw new Fault('absent', 'not-found', `${object.name} has nothing at ${JSON.stringify(path)}`);
  }

  /** Checks the arguments and calls. A binary result comes as bytes, or as text where the method is the base64 form. */
  async call(method: Method, args: Arguments, call: Call): Promise<unknown> {
    const { object, decl } = method;
    const checked = checkArguments(method.name, decl, args);
    const inner = method.base64Of ?? method.name;
    try {
      const answering = object.call(method.interface.name, inner, checked, call);
      // As long as the caller sends, nobody waits for us.
      const answer = call.body
        ? await answering
        : await this.#within(decl.timeoutMs ?? defaultTimeoutMs, `${object.name}: ${inner}`, answering);
      return method.base64Of === undefined ? answer : base64Of(answer);
    } catch (thrown) {
      const fault = faultFrom(thrown);
      const health = object.health();
      const works = health.state === 'running' || health.state === 'idle' || health.state === 'degraded';
      if (!decl.whenFailed || works || callersFault.has(fault.kind)) throw fault;
      return { ...decl.whenFailed, error: health.error ?? fault.message };
    }
  }

  #within(ms: number, what: string, answer: Promise<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      let late = false;
      const timer = this.#clock.after(ms, () => {
        late = true;
        reject(new Fault('timeout', 'timeout', `${what} did not answer within ${ms / 1000} s`));
      });
      answer.then(
        value => {
          timer.cancel();
          if (late) closeAnswer(value);
          else resolve(value);
        },
        (e: unknown) => {
          timer.cancel();
          reject(faultFrom(e));
        },
      );
    });
  }

  #entry(object: Published): Entry {
    let entry = this.#entries.get(object);
    if (!entry) this.#entries.set(object, (entry = entryOf(object)));
    return entry;
  }
}

function entryOf(object: Published): Entry {
  const methods = new Map<string, ReadonlyMap<string, Method>>();
  const bindings: { http: NonNullable<FunctionDecl['http']>; target: Method }[] = [];
  for (const iface of object.interfaces) {
    const own = new Map<string, Method>();
    for (const [name, decl] of functionsOf(iface)) {
      const base = decl as FunctionDecl & { base64Of?: string };
      const binary = base.base64Of === undefined ? keywordsOf(decl.result).binary : undefined;
      const method: Method = {
        object,
        interface: iface,
        name,
        decl,
        binary,
        ...(base.base64Of === undefined ? {} : { base64Of: base.base64Of }),
      };
      own.set(name, method);
      if (decl.http) bindings.push({ http: decl.http, target: method });
    }
    for (const spelling of [iface.name, ...iface.snake]) methods.set(spelling, own);
  }
  return { object, methods, routes: new Routes(bindings) };
}

/** Declared functions, then the generated ones; a declared name is never replaced. */
export function functionsOf(iface: InterfaceDecl): readonly [string, FunctionDecl & { base64Of?: string }][] {
  const all = new Map<string, FunctionDecl & { base64Of?: string }>(Object.entries(iface.functions));
  const add = (name: string, decl: FunctionDecl & { base64Of?: string }): void => {
    if (!all.has(name)) all.set(name, decl);
  };
  for (const [name, decl] of Object.entries(iface.functions as Record<string, FunctionDecl>)) {
    const contentType = decl.transport === 'stream' ? undefined : keywordsOf(decl.result).binary;
    if (contentType === undefined) continue;
    const { http: _, ...rest } = decl;
    add(`${name}_base64`, {
      ...rest,
      doc: `${decl.doc} As base64.`,
      result: Type.String({ contentEncoding: 'base64', contentMediaType: contentType }),
      base64Of: name,
    });
  }
  for (const [name, property] of Object.entries(iface.properties)) {
    add(`get_${name}`, { doc: property.doc, right: 'read', params: Type.Object({}), result: property.schema });
    if (property.writable)
      add(`set_${name}`, {
        doc: `Sets: ${property.doc}`,
        right: 'operate',
        params: Type.Object({ value: property.schema }),
        result: Nothing,
      });
  }
  return [...all];
}

/** What a face that speaks JSON sends for a result. */
export const jsonResult = (decl: FunctionDecl, value: unknown): unknown =>
  isNothing(decl.result) ? { ok: true } : (value ?? null);

export const isMediaAnswer = (value: unknown): value is MediaAnswer =>
  typeof value === 'object' && value !== null && 'contentType' in value && 'body' in value;

/** Nobody wants this answer any more. */
export function closeAnswer(value: unknown): void {
  if (isMediaAnswer(value) && isByteSource(value.body)) value.body.close();
}

function base64Of(answer: unknown): unknown {
  const body = isMediaAnswer(answer) ? answer.body : answer;
  if (body instanceof Uint8Array) return base64(body);
  closeAnswer(answer);
  if (body === null || body === undefined) return null;
  throw new Fault('bug', 'internal', 'expected bytes as a binary result, got something else');
}
