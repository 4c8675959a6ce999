/**
 * A failure as the world sees it: status, `{"code","reason"}` and the headers that belong to it
 * (docs/spec/api.md 2.2). What the world must not see stays out: stacks, credentials, paths.
 */
import { faultCodes } from '#core/codes';
import { type Fault, kinds } from '#core/errors';
import type { HttpAnswer } from '#core/world';

/** The HTTP status: of the code, else of its kind. */
export const statusOf = (fault: Fault): number => faultCodes[fault.code]?.http ?? kinds[fault.kind].http;

/** The code if api.md 2.2 lists it, else that of its kind: finer ones are for logs. */
export const publicCode = (fault: Fault): string =>
  faultCodes[fault.code]?.isPublic ? fault.code : kinds[fault.kind].code;

/** One sentence without secrets: a bug's own words are for the log. */
export function publicReason(fault: Fault): string {
  if (fault.kind === 'bug' && fault.code !== 'script-error')
    return 'a mistake in the daemon prevented the answer; its log says more';
  const reason = fault.message.replace(/([a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/gi, '$1***@');
  // Messages of the system name the file; the place is the operator's business.
  return fault.kind === 'storage' ? reason.replace(/(^|[\s'"(])\/[^\s'")]+/g, '$1…') : reason;
}

/** The answer to a call that failed. 503 and `throttled` carry Retry-After, 405 Allow, 416 the length. */
export function failure(fault: Fault): HttpAnswer {
  const { allow, problems, length, retryAfterSeconds } = fault.where;
  const status = statusOf(fault);
  const body = {
    code: publicCode(fault),
    reason: publicReason(fault),
    ...(problems === undefined ? {} : { problems }),
  };
  const headers: Record<string, string> = { 'content-type': 'application/json', 'cache-control': 'no-store' };
  if (typeof allow === 'string') headers['allow'] = allow;
  if (status === 503 || fault.code === 'throttled')
    headers['retry-after'] = String(typeof retryAfterSeconds === 'number' ? Math.ceil(retryAfterSeconds) : 2);
  if (status === 416 && typeof length === 'number') headers['content-range'] = `bytes */${length}`;
  return { status, headers, body: JSON.stringify(body) };
}
