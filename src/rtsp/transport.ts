/** What a server's answers say about the way of the media: Transport (RFC 2326 12.39) and RTP-Info (12.33). */

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
