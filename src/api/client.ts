/**
 * `ocellus call` and `ocellus plan`: the API from the command line, over the control socket or
 * a webserver (docs/spec/config.md 2.2). What comes back is what the daemon answered; nothing
 * is printed here.
 */
import type { Document } from '#core/configuration';
import { faultFrom } from '#core/errors';
import type { HttpClientAnswer, World } from '#core/world';
import { base64 } from './base64.ts';

/** Where the daemon is, and who calls. */
export type CallTarget =
  | { readonly socket: string }
  | {
      readonly url: string;
      readonly token?: string;
      /** `K:SECRET`. */
      readonly key?: string;
    };

/** What the process is to print and to return: 0 done, 1 refused or not reached, 2 wrong command line. */
export interface Outcome {
  readonly exitCode: 0 | 1 | 2;
  readonly stdout: string | Uint8Array;
  readonly stderr: string;
}

const timeoutMs = 60_000;
const limitBytes = 256 * 1024 * 1024;

const usage = (sentence: string): Outcome => ({ exitCode: 2, stdout: '', stderr: `${sentence}\n` });

/** Calls `INTERFACE.FUNCTION` of an object; `json` is an array by position or an object by name. */
export async function runCall(
  world: Pick<World, 'http'>,
  target: CallTarget,
  call: { readonly object: string; readonly method: string; readonly json?: string },
): Promise<Outcome> {
  const [interfaceName, functionName, ...more] = call.method.split('.');
  if (!interfaceName || !functionName || more.length > 0)
    return usage(`expected INTERFACE.FUNCTION, got ${JSON.stringify(call.method)}`);
  const json = call.json?.trim() ?? '';
  if (json !== '') {
    try {
      JSON.parse(json);
    } catch (e) {
      return usage(`expected arguments as JSON, got ${JSON.stringify(json.slice(0, 60))} (${(e as Error).message})`);
    }
  }
  const path = ['v1', 'svc', call.object, interfaceName, functionName].map(encodeURIComponent).join('/');
  return ask(world, target, path, json);
}

/** What a reload of the files on disk would do; with documents, of those instead. */
export const runPlan = (
  world: Pick<World, 'http'>,
  target: CallTarget,
  documents?: readonly Document[],
): Promise<Outcome> =>
  documents
    ? ask(world, target, 'v1/config/plan?replace=1', JSON.stringify({ documents }))
    : ask(world, target, 'v1/config/plan', '');

async function ask(world: Pick<World, 'http'>, target: CallTarget, path: string, body: string): Promise<Outcome> {
  let url: URL;
  try {
    url = new URL(path, 'socket' in target ? 'http://localhost/' : withSlash(target.url));
  } catch (e) {
    return usage(`--url: expected a URL like https://host:8880/ (${(e as Error).message})`);
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return usage('--url: expected http: or https:');
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  if ('url' in target) {
    if (target.token !== undefined) headers['authorization'] = `Bearer ${target.token}`;
    else if (target.key !== undefined)
      headers['authorization'] = `Basic ${base64(new TextEncoder().encode(target.key))}`;
  }
  try {
    const socket = 'socket' in target ? { socket: target.socket } : {};
    const answer = await world.http.request({
      url: url.href,
      ...socket,
      method: 'POST',
      headers,
      body,
      timeoutMs,
      limitBytes,
    });
    return outcomeOf(answer);
  } catch (e) {
    const { code, message } = faultFrom(e);
    return { exitCode: 1, stdout: '', stderr: `${code}: ${message}\n` };
  }
}

const withSlash = (url: string): string => (url.endsWith('/') ? url : `${url}/`);

function outcomeOf({ status, headers, body }: HttpClientAnswer): Outcome {
  const isJson = /^application\/json\b/.test(headers['content-type'] ?? '');
  if (status >= 200 && status < 300) return { exitCode: 0, stdout: isJson ? pretty(body) : body, stderr: '' };
  return { exitCode: 1, stdout: '', stderr: `${complaint(status, body)}\n` };
}

function pretty(body: Uint8Array): string {
  const text = new TextDecoder().decode(body);
  try {
    return `${JSON.stringify(JSON.parse(text), undefined, 2)}\n`;
  } catch (e) {
    return `${text}\n${(e as Error).message}\n`;
  }
}

function complaint(status: number, body: Uint8Array): string {
  const text = new TextDecoder().decode(body.subarray(0, 100_000));
  try {
    const error = JSON.parse(text) as { code?: string; reason?: string; problems?: readonly Record<string, unknown>[] };
    const problems = (error.problems ?? []).map(
      p => `\n${p['file']}:${p['line']}:${p['column']}: ${p['severity']}: ${p['reason']}`,
    );
    return `${error.code ?? status}: ${error.reason ?? 'no reason given'}${problems.join('')}`;
  } catch (e) {
    return `status ${status}, and not from an Ocellus API (${(e as Error).message})`;
  }
}
