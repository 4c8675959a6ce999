/**
 * What a request's URL names at a server: `rtsp://HOST/PRESENTATION?QUERY/trackID=N`. The
 * track is at the very end, behind the query too: clients append a relative control URL to
 * the base as text (live555, FFmpeg).
 */
export interface Target {
  /** Path without outer slashes, percent signs decoded; '' for `*` and for the root. */
  readonly presentation: string;
  /** Without its question mark. */
  readonly query: string;
  readonly track: number | undefined;
  /** Of the presentation as the client wrote it, without user, password and final slash. */
  readonly url: string;
}

/** Undefined for what is no URL of ours. */
export function targetOf(uri: string): Target | undefined {
  if (uri === '*') return { presentation: '', query: '', track: undefined, url: '*' };
  const m = /^(?:(rtspu?s?):\/\/(?:[^/?#]*@)?([^/?#@]*))?(\/.*|\?.*|)$/i.exec(uri);
  if (!m) return undefined;
  const [, scheme, host, rest = ''] = m;
  const control = /\/trackID=(\d{1,3})\/?$/i.exec(rest);
  const base = (control ? rest.slice(0, control.index) : rest).replace(/\/+$/, '');
  const mark = base.indexOf('?');
  const path = (mark < 0 ? base : base.slice(0, mark)).replace(/^\/+|\/+$/g, '');
  const presentation = decoded(path);
  if (presentation === undefined) return undefined;
  return {
    presentation,
    query: mark < 0 ? '' : base.slice(mark + 1),
    track: control ? Number(control[1]) : undefined,
    url: scheme === undefined ? base : `${scheme.toLowerCase()}://${host}${base}`,
  };
}

function decoded(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch (e) {
    if (e instanceof URIError) return undefined; // a percent sign that begins nothing
    return path;
  }
}
