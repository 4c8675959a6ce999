/**
 * Where requests go (docs/spec/api.md 7.4 rule 6): whatever address a device gives for a
 * service or a stream, its host is the one that the configuration names. Behind a router a
 * device names an address of its own network, and a hostile one might name somebody else's.
 */

/** The device service that a configuration means: a URL, or `host[:port]`; undefined if it means none. No credentials in it. */
export function deviceUrl(text: string): string | undefined {
  const given = text.trim();
  const whole = /^https?:\/\//i.test(given);
  if (!whole && (/[/?#@\s]/.test(given) || given === '')) return undefined;
  // An IPv6 address without brackets has more than one colon.
  const host = !whole && (given.match(/:/g)?.length ?? 0) > 1 && !given.startsWith('[') ? `[${given}]` : given;
  const url = URL.parse(whole ? given : `http://${host}/`);
  if (url === null || url.hostname === '') return undefined;
  url.username = '';
  url.password = '';
  url.hash = '';
  if (url.pathname === '/' && url.search === '') url.pathname = '/onvif/device_service';
  return url.href;
}

/**
 * The address of a service as it is used: path and query are the device's. Port and scheme
 * are the device's where it names our host and our scheme, and ours where it does not: then
 * there is a router in between, whose ports are others.
 */
export function serviceUrl(base: string, returned: string | undefined): string | undefined {
  const ours = URL.parse(base);
  const theirs = returned === undefined ? null : URL.parse(returned.trim(), base);
  if (ours === null || theirs === null || !/^https?:$/.test(theirs.protocol)) return undefined;
  const port = theirs.hostname === ours.hostname && theirs.protocol === ours.protocol ? theirs.port : ours.port;
  const url = new URL(ours.href);
  url.port = port;
  url.pathname = theirs.pathname;
  url.search = theirs.search;
  return url.href;
}

/** An RTSP address with our host; its port is the device's. Byte for byte else, for cameras want it so. Undefined if it is no RTSP. */
export function streamUrl(base: string, returned: string): string | undefined {
  const ours = URL.parse(base);
  const m = /^(rtsps?:\/\/)(?:[^@/?#\s]*@)?(?:\[[^\]\s]*\]|[^:/?#\s]*)(:\d{1,5})?([/?][^\s]*)?$/i.exec(returned.trim());
  if (ours === null || m === null) return undefined;
  return `${m[1]?.toLowerCase()}${ours.hostname}${m[2] ?? ''}${m[3] ?? '/'}`;
}
