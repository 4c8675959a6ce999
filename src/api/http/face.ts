/**
 * The HTTP face of the method table (docs/spec/api.md 1 to 3): takes a request, gives an
 * answer, never throws. No sockets here; src/host/http.ts brings requests and sends answers.
 * Not here: the event WebSocket at `/`, which is refused, and login (docs/spec/api.md 10.4, 11).
 */
import type { MediaAnswer } from '#core/bytes';
import { Fault, faultFrom } from '#core/errors';
import type { Call, Caller } from '#core/interface';
import type { House, Published } from '#core/published';
import type { HttpAnswer, HttpRequest, World } from '#core/world';
import { type Access, demand } from '../access.ts';
import { isMediaAnswer, jsonResult, type Method, type MethodTable } from '../method-table.ts';
import { notAllowed } from '../routes.ts';
import { deliver } from './deliver.ts';
import { failure } from './failure.ts';
import { corsHeaders, type GuardOptions, guardHost, guardOrigin, peerOf, preflight } from './guard.ts';
import { argumentsOf, readText, streamOf } from './input.ts';
import { MediaCache } from './media-cache.ts';
import { Directory, health, jsonAnswer, metaOf, openApiAnswer, plan, plannedDocuments } from './service.ts';
import { parseTarget, type Target } from './target.ts';

export interface FaceSettings extends GuardOptions {
  /** Nothing below `/v1` otherwise: that makes existing clients look for a router. */
  readonly api: boolean;
  /** `/v1/config/plan`: there, refused to everybody, or not there (docs/spec/api.md 17). */
  readonly plan: 'granted' | 'refused' | 'absent';
  readonly jsonLimitBytes: number;
  readonly configLimitBytes: number;
  /** Handed to functions as `call.server`. */
  readonly server: Readonly<Record<string, unknown>>;
}

export interface FaceParts {
  readonly world: Pick<World, 'log'>;
  readonly table: MethodTable;
  readonly access: Access;
  house(): House;
  /** As it is now: asked for each request. */
  settings(): FaceSettings;
  /** What is outside `/v1`; undefined when there is nothing. */
  files?(request: HttpRequest, target: Target): Promise<HttpAnswer | undefined>;
}

/** Segments kept for further viewers: some seconds of a few dozen sources. */
const mediaCacheBytes = 32 * 1024 * 1024;

export class HttpFace {
  readonly #parts: FaceParts;
  readonly #directory: Directory;
  readonly #media = new MediaCache(mediaCacheBytes);
  #ids = new WeakMap<object, number>();
  #lastId = 0;

  constructor(parts: FaceParts) {
    this.#parts = parts;
    this.#directory = new Directory(parts.table);
  }

  /** Settings that answers depend on have changed. */
  forget(): void {
    this.#media.clear();
  }

  async handle(request: HttpRequest): Promise<HttpAnswer> {
    const settings = this.#parts.settings();
    let answer: HttpAnswer;
    try {
      answer = await this.#answer(request, settings);
    } catch (thrown) {
      answer = this.#failed(request, faultFrom(thrown));
    }
    if (settings.cors.length === 0) return answer;
    return { ...answer, headers: { ...answer.headers, ...corsHeaders(request, settings.cors) } };
  }

  async #answer(request: HttpRequest, settings: FaceSettings): Promise<HttpAnswer> {
    const peer = peerOf(request, settings.trustProxy);
    guardHost(peer, settings);
    guardOrigin(request, peer, settings);
    if (request.method === 'OPTIONS') return { status: 204, headers: preflight(request, settings.cors) };
    const target = parseTarget(request.target);
    const caller: Caller = { login: null, address: peer.address };
    if (target.segments[0] === 'v1') {
      if (!settings.api) throw nothing(target);
      return this.#v1(request, target, settings, caller);
    }
    if (target.path === '/' && /\bwebsocket\b/i.test(request.headers['upgrade'] ?? ''))
      throw new Fault('unsupported', 'not-implemented', 'events over a WebSocket are not offered by this server');
    const file = await this.#parts.files?.(request, target);
    if (!file) throw nothing(target);
    return file;
  }

  async #v1(request: HttpRequest, target: Target, settings: FaceSettings, caller: Caller): Promise<HttpAnswer> {
    const [, first, name] = target.segments;
    const { table, access } = this.#parts;
    if (first === 'svc' && name !== undefined && !(name === 'meta' && target.segments.length === 3))
      return this.#call(request, target, settings, caller, table.object(name), target.segments.slice(3));
    if (first === 'env')
      return this.#call(request, target, settings, caller, this.#parts.house().environment, target.segments.slice(2));
    const verb = request.method === 'HEAD' ? 'GET' : request.method;
    const only = (wanted: string): void => {
      if (verb !== wanted) throw notAllowed(request.method, wanted === 'GET' ? ['GET', 'HEAD'] : [wanted]);
    };
    const discovery = (): void => {
      only('GET');
      demand(access, caller, 'read', null, 'MetaConfigStorage');
    };
    switch (target.segments.slice(1).join('/')) {
      case 'svc':
        discovery();
        return this.#directory.answer();
      case 'svc/meta':
        discovery();
        return jsonAnswer(metaOf(table));
      case 'describe':
        discovery();
        return jsonAnswer(this.#parts.house().describe());
      case 'schema':
        discovery();
        return jsonAnswer(this.#parts.house().schema());
      case 'openapi.json':
        discovery();
        return openApiAnswer(this.#parts.house());
      case 'health':
        only('GET');
        return health(this.#parts.house(), access.may(caller, 'read', null, 'MetaConfigStorage'));
      case 'config/plan': {
        if (settings.plan === 'absent') break;
        only('POST');
        if (settings.plan === 'refused')
          throw new Fault(
            'forbidden',
            'forbidden',
            'expected the control socket or a server bound to loopback only, or a login with administer on ClusterControl',
          );
        demand(access, caller, 'administer', null, 'ClusterControl');
        const text = await readText(request, settings.configLimitBytes);
        return plan(this.#parts.house(), plannedDocuments(text, target.query));
      }
    }
    throw nothing(target);
  }

  /** `path`: below the object, or below the house's functions. */
  async #call(
    request: HttpRequest,
    target: Target,
    settings: FaceSettings,
    caller: Caller,
    object: Published,
    path: readonly string[],
  ): Promise<HttpAnswer> {
    const { table, access } = this.#parts;
    const resolved = table.resolve(object, request.method, path);
    const { method } = resolved;
    const concerned = method.interface.of === 'house' ? null : object;
    demand(access, caller, method.decl.right, concerned, method.interface.name);
    const args = await argumentsOf(request, target.query, resolved, settings.jsonLimitBytes);
    const body = streamOf(request, method);
    const call: Call = { caller, server: settings.server, ...(body ? { body } : {}) };
    const reads = request.method === 'GET' || request.method === 'HEAD';
    if (method.decl.transport === 'stream') {
      const ask = async (): Promise<MediaAnswer> => mediaAnswer(method, await table.call(method, args, call));
      if (reads) return deliver(request, await this.#media.get(this.#key(method, args), ask));
      try {
        return deliver(request, await ask());
      } finally {
        body?.close();
      }
    }
    const value = await table.call(method, args, call);
    if (method.binary !== undefined) return deliver(request, mediaAnswer(method, value));
    return jsonAnswer(jsonResult(method.decl, value));
  }

  /** Objects are told apart by identity: a new one of the same name answers differently. */
  #key(method: Method, args: Readonly<Record<string, unknown>>): string {
    let id = this.#ids.get(method.object);
    if (id === undefined) this.#ids.set(method.object, (id = ++this.#lastId));
    const ordered = Object.keys(method.decl.params.properties).map(name => args[name] ?? null);
    return `${id}/${method.interface.name}.${method.name}${JSON.stringify(ordered)}`;
  }

  #failed(request: HttpRequest, fault: Fault): HttpAnswer {
    const { kind, code, message } = fault;
    // Without the query: it may hold a token.
    const path = request.target.split('?', 1)[0]?.slice(0, 200);
    const facts = { method: request.method, path, address: request.address, kind, code, error: message };
    const { log } = this.#parts.world;
    if (kind === 'bug') log.error('call-failed', { ...facts, stack: stackOf(fault) });
    // Clients ask again and again; what is wrong with an object, the object has said.
    else log.debug('call-failed', facts);
    return failure(fault);
  }
}

const stackOf = (fault: Fault): string | undefined => (fault.cause instanceof Error ? fault.cause.stack : fault.stack);

const nothing = (target: Target): Fault =>
  new Fault('absent', 'not-found', `there is nothing at ${JSON.stringify(target.path.slice(0, 200))}`);

/** The answer of a stream, or the bytes of a binary result, as one. */
function mediaAnswer(method: Method, value: unknown): MediaAnswer {
  if (isMediaAnswer(value)) return value;
  if (value instanceof Uint8Array)
    return {
      contentType: method.binary ?? 'application/octet-stream',
      headers: { 'cache-control': 'no-store' },
      body: value,
    };
  if ((value === null || value === undefined) && method.binary !== undefined)
    throw new Fault('absent', 'no-data', `${method.object.name}: ${method.name} has nothing to give`);
  throw new Fault(
    'bug',
    'internal',
    `${method.object.name}: ${method.name} was to give media and gave ${typeof value}`,
  );
}
