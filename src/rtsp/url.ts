/**
 * RTSP URLs, taken apart by hand: cameras want their path and query back byte for byte, and
 * a general URL parser would normalize them.
 */

export interface RtspUrl {
  readonly tls: boolean;
  /** A name or an address, without the brackets of IPv6. */
  readonly host: string;
  readonly port: number;
  /** What requests carry: without user and password. */
  readonly uri: string;
  readonly login?: { readonly user: string; readonly password: string };
}

/** Undefined if it is no `rtsp://` or `rtsps://` URL with a host. */
export function parseRtspUrl(text: string): RtspUrl | undefined {
  const m =
    /^(rtsps?):\/\/(?:([^@/?#]*)@)?(\[[0-9a-fA-F:.%a-zA-Z]+\]|[^\s:/?#[\]]+)(?::(\d{1,5}))?([/?][^\s#]*)?(?:#.*)?$/i.exec(
      text.trim(),
    );
  if (!m) return undefined;
  const [, scheme = '', userinfo, host = '', port, rest = ''] = m;
  const tls = scheme.toLowerCase() === 'rtsps';
  const number = port === undefined ? (tls ? 322 : 554) : Number(port);
  if (number < 1 || number > 65535) return undefined;
  const path = rest === '' ? '/' : rest;
  const uri = `${scheme.toLowerCase()}://${host}${port === undefined ? '' : `:${number}`}${path}`;
  const url = { tls, host: host.replace(/^\[|\]$/g, ''), port: number, uri };
  if (userinfo === undefined) return url;
  const colon = userinfo.indexOf(':');
  const user = unescaped(colon < 0 ? userinfo : userinfo.slice(0, colon));
  return { ...url, login: { user, password: colon < 0 ? '' : unescaped(userinfo.slice(colon + 1)) } };
}

/** `?channel=1&subtype=0`; '' without one. */
export const queryOf = (uri: string): string => (uri.includes('?') ? uri.slice(uri.indexOf('?')) : '');

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (e) {
    if (e instanceof URIError) return text; // a lone % in a password
    throw e;
  }
}

/**
 * What a control attribute names (RFC 2326 C.1.1). A relative one is appended to the base, as
 * all clients do and cameras expect, rather than resolved by RFC 3986: behind a query too.
 */
export function resolveControl(base: string, control: string | undefined): string {
  if (control === undefined || control === '' || control === '*') return base;
  if (/^rtsps?:\/\//i.test(control)) return control;
  // All there is to tell the tracks apart is a query.
  if (control.startsWith('?')) return base + control;
  if (control.startsWith('/')) return (/^rtsps?:\/\/[^/?#]+/i.exec(base)?.[0] ?? '') + control;
  return base.endsWith('/') ? base + control : `${base}/${control}`;
}
