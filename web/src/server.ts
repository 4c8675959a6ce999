/**
 * What the server says, asked again and again while the page is seen. Everything is a signal;
 * components read them and are drawn anew.
 */
import { computed, signal } from '@preact/signals';
import * as api from './api.ts';
import { type Source, sourcesOf, titleOf } from './sources.ts';
import { failureText } from './words.ts';

export const services = signal<api.Services>([]);
export const meta = signal<Readonly<Record<string, api.Meta>>>({});
export const health = signal<api.Health | undefined>(undefined);
export const details = signal<ReadonlyMap<string, api.SourceDetails | 'failed'>>(new Map());
export const storages = signal<ReadonlyMap<string, api.StorageSummary>>(new Map());
/** The server's clock, once a second. */
export const nowMs = signal(api.serverNowMs());

/** Whether the server answers; `text` says what is wrong. */
export type Connection =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'up' }
  | { readonly kind: 'down'; readonly text: string; readonly forbidden: boolean; readonly sinceMs: number };
export const connection = signal<Connection>({ kind: 'connecting' });

/** The last moment at which the server answered, by its own clock. */
let upMs = nowMs.value;

export const sources = computed<readonly Source[]>(() =>
  sourcesOf({
    services: services.value,
    meta: meta.value,
    health: health.value,
    details: details.value,
    storages: storages.value,
    // Without the server nothing grows old: what was true at last is all that is known.
    nowMs: connection.value.kind === 'down' ? upMs : nowMs.value,
  }),
);
export const titleOfObject = (name: string): string => titleOf({ meta: meta.value }, name);
export const sourceNamed = (name: string): Source | undefined => sources.value.find(s => s.name === name);

const pollMs = 10_000;
/** Every source once in so long (api.md 4.1), but never more calls than one per `leastDetailMs`. */
const detailMs = 10_000;
const leastDetailMs = 100;
/** While the server is down. */
const retryMs = 3000;

const wait = (ms: number): Promise<void> => new Promise(done => setTimeout(done, ms));

const seen = (): Promise<void> =>
  document.hidden
    ? new Promise(done => document.addEventListener('visibilitychange', () => done(), { once: true }))
    : Promise.resolve();

/** Whether this call is answered is whether the server is there: health is answered also to those who may see nothing else. */
async function watchList(): Promise<never> {
  for (;;) {
    await seen();
    try {
      [services.value, meta.value] = await Promise.all([api.services(), api.meta()]);
      upMs = api.serverNowMs();
      if (connection.value.kind !== 'up') connection.value = { kind: 'up' };
    } catch (e) {
      if (!(e instanceof api.ApiError)) throw e;
      const { value: before } = connection;
      const sinceMs = before.kind === 'down' ? before.sinceMs : Date.now();
      connection.value = { kind: 'down', text: failureText(e), forbidden: e.status === 403, sinceMs };
    }
    await wait(connection.value.kind === 'up' ? pollMs : retryMs);
  }
}

async function watchHealth(): Promise<never> {
  for (;;) {
    await seen();
    try {
      health.value = await api.health();
    } catch (e) {
      if (!(e instanceof api.ApiError)) throw e;
      // Unknown; that the server is gone is told by the list.
      health.value = undefined;
    }
    await wait(pollMs);
  }
}

async function watchStorages(): Promise<never> {
  for (;;) {
    await seen();
    const names = services.value.filter(([i]) => i === 'VideoStorage').map(([, name]) => name);
    const answers = await Promise.allSettled(names.map(api.storage));
    storages.value = new Map(
      names.flatMap((name, i): [string, api.StorageSummary][] => {
        const answer = answers[i];
        // One that does not answer keeps what was known of it: its recordings are not gone.
        const summary = answer?.status === 'fulfilled' ? answer.value : storages.value.get(name);
        return summary ? [[name, summary]] : [];
      }),
    );
    await wait(names.length === 0 ? 500 : pollMs);
  }
}

async function askDetails(name: string): Promise<void> {
  let answer: api.SourceDetails | 'failed';
  try {
    answer = await api.source(name);
  } catch (e) {
    if (!(e instanceof api.ApiError)) throw e;
    // No answer says nothing about the source.
    if (e.status === 0) return;
    answer = 'failed';
  }
  details.value = new Map(details.value).set(name, answer);
}

/** One source after the other, evenly: hundreds of cameras must not ask all at once. */
async function watchDetails(): Promise<never> {
  for (;;) {
    const names = services.value.filter(([i]) => i === 'VideoSource').map(([, name]) => name);
    const first = names.some(name => !details.value.has(name));
    for (const name of names) {
      await seen();
      if (connection.value.kind === 'up') await askDetails(name);
      await wait(first ? leastDetailMs / 4 : Math.max(leastDetailMs, detailMs / names.length));
    }
    if (names.length === 0) await wait(500);
  }
}

export function watchServer(): void {
  setInterval(() => {
    nowMs.value = api.serverNowMs();
  }, 1000);
  void watchList();
  void watchHealth();
  void watchStorages();
  void watchDetails();
}
