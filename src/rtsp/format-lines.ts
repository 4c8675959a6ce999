/** The lines `rtpmap` and `fmtp` of a section, as cameras mean them rather than as they write them. */
import { formatParameters, type MediaSection, type RtpMap, rtpMapOf } from '#sdp/sdp';
import type { RtspQuirk } from './quirks.ts';

export type QuirkTaker = (name: RtspQuirk) => void;

/** What a payload type of this section means; undefined where nobody can know. */
export function mapOf(section: MediaSection, format: string, quirk: QuirkTaker): RtpMap | undefined {
  const said = rtpMapOf(section, format);
  if (said !== undefined) return said;
  const lines = linesOf(section, 'rtpmap');
  const [only] = lines;
  if (only === undefined || lines.length > 1 || section.formats.length > 1) return undefined;
  const type = /^\d+/.exec(only)?.[0] ?? '';
  const bare = /^\d+\s+([^/\s]+)\s*\/?\s*$/.exec(only)?.[1];
  if (type !== format) quirk('types-disagree');
  if (bare === undefined) return rtpMapOf(section, type);
  const clockRate = section.kind === 'video' ? 90000 : /^PCM[UA]$/i.test(bare) ? 8000 : 0;
  if (clockRate === 0) return undefined;
  quirk('no-clock-rate');
  return { encoding: bare, clockRate, channels: 1 };
}

/** `fmtp` of a payload type. */
export function parametersOf(section: MediaSection, format: string, quirk: QuirkTaker): ReadonlyMap<string, string> {
  const said = formatParameters(section, format);
  const lines = linesOf(section, 'fmtp');
  const [only] = lines;
  if (said.size > 0 || only === undefined || lines.length > 1 || section.formats.length > 1) return said;
  const type = /^\d+/.exec(only)?.[0] ?? format;
  if (type === format) return said;
  quirk('types-disagree');
  return formatParameters(section, type);
}

/** For people: `H265,H264`. */
export const encodingsOf = (section: MediaSection): string =>
  section.formats
    .slice(0, 4)
    .map(f => (rtpMapOf(section, f)?.encoding ?? f).slice(0, 32))
    .join(',') || '(no format)';

const linesOf = (section: MediaSection, name: string): string[] =>
  section.attributes.filter(([n]) => n.toLowerCase() === name).map(([, value]) => value);
