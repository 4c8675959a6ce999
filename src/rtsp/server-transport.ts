/** The Transport header at a server (RFC 2326 12.39): of what a client offers, the first that can be done. */

export type ServerTransport =
  /** RTP on `channel`, RTCP on the next. */
  | { readonly kind: 'tcp'; readonly channel: number }
  /** Where the client listens; always at the address it calls from, so that nobody can be flooded by our hand (`destination` is not read). */
  | {
      readonly kind: 'udp';
      readonly rtpPort: number;
      readonly rtcpPort: number;
      /** Not to the client, but to this group. */
      readonly multicast?: { readonly group: string; readonly ttl: number };
    };

/** Where multicast may go: each further track takes the next two ports. */
export interface MulticastPlace {
  readonly group: string;
  /** Even; for RTP of the first track. */
  readonly port: number;
  readonly ttl: number;
}

/** `taken`: transports of the session's other tracks, whose channels cannot be used again. An offer without `mode` is for either. */
export function chooseTransport(
  offers: string,
  allowed: readonly ('tcp' | 'udp')[],
  taken: readonly ServerTransport[],
  place?: MulticastPlace,
  mode: 'play' | 'record' = 'play',
): ServerTransport | undefined {
  const ourMode = mode === 'play' ? /^(?:"?play"?)?$/i : /^(?:"?record"?)?$/i;
  for (const offer of offers.split(',')) {
    const [spec = '', ...rest] = offer.split(';').map(s => s.trim());
    const protocol = /^RTP\/AVP(?:\/(TCP|UDP))?$/i.exec(spec);
    const parameters = new Map(rest.map(p => [name(p), value(p)] as const));
    if (!protocol) continue;
    if (!ourMode.test(parameters.get('mode') ?? '')) continue;
    if (parameters.has('multicast')) {
      if (mode === 'record' || place === undefined || protocol[1]?.toUpperCase() === 'TCP') continue;
      const rtpPort = place.port + 2 * taken.length;
      return { kind: 'udp', rtpPort, rtcpPort: rtpPort + 1, multicast: { group: place.group, ttl: place.ttl } };
    }
    if (protocol[1]?.toUpperCase() === 'TCP') {
      if (!allowed.includes('tcp')) continue;
      const channel = freeChannel(pair(parameters.get('interleaved'), 254)?.[0], taken);
      if (channel !== undefined) return { kind: 'tcp', channel };
    } else if (allowed.includes('udp')) {
      const ports = pair(parameters.get('client_port'), 65535);
      if (ports && ports[0] > 0) return { kind: 'udp', rtpPort: ports[0], rtcpPort: ports[1] };
    }
  }
  return undefined;
}

/** The value of Transport in the answer. */
export function transportText(
  transport: ServerTransport,
  /** Of what we send; undefined: the client sends. */
  ssrc: number | undefined,
  serverPorts: readonly [number, number] | undefined,
): string {
  const id = ssrc === undefined ? 'mode=record' : `ssrc=${(ssrc >>> 0).toString(16).toUpperCase().padStart(8, '0')}`;
  if (transport.kind === 'tcp')
    return `RTP/AVP/TCP;unicast;interleaved=${transport.channel}-${transport.channel + 1};${id}`;
  const ports = `${transport.rtpPort}-${transport.rtcpPort}`;
  if (transport.multicast)
    return `RTP/AVP;multicast;destination=${transport.multicast.group};port=${ports};ttl=${transport.multicast.ttl};${id}`;
  const ours = serverPorts ? `server_port=${serverPorts[0]}-${serverPorts[1]};` : '';
  return `RTP/AVP;unicast;client_port=${ports};${ours}${id}`;
}

/** The wanted pair of channels if it is free, else the lowest free even pair. */
function freeChannel(wanted: number | undefined, taken: readonly ServerTransport[]): number | undefined {
  const free = (c: number): boolean => taken.every(t => t.kind !== 'tcp' || Math.abs(t.channel - c) > 1);
  if (wanted !== undefined && free(wanted)) return wanted;
  for (let c = 0; c < 255; c += 2) if (free(c)) return c;
  return undefined;
}

const name = (parameter: string): string => parameter.split('=', 1)[0]?.trim().toLowerCase() ?? '';
const value = (parameter: string): string => parameter.slice(name(parameter).length + 1).trim();

/** `a-b`, or `a` alone, which means `a-(a+1)`. */
function pair(text: string | undefined, most: number): [number, number] | undefined {
  const m = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text ?? '');
  if (!m) return undefined;
  const first = Number(m[1]);
  const second = m[2] === undefined ? first + 1 : Number(m[2]);
  return first <= most && second <= most + 1 ? [first, second] : undefined;
}
