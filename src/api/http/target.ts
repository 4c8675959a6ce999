/**
 * The request target in parts (docs/spec/api.md 2.1): segments are percent-decoded once each,
 * double slashes are kept, `.` and `..` are nothing that exists.
 */
import { Fault } from '#core/errors';

export interface Target {
  /** As it came, without query and without a host in front. */
  readonly path: string;
  /** Of `/v1/svc/cam1`: `['v1', 'svc', 'cam1']`; of `/`: `['']`. */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
}

/** Nobody writes to a query. */
const none = new URLSearchParams();

/** Fault `not-found` for `.` and `..`, `bad-argument` for what is not percent-encoded UTF-8. */
export function parseTarget(target: string): Target {
  const local = target.startsWith('/') ? target : target.replace(/^https?:\/\/[^/?#]*/i, '');
  const hash = local.indexOf('#');
  const beforeHash = hash < 0 ? local : local.slice(0, hash);
  const mark = beforeHash.indexOf('?');
  const path = (mark < 0 ? beforeHash : beforeHash.slice(0, mark)) || '/';
  const query = mark < 0 ? none : new URLSearchParams(beforeHash.slice(mark + 1));
  const segments = (path.startsWith('/') ? path.slice(1) : path).split('/').map(decoded);
  if (segments.some(s => s === '.' || s === '..'))
    throw new Fault('absent', 'not-found', 'there is nothing at a path with "." or ".." in it');
  return { path, segments, query };
}

function decoded(segment: string): string {
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch (e) {
    throw new Fault('argument', 'bad-argument', 'path: expected percent-encoded UTF-8', {}, e);
  }
}
