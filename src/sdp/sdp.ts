/**
 * Session descriptions (RFC 8866): text to value and back. Cameras write them freely, so
 * reading never fails: lines that are nothing known are passed over, LF alone ends a line,
 * and attributes before any `m=` belong to the session. What is not there is not invented,
 * except for payload types that RFC 3551 fixed.
 */

export type Attribute = readonly [name: string, value: string];

export interface MediaSection {
  /** `video`, `audio`, `application`. */
  readonly kind: string;
  readonly port: number;
  /** `RTP/AVP`. */
  readonly protocol: string;
  /** Payload types, as text. */
  readonly formats: readonly string[];
  /** `c=` of this section, e.g. `IN IP4 0.0.0.0`. */
  readonly connection?: string;
  /** In order; a flag attribute has the value ''. */
  readonly attributes: readonly Attribute[];
}

export interface SessionDescription {
  /** `o=`, e.g. `- 1 1 IN IP4 127.0.0.1`. */
  readonly origin: string;
  /** `s=` */
  readonly name: string;
  readonly connection?: string;
  readonly attributes: readonly Attribute[];
  readonly media: readonly MediaSection[];
}

/** What `a=rtpmap` says of a payload type. */
export interface RtpMap {
  /** As written: compare without case. */
  readonly encoding: string;
  readonly clockRate: number;
  readonly channels: number;
}

/** More sections than any camera has; further ones are passed over. */
const mediaLimit = 64;

export function parseSdp(text: string): SessionDescription {
  let origin = '';
  let name = '';
  let connection: string | undefined;
  const attributes: Attribute[] = [];
  const media: {
    kind: string;
    port: number;
    protocol: string;
    formats: string[];
    connection?: string;
    attributes: Attribute[];
  }[] = [];
  for (const raw of text.split(/\r\n|\n|\r/)) {
    const line = raw.trim();
    if (line[1] !== '=') continue;
    const value = line.slice(2).trim();
    const section = media.at(-1);
    switch (line[0]) {
      case 'o':
        origin = value;
        break;
      case 's':
        name = value;
        break;
      case 'c':
        if (section) section.connection = value;
        else connection = value;
        break;
      case 'a': {
        const colon = value.indexOf(':');
        const attribute: Attribute =
          colon < 0 ? [value, ''] : [value.slice(0, colon).trim(), value.slice(colon + 1).trim()];
        (section?.attributes ?? attributes).push(attribute);
        break;
      }
      case 'm': {
        const [kind = '', port = '', protocol = '', ...formats] = value.split(/\s+/);
        if (media.length < mediaLimit)
          media.push({
            kind: kind.toLowerCase(),
            port: Number.parseInt(port, 10) || 0,
            protocol,
            formats,
            attributes: [],
          });
        break;
      }
      default: // v, t, i, u, e, p, b, z, k, r: nothing we act on
    }
  }
  return { origin, name, ...(connection === undefined ? {} : { connection }), attributes, media };
}

/** Version, `s=` and `t=` are what RFC 8866 demands; the rest as given. */
export function writeSdp(sdp: SessionDescription): string {
  const lines = ['v=0', `o=${sdp.origin || '- 0 0 IN IP4 127.0.0.1'}`, `s=${sdp.name || '-'}`];
  if (sdp.connection !== undefined) lines.push(`c=${sdp.connection}`);
  lines.push('t=0 0', ...sdp.attributes.map(attributeLine));
  for (const m of sdp.media) {
    lines.push(`m=${m.kind} ${m.port} ${[m.protocol, ...m.formats].join(' ')}`);
    if (m.connection !== undefined) lines.push(`c=${m.connection}`);
    lines.push(...m.attributes.map(attributeLine));
  }
  return `${lines.map(l => l.replace(/[\r\n]/g, ' ')).join('\r\n')}\r\n`;
}
const attributeLine = ([name, value]: Attribute): string => (value === '' ? `a=${name}` : `a=${name}:${value}`);

/** The first attribute of that name. */
export function attribute(of: { readonly attributes: readonly Attribute[] }, name: string): string | undefined {
  return of.attributes.find(([n]) => n.toLowerCase() === name)?.[1];
}

/** Payload types fixed by RFC 3551 6, those a camera may use. */
const fixed: Readonly<Record<string, RtpMap>> = {
  '0': { encoding: 'PCMU', clockRate: 8000, channels: 1 },
  '2': { encoding: 'G726-32', clockRate: 8000, channels: 1 },
  '8': { encoding: 'PCMA', clockRate: 8000, channels: 1 },
  '10': { encoding: 'L16', clockRate: 44100, channels: 2 },
  '11': { encoding: 'L16', clockRate: 44100, channels: 1 },
  '14': { encoding: 'MPA', clockRate: 90000, channels: 1 },
  '26': { encoding: 'JPEG', clockRate: 90000, channels: 1 },
  '33': { encoding: 'MP2T', clockRate: 90000, channels: 1 },
};

/** What a payload type of this section means: `a=rtpmap`, else the fixed table. */
export function rtpMapOf(section: MediaSection, payloadType: string): RtpMap | undefined {
  for (const [name, value] of section.attributes) {
    if (name.toLowerCase() !== 'rtpmap') continue;
    const m = /^(\d+)\s+([^/\s]+)\s*\/\s*(\d+)(?:\s*\/\s*(\d+))?/.exec(value);
    const clockRate = Number(m?.[3]);
    if (m?.[1] !== payloadType || !(clockRate > 0 && clockRate <= 0xffffffff)) continue;
    return { encoding: m[2] ?? '', clockRate, channels: Number(m[4] ?? 1) || 1 };
  }
  return fixed[payloadType];
}

/** `a=fmtp` parameters of a payload type, names in lower case. Values keep case and trailing `=`, which base64 needs. */
export function formatParameters(section: MediaSection, payloadType: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [name, value] of section.attributes) {
    if (name.toLowerCase() !== 'fmtp') continue;
    const [, type = '', rest = ''] = /^(\d+)\s*(.*)$/.exec(value) ?? [];
    if (type !== payloadType) continue;
    for (const pair of rest.split(';')) {
      const equals = pair.indexOf('=');
      const key = (equals < 0 ? pair : pair.slice(0, equals)).trim().toLowerCase();
      if (key !== '') found.set(key, equals < 0 ? '' : pair.slice(equals + 1).trim());
    }
  }
  return found;
}
