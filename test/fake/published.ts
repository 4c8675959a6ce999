/** Published objects made by hand, a house of them, and requests that come from nowhere. */

import { describe } from '#api/describe';
import type { ByteStream } from '#core/bytes';
import type { State } from '#core/define';
import { Fault } from '#core/errors';
import type { Call, InterfaceDecl } from '#core/interface';
import type { House, Published } from '#core/published';
import type { HttpAnswer, HttpRequest } from '#core/world';

type Implementations = Readonly<Record<string, Readonly<Record<string, (args: any, call: Call) => unknown>>>>;

export interface FakePublished extends Published {
  /** Calls that reached the object. */
  readonly calls: { function: string; args: unknown; call: Call }[];
  state: State;
  error: string | undefined;
}

/** What `published` lists is implemented; `get_p` and `set_p` are functions of those names. */
export function fakePublished(
  name: string,
  interfaces: readonly InterfaceDecl[],
  implementations: Implementations,
  more: { type?: string; meta?: Record<string, unknown> } = {},
): FakePublished {
  const calls: FakePublished['calls'] = [];
  return {
    name,
    type: more.type ?? 'toy',
    meta: more.meta,
    interfaces,
    calls,
    state: 'running',
    error: undefined,
    health() {
      const { state, error } = this;
      return { name, type: this.type, state, since: '2026-01-01T00:00:00.000Z', ...(error ? { error } : {}) };
    },
    async call(interfaceName, functionName, args, call) {
      calls.push({ function: `${interfaceName}.${functionName}`, args, call });
      const run = implementations[interfaceName]?.[functionName];
      if (!run) throw new Fault('absent', 'not-found', `${name} has no function ${interfaceName}.${functionName}`);
      return run(args, call);
    },
  };
}

export function fakeHouse(objects: readonly Published[], parts: Partial<House> = {}): House {
  return {
    version: '1.2.3',
    uptimeSeconds: () => 12.7,
    stopping: () => false,
    objects: () => objects,
    environment: fakePublished('env', [], {}),
    describe: () =>
      describe({
        version: '1.2.3',
        types: [],
        everyInterface: [...new Set(objects.flatMap(o => o.interfaces))],
        houseInterfaces: parts.environment?.interfaces ?? [],
        objects,
      }),
    schema: () => ({ type: 'object' }),
    plan: async () => ({ plan: { hash: 'abc', steps: [] } }),
    onEvent: () => ({ close: () => undefined }),
    ...parts,
  };
}

export function fakeRequest(
  method: string,
  target: string,
  parts: { headers?: Record<string, string>; body?: string | Uint8Array; address?: string; stream?: ByteStream } = {},
): HttpRequest {
  return {
    method,
    target,
    headers: { host: 'localhost:8880', ...parts.headers },
    address: parts.address ?? '127.0.0.1',
    secure: false,
    stream: () => parts.stream ?? { next: async () => undefined, close: () => undefined },
    body: async limitBytes => {
      const bytes = typeof parts.body === 'string' ? new TextEncoder().encode(parts.body) : parts.body;
      if ((bytes?.length ?? 0) > limitBytes)
        throw new Fault('argument', 'too-large', `body: expected at most ${limitBytes} bytes, got more`);
      return bytes ?? new Uint8Array(0);
    },
  };
}

/** The whole body of an answer. */
export async function bodyOf(answer: HttpAnswer): Promise<Uint8Array> {
  const { body } = answer;
  if (body === undefined) return new Uint8Array(0);
  if (typeof body === 'string') return new TextEncoder().encode(body);
  if (body instanceof Uint8Array) return body;
  const pieces: Uint8Array[] = [];
  for (let piece = await body.next(); piece; piece = await body.next()) pieces.push(piece);
  body.close();
  return Buffer.concat(pieces);
}

export const jsonOf = async (answer: HttpAnswer): Promise<any> =>
  JSON.parse(Buffer.from(await bodyOf(answer)).toString());
