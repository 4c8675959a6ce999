/**
 * What does not belong to one object: discovery, health, plan (docs/spec/api.md 3, 17).
 * `GET /v1/svc` is asked often and by everybody at start: its answer is made once and kept
 * until the objects are others.
 */

import type { Document } from '#core/configuration';
import { Fault } from '#core/errors';
import type { Health, House, PlannedDocuments } from '#core/published';
import type { HttpAnswer } from '#core/world';
import type { Described } from '../describe.ts';
import type { MethodTable } from '../method-table.ts';
import { openApi } from '../openapi.ts';
import { parseJson } from './input.ts';

const json = 'application/json';
/** Shorter answers gain nothing from compression (docs/spec/api.md 2.1). */
const compressBytes = 1024;

/** Never cached; compressed on request above a kibibyte. */
export function jsonAnswer(value: unknown, status = 200): HttpAnswer {
  const body = JSON.stringify(value);
  return {
    status,
    headers: { 'content-type': json, 'cache-control': 'no-store' },
    body,
    compress: body.length > compressBytes,
  };
}

/** Pairs of listed interface and object, and what the table looked like when they were made. */
export class Directory {
  readonly #table: MethodTable;
  #answer: HttpAnswer | undefined;
  #version = -1;

  constructor(table: MethodTable) {
    this.#table = table;
  }

  answer(): HttpAnswer {
    if (this.#answer && this.#version === this.#table.version) return this.#answer;
    const pairs = this.#table.objects.flatMap(o =>
      o.interfaces.filter(i => i.listed !== false).map(i => [i.name, o.name] as const),
    );
    const { body, ...rest } = jsonAnswer(pairs);
    this.#version = this.#table.version;
    // As bytes: a text would be encoded anew for each client.
    this.#answer = { ...rest, body: new TextEncoder().encode(String(body)) };
    return this.#answer;
  }
}

export const metaOf = (table: MethodTable): Record<string, unknown> =>
  Object.fromEntries(table.objects.flatMap(o => (o.meta === undefined ? [] : [[o.name, o.meta]])));

export type Status = 'ok' | 'degraded' | 'failed';

/** `failed`: none works, or the daemon is stopping. What is switched off by command counts for neither side. */
export function statusOf(healths: readonly Pick<Health, 'state'>[], stopping: boolean): Status {
  const meant = healths.filter(h => h.state !== 'stopped');
  const broken = meant.filter(h => h.state === 'failed').length;
  if (stopping || (broken > 0 && broken === meant.length)) return 'failed';
  return meant.some(h => h.state !== 'running' && h.state !== 'idle') ? 'degraded' : 'ok';
}

/** `whole`: with the objects; else the status alone, for load balancers. 503 when nothing works. */
export function health(house: House, whole: boolean): HttpAnswer {
  const objects = house.objects().map(o => o.health());
  const status = statusOf(objects, house.stopping());
  const answer = whole
    ? { status, version: house.version, uptime: Math.floor(house.uptimeSeconds()), objects }
    : { status };
  return jsonAnswer(answer, status === 'failed' ? 503 : 200);
}

export const openApiAnswer = (house: House): HttpAnswer =>
  jsonAnswer(openApi(house.describe() as unknown as Described));

/**
 * Whose plan is asked for: an empty body means the files on disk, a document is taken after
 * them (api.md 17); with `?replace=1` the body `{"documents":[{"name","text"}]}` stands for all of them.
 */
export function plannedDocuments(body: string, query: URLSearchParams): PlannedDocuments {
  if (query.get('replace') !== '1')
    return { documents: body.trim() === '' ? [] : [{ name: 'managed.json', text: body }], replace: false };
  const { documents } = (parseJson(body) ?? {}) as { documents?: unknown };
  if (!Array.isArray(documents) || !documents.every(isDocument))
    throw new Fault('argument', 'bad-argument', 'body: expected {"documents":[{"name":TEXT,"text":TEXT}, ...]}');
  return { documents, replace: true };
}

const isDocument = (value: unknown): value is Document =>
  typeof value === 'object' &&
  value !== null &&
  ['name', 'text'].every(k => typeof (value as Record<string, unknown>)[k] === 'string');

/** What a reload would do. Fault `bad-config` with the problems where it would be refused. */
export async function plan(house: House, planned: PlannedDocuments): Promise<HttpAnswer> {
  const outcome = await house.plan(planned);
  if ('plan' in outcome) return jsonAnswer(outcome.plan);
  const { problems } = outcome;
  const errors = problems.filter(p => p.severity === 'error');
  throw new Fault(
    'config',
    'bad-config',
    `the configuration has ${errors.length === 1 ? 'an error' : `${errors.length} errors`}; nothing changes`,
    {
      problems,
    },
  );
}
