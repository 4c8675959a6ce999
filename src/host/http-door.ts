/** Requests over HTTP, without the weight of Node's HTTP for threads and commands that make none. */
import type { Http } from '#core/world';

/** `Http.request`. */
export const httpRequest: Http['request'] = async wanted => (await import('./http-client.ts')).httpRequest(wanted);

/** `Http.open`. */
export const httpOpen: Http['open'] = async wanted => (await import('./http-stream.ts')).httpOpen(wanted);
