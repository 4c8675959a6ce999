/**
 * HLS playlists read (RFC 8216 4): master playlists with variants and audio renditions, media playlists with segments,
 * byte ranges, init sections, keys, discontinuities and program date times. Pure, and forgiving: unknown tags are passed
 * over. Left out: parts and their hints (whole segments suffice), variables, date ranges, I-frame playlists.
 */

export interface Variant {
  /** As it stands in the playlist. */
  readonly uri: string;
  readonly bandwidth: number;
  /** Of the sample entries (RFC 6381), lower-case; empty when the playlist does not say. */
  readonly codecs: readonly string[];
  /** Group of the renditions that have its sound. */
  readonly audio: string | undefined;
}

export interface Rendition {
  readonly group: string;
  /** Undefined: it is in the variant itself. */
  readonly uri: string | undefined;
  readonly isDefault: boolean;
}

export interface MasterPlaylist {
  readonly kind: 'master';
  readonly variants: readonly Variant[];
  readonly audio: readonly Rendition[];
}

export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

export interface Resource {
  readonly uri: string;
  readonly range: ByteRange | undefined;
}

export interface Key {
  readonly method: 'AES-128' | 'other';
  /** As the playlist calls it. */
  readonly name: string;
  readonly uri: string;
  /** Undefined: the media sequence number is it (5.2). */
  readonly iv: Uint8Array | undefined;
}

export interface Segment extends Resource {
  /** Media sequence number. */
  readonly sequence: number;
  readonly seconds: number;
  /** Its times or formats do not follow on from the segment before. */
  readonly discontinuity: boolean;
  /** Wall clock of its first sample by the playlist, UTC milliseconds. */
  readonly wallMs: number | undefined;
  readonly map: Resource | undefined;
  readonly key: Key | undefined;
  /** The server has no media for it. */
  readonly missing: boolean;
}

export interface MediaPlaylist {
  readonly kind: 'media';
  readonly targetSeconds: number;
  /** Nothing will be added. */
  readonly ended: boolean;
  readonly segments: readonly Segment[];
}

/** Playlists with more than this (a day of segments of a second) are cut off there. */
const mostSegments = 100_000;

/** The playlist that `text` is; a sentence about what was expected where it is none. */
export function parsePlaylist(text: string): MasterPlaylist | MediaPlaylist | string {
  const lines = text.replace(/^\ufeff/, '').split(/\r\n|\n|\r/);
  if (!lines[0]?.startsWith('#EXTM3U')) return 'a playlist that begins with #EXTM3U';
  const isMaster = lines.some(l => l.startsWith('#EXT-X-STREAM-INF:'));
  return isMaster ? parseMaster(lines) : parseMedia(lines);
}

function parseMaster(lines: readonly string[]): MasterPlaylist | string {
  const variants: Variant[] = [];
  const audio: Rendition[] = [];
  let info: ReadonlyMap<string, string> | undefined;
  for (const line of lines) {
    if (line.startsWith('#EXT-X-STREAM-INF:')) info = attributes(line);
    else if (line.startsWith('#EXT-X-MEDIA:')) {
      const a = attributes(line);
      const group = a.get('GROUP-ID');
      if (a.get('TYPE') === 'AUDIO' && group !== undefined)
        audio.push({ group, uri: a.get('URI'), isDefault: a.get('DEFAULT') === 'YES' });
    } else if (!line.startsWith('#') && line.trim() !== '' && info !== undefined) {
      variants.push({
        uri: line.trim(),
        bandwidth: decimal(info.get('BANDWIDTH')),
        codecs: (info.get('CODECS') ?? '')
          .toLowerCase()
          .split(',')
          .map(c => c.trim())
          .filter(c => c !== ''),
        audio: info.get('AUDIO'),
      });
      info = undefined;
    }
  }
  return variants.length > 0 ? { kind: 'master', variants, audio } : 'a variant in the master playlist';
}

function parseMedia(lines: readonly string[]): MediaPlaylist | string {
  const segments: Segment[] = [];
  let target = 0;
  let sequence = 0;
  let ended = false;
  let seconds = Number.NaN;
  let next: { discontinuity: boolean; range: ByteRange | undefined; missing: boolean } = fresh();
  let wallMs: number | undefined;
  let map: Resource | undefined;
  let key: Key | undefined;
  /** Where the last byte range ended, and of what (4.3.2.2). */
  let last: { uri: string; end: number } = { uri: '', end: 0 };
  let range = '';
  for (const line of lines) {
    const [tag = '', value = ''] = splitTag(line);
    switch (tag) {
      case '#EXT-X-TARGETDURATION':
        target = decimal(value);
        break;
      case '#EXT-X-MEDIA-SEQUENCE':
        if (segments.length === 0) sequence = decimal(value);
        break;
      case '#EXT-X-ENDLIST':
        ended = true;
        break;
      case '#EXTINF':
        seconds = decimal(value.split(',')[0]);
        break;
      case '#EXT-X-DISCONTINUITY':
        next.discontinuity = true;
        wallMs = undefined;
        break;
      case '#EXT-X-GAP':
        next.missing = true;
        break;
      case '#EXT-X-BYTERANGE':
        range = value;
        break;
      case '#EXT-X-PROGRAM-DATE-TIME': {
        const said = Date.parse(value.trim());
        wallMs = Number.isFinite(said) ? said : undefined;
        break;
      }
      case '#EXT-X-MAP': {
        const a = attributes(line);
        const uri = a.get('URI');
        map = uri === undefined ? undefined : { uri, range: rangeOf(a.get('BYTERANGE') ?? '', 0) };
        break;
      }
      case '#EXT-X-KEY':
        key = keyOf(attributes(line));
        break;
      default: {
        const uri = line.trim();
        if (line.startsWith('#') || uri === '' || Number.isNaN(seconds)) break;
        if (segments.length === mostSegments) break;
        next.range = rangeOf(range, last.uri === uri ? last.end : 0);
        if (next.range !== undefined) last = { uri, end: next.range.offset + next.range.length };
        segments.push({ uri, sequence: sequence + segments.length, seconds, wallMs, map, key, ...next });
        if (wallMs !== undefined) wallMs += seconds * 1000;
        seconds = Number.NaN;
        range = '';
        next = fresh();
      }
    }
  }
  for (const s of segments) if (s.seconds > target) target = s.seconds;
  // Without any a server is asked again so often.
  return { kind: 'media', targetSeconds: Math.min(3600, target > 0 ? target : 2), ended, segments };
}

const fresh = () => ({ discontinuity: false, range: undefined as ByteRange | undefined, missing: false });

function splitTag(line: string): [string, string] {
  if (!line.startsWith('#EXT')) return ['', ''];
  const colon = line.indexOf(':');
  return colon < 0 ? [line.trim(), ''] : [line.slice(0, colon), line.slice(colon + 1)];
}

/** Not negative, finite; 0 for anything else. */
function decimal(text: string | undefined): number {
  const value = Number.parseFloat(text ?? '');
  return value > 0 && value <= Number.MAX_SAFE_INTEGER ? value : 0;
}

/** 4.2: names and values, quotes taken off. */
function attributes(line: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [, name = '', quoted, plain = ''] of line
    .slice(line.indexOf(':') + 1)
    .matchAll(/([A-Z0-9-]+)\s*=\s*(?:"([^"]*)"|([^,]*))/g))
    found.set(name, quoted ?? plain.trim());
  return found;
}

/** `length[@offset]`; without an offset it follows what ended at `follow`. */
function rangeOf(text: string, follow: number): ByteRange | undefined {
  const [, length, offset] = /^\s*(\d{1,15})(?:@(\d{1,15}))?\s*$/.exec(text) ?? [];
  if (length === undefined || Number(length) === 0) return undefined;
  return { length: Number(length), offset: offset === undefined ? follow : Number(offset) };
}

function keyOf(a: ReadonlyMap<string, string>): Key | undefined {
  const name = a.get('METHOD') ?? 'NONE';
  if (name === 'NONE') return undefined;
  const plain = (a.get('KEYFORMAT') ?? 'identity') === 'identity';
  const uri = a.get('URI');
  const method = name === 'AES-128' && plain && uri !== undefined ? 'AES-128' : 'other';
  return { method, name, uri: uri ?? '', iv: ivOf(a.get('IV')) };
}

function ivOf(text: string | undefined): Uint8Array | undefined {
  const [, hex] = /^0x([0-9a-f]{1,32})$/i.exec(text ?? '') ?? [];
  if (hex === undefined) return undefined;
  const padded = hex.padStart(32, '0');
  return Uint8Array.from({ length: 16 }, (_, i) => Number.parseInt(padded.slice(2 * i, 2 * i + 2), 16));
}

const videoCodecs = ['avc1', 'avc3', 'hvc1', 'hev1', 'av01', 'vp08', 'mjpg', 'jpeg'];
/** Video of others; what is in neither list is sound or text. */
const foreignCodecs = ['vp09', 'vp8', 'vp9', 'dvh1', 'dvhe', 'dva1', 'dvav', 'mp4v', 'vvc1', 'vvi1'];

/** The variant of the highest bit rate whose pictures we know, or which does not say; those without pictures come last. */
export function chooseVariant(master: MasterPlaylist): Variant | undefined {
  const has = (v: Variant, list: readonly string[]): boolean =>
    v.codecs.some(c => list.includes(c.split('.')[0] ?? ''));
  const rank = (v: Variant): number => (v.codecs.length === 0 || has(v, videoCodecs) ? 1 : 0);
  return master.variants
    .filter(v => !has(v, foreignCodecs))
    .sort((a, b) => rank(b) - rank(a) || b.bandwidth - a.bandwidth)[0];
}

/** Where the sound of a variant is, if not in itself. */
export function audioOf(master: MasterPlaylist, variant: Variant): string | undefined {
  if (variant.audio === undefined) return undefined;
  const group = master.audio.filter(r => r.group === variant.audio);
  return (group.find(r => r.isDefault) ?? group[0])?.uri;
}
