/**
 * What a request's URL names at a server: `rtsp://HOST/PRESENTATION?QUERY/trackID=N`. The
 * track is at the very end, behind the query too, where clients append a relative control URL to
 * the base as text (live555, FFmpeg); others put it before the query (GStreamer).
 */
export interface Target {
  /** Path without outer slashes, percent signs decoded; '' for `*` and for the root. */
  readonly presentation: string;
  /** Without its question mark. */
  readonly query: string;
  readonly track: number | undefined;
  /** Of the presentation as the client wrote it, without user, password and final slash. */
  readonly url: string;
  /** Of the track as the client wrote it, likewise; the same as `url` if it names none. */
  readonly control: string;
}

/**
 * The control URL of a track, for the SDP. Where there is a query it is absolute: relative to a URL with a query
 * clients resolve it in different ways (RFC 3986 5.2 has it replace the last segment of the path).
 */
export function controlOf({ url, query }: Target, track: number): string {
  if (query === '') return `trackID=${track}`;
  const path = url.slice(0, url.length - query.length - 1);
  return `${path}/trackID=${track}?${query}`;
}

/** Undefined for what is no URL of ours. */
export function targetOf(uri: string): Target | undefined {
  if (uri === '*') return { presentation: '', query: '', track: undefined, url: '*', control: '*' };
  const m = /^(?:(rtspu?s?):\/\/(?:[^/?#]*@)?([^/?#@]*))?(\/.*|\?.*|)$/i.exec(uri);
  if (!m) return undefined;
  const [, scheme, host, rest = ''] = m;
  const control = /\/trackID=(\d{1,3})\/?$/i.exec(rest) ?? /\/trackID=(\d{1,3})\/?(?=\?)/i.exec(rest);
  const base = (control ? rest.slice(0, control.index) + rest.slice(control.index + control[0].length) : rest).replace(
    /\/+$/,
    '',
  );
  const mark = base.indexOf('?');
  const path = (mark < 0 ? base : base.slice(0, mark)).replace(/^\/+|\/+$/g, '');
  const presentation = decoded(path);
  if (presentation === undefined) return undefined;
  const origin = scheme === undefined ? '' : `${scheme.toLowerCase()}://${host}`;
  return {
    presentation,
    query: mark < 0 ? '' : base.slice(mark + 1),
    track: control ? Number(control[1]) : undefined,
    url: `${origin}${base}`,
    control: `${origin}${control ? rest : base}`,
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
