/**
 * A published interface: properties, functions and signals, declared once. Every face
 * (HTTP, WAMP, remote objects, scripts, OpenAPI, command line) is generated from the
 * declaration; no face has a function of its own (docs/spec/api.md 1.1).
 */
import type { ByteStream, MediaAnswer } from '#core/bytes';
import type { Static, TObject, TSchema } from '#core/schema';

export type Right = 'read' | 'operate' | 'administer';

export interface HttpBinding {
  readonly verb: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'ANY';
  /**
   * Below `/v1/svc/NAME`, of an interface of the house below `/v1/env`; `''` is the object itself. `{p}` is one segment and fills
   * parameter p; a final `{p*}` is the rest of the path, slashes included. What is not in the
   * path comes from the query (GET, DELETE) or the body.
   */
  readonly path: string;
  /**
   * `args` (default): a JSON object of named parameters; else the whole body is the one parameter named.
   * With `stream` it may be endless, is of that content type, and is handed over as it comes, as `call.body`;
   * parameters come from the query then, and the call lasts as long as it has to.
   */
  readonly body?: 'args' | { readonly json: string } | { readonly text: string } | { readonly stream: string };
}

/** One function. The order of `params`' properties is the positional order. */
export interface FunctionDecl<P extends TObject = TObject, R extends TSchema = TSchema> {
  readonly doc: string;
  readonly right: Right;
  readonly params: P;
  readonly result: R;
  readonly http?: HttpBinding;
  /** Answers a `MediaAnswer`; HTTP only, listed by describe, exempt from parity (api.md 1.1 rule 3). */
  readonly transport?: 'stream';
  /** A GET over HTTP may wait this long by design (first HLS request of an idle source); default 10 s. */
  readonly timeoutMs?: number;
  /**
   * Answered, with a member `error`, when the object does not work and the call therefore fails: clients
   * fetch these at start, and one failure would blank their whole page (api.md 3 rule 1).
   */
  readonly whenFailed?: Readonly<Record<string, unknown>>;
}

export interface PropertyDecl {
  readonly doc: string;
  readonly schema: TSchema;
  readonly writable?: boolean;
  /** Never changes during the life of the object. */
  readonly constant?: boolean;
}

export interface SignalDecl {
  readonly doc: string;
  readonly data: TSchema;
  /** Delivered only to callers with administer on the origin (api.md 10.3). */
  readonly right?: Right;
}

export interface InterfaceDecl {
  readonly name: string;
  readonly doc: string;
  /** Whose functions these are: of objects (default), or of the house, which has each but once (api.md 7.4). */
  readonly of?: 'object' | 'house';
  /** In `/v1/svc`; EventProducer and BaseObject are not (api.md 3). Default true. */
  readonly listed?: boolean;
  /** Lower snake case of the name and, where clients use another spelling too, that one. */
  readonly snake: readonly string[];
  readonly properties: Readonly<Record<string, PropertyDecl>>;
  readonly functions: Readonly<Record<string, FunctionDecl>>;
  readonly signals: Readonly<Record<string, SignalDecl>>;
}

/** Who calls. `anonymous` and rights come from the access rules of the server that took the call. */
export interface Caller {
  /** Login, key or token subject; null when anonymous. */
  readonly login: string | null;
  readonly address: string;
}

/** What a function gets besides its parameters: plain data, so that it can cross threads, and a body that is pulled across. */
export interface Call {
  readonly caller: Caller;
  /** Options of the server that took the call which the callee needs, e.g. `hls` of a webserver (config.md 13.1). */
  readonly server?: Readonly<Record<string, unknown>>;
  /** Of a function whose binding says `stream`. Closed by the face when the call ends. */
  readonly body?: ByteStream;
}

type FunctionOf<F> = F extends { readonly transport: 'stream'; readonly params: infer P extends TObject }
  ? (params: Static<P>, call: Call) => MediaAnswer | Promise<MediaAnswer>
  : F extends { readonly params: infer P extends TObject; readonly result: infer R extends TSchema }
    ? (params: Static<P>, call: Call) => Static<R> | Promise<Static<R>>
    : never;

/** What an object must bring to implement an interface. */
export type Implementation<I extends InterfaceDecl> = {
  readonly [K in keyof I['functions']]: FunctionOf<I['functions'][K]>;
} & {
  readonly [K in keyof I['properties']]: I['properties'][K] extends { readonly schema: infer S extends TSchema }
    ? () => Static<S>
    : never;
};

export const snakeCase = (name: string): string =>
  name.replace(/([a-z0-9])([A-Z])|([A-Z]+)([A-Z][a-z])/g, '$1$3_$2$4').toLowerCase();

/** Fills in what may be left out. Names of functions and their types are kept, so that implementations are checked. */
export function defineInterface<
  const Name extends string,
  const F extends Readonly<Record<string, FunctionDecl>>,
  const S extends Readonly<Record<string, SignalDecl>> = Record<never, never>,
  const P extends Readonly<Record<string, PropertyDecl>> = Record<never, never>,
>(
  name: Name,
  spec: {
    doc: string;
    of?: 'object' | 'house';
    functions: F;
    signals?: S;
    properties?: P;
    listed?: boolean;
    snake?: readonly string[];
  },
) {
  return Object.freeze({
    name,
    doc: spec.doc,
    of: spec.of ?? 'object',
    listed: spec.listed ?? spec.of !== 'house',
    snake: [snakeCase(name), ...(spec.snake ?? [])],
    properties: spec.properties ?? ({} as P),
    functions: spec.functions,
    signals: spec.signals ?? ({} as S),
  });
}
