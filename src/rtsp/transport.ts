/**
 * The way of the media (RFC 2326 12.39): what a client asks for in Transport, what a server's
 * answer makes of it; and RTP-Info (12.33).
 */

/** How media may come; `tcp` is interleaved in the RTSP connection. */
export type MediaTransport = 'tcp' | 'udp' | 'multicast';

/** Where the packets of one track travel. */
export type Delivery =
  | { readonly kind: 'tcp'; readonly rtp: number; readonly rtcp: number }
  /** `source`: the address that media come from, if it is not the camera's; `ports`: of the camera, where it names them. */
  | { readonly kind: 'udp'; readonly source?: string; readonly ports?: readonly [rtp: number, rtcp: number] }
  | {
      readonly kind: 'multicast';
      readonly group: string;
      readonly ports: readonly [rtp: number, rtcp: number];
      readonly ttl: number;
      readonly source?: string;
    };

/** The value of Transport in SETUP. `first`: the first of a pair of channels or of ports of ours. */
export function transportWanted(transport: MediaTransport, first: number): string {
  if (transport === 'tcp') return `RTP/AVP/TCP;unicast;interleaved=${first}-${first + 1}`;
  return transport === 'udp' ? `RTP/AVP;unicast;client_port=${first}-${first + 1}` : 'RTP/AVP;multicast';
}

/** What the answer to `transportWanted(asked, first)` says; undefined if it is another transport, or one without an address. */
export function deliveryOf(text: string | undefined, asked: MediaTransport, first: number): Delivery | undefined {
  const answer = (text ?? '').split(',', 1)[0] ?? '';
  if (asked === 'tcp') {
    const channels = interleavedChannels(text === undefined ? undefined : answer, first);
    return channels && { kind: 'tcp', rtp: channels[0], rtcp: channels[1] };
  }
  if (/^\s*RTP\/\w+\/TCP\b/i.test(answer) || /;\s*interleaved\s*=/i.test(answer)) return undefined;
  const multicast = /;\s*multicast\b/i.test(answer);
  if (multicast !== (asked === 'multicast')) return undefined;
  const address = (name: string): string | undefined =>
    new RegExp(`;\\s*${name}\\s*=\\s*"?\\[?([0-9a-fA-F:.]+)\\]?`, 'i').exec(answer)?.[1];
  const ports = (name: string): readonly [number, number] | undefined => {
    const m = new RegExp(`;\\s*${name}\\s*=\\s*"?(\\d{1,5})(?:\\s*-\\s*(\\d{1,5}))?`, 'i').exec(answer);
    const rtp = Number(m?.[1]);
    const rtcp = m?.[2] === undefined ? rtp + 1 : Number(m[2]);
    return m && rtp > 0 && rtp < 65536 && rtcp > 0 && rtcp < 65536 ? [rtp, rtcp] : undefined;
  };
  const said = address('source');
  // Some say 0.0.0.0 and mean: me.
  const source = said === undefined || /^[0:.]*$/.test(said) ? {} : { source: said };
  if (!multicast) {
    const theirs = ports('server_port');
    return { kind: 'udp', ...source, ...(theirs ? { ports: theirs } : {}) };
  }
  const group = address('destination');
  const where = ports('port') ?? ports('server_port') ?? ports('client_port');
  if (group === undefined || !isMulticast(group) || where === undefined) return undefined;
  const ttl = Number(/;\s*ttl\s*=\s*"?(\d{1,3})/i.exec(answer)?.[1] ?? 16);
  return { kind: 'multicast', group, ports: where, ttl: Math.min(255, ttl), ...source };
}

/** 224.0.0.0/4 (RFC 5771) or ff00::/8 (RFC 4291 2.7). */
const isMulticast = (address: string): boolean =>
  /^(?:22[4-9]|23\d)(?:\.\d{1,3}){3}$/.test(address) || /^ff[0-9a-f]{2}:/i.test(address);

/**
 * The interleaved channels for RTP and RTCP that a Transport answer names; those from `asked`
 * on when it names none; undefined if it is about another transport.
 */
export function interleavedChannels(
  transport: string | undefined,
  asked: number,
): readonly [rtp: number, rtcp: number] | undefined {
  if (transport === undefined) return [asked, asked + 1];
  const m = /interleaved\s*=\s*"?(\d{1,3})(?:\s*-\s*(\d{1,3}))?/i.exec(transport);
  if (!m) return /^\s*RTP\/\w+\/TCP\b/i.test(transport) ? [asked, asked + 1] : undefined;
  const rtp = Number(m[1]);
  const rtcp = m[2] === undefined ? rtp + 1 : Number(m[2]);
  return rtp > 255 || rtcp > 255 ? undefined : [rtp, rtcp];
}

/**
 * `rtptime` for each control URL, in their order. An entry belongs to the track whose URL it
 * names, or ends with; where no URL fits, entries and tracks are taken in order if there are as many.
 */
export function rtpInfo(text: string | undefined, controls: readonly string[]): (number | undefined)[] {
  const entries = (text ?? '')
    .slice(0, 8192)
    .split(/,\s*(?=url\s*=)/i)
    .map(entry => {
      const url = /url\s*=\s*"?([^;"\s]+)/i.exec(entry)?.[1];
      const time = /rtptime\s*=\s*(\d{1,10})/i.exec(entry)?.[1];
      return { url, time: time === undefined ? undefined : Number(time) % 0x100000000 };
    })
    .filter(e => e.url !== undefined);
  const last = (url: string): string => url.slice(url.lastIndexOf('/') + 1);
  const byName = controls.map(c => entries.find(e => e.url === c || (e.url !== undefined && last(e.url) === last(c))));
  if (byName.every(e => e === undefined) && entries.length === controls.length) return entries.map(e => e.time);
  return byName.map(e => e?.time);
}
