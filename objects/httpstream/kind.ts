/** What a URL turned out to be: by its Content-Type, by its first bytes, by its name, in this order. Pure. */
export type StreamKind = 'hls' | 'multipart' | 'jpeg' | 'ts' | 'mp4';

const byType: readonly (readonly [RegExp, StreamKind])[] = [
  [/^multipart\//, 'multipart'],
  [/mpegurl/, 'hls'],
  [/^image\/(jpe?g|pjpeg)/, 'jpeg'],
  [/^(video|audio)\/(mp2t|mpegts|x-mpegts|vnd\.dlna\.mpeg-tts)/, 'ts'],
  [/^(video|audio)\/(mp4|iso\.segment|quicktime)/, 'mp4'],
];
const byName: readonly (readonly [RegExp, StreamKind])[] = [
  [/\.m3u8?$/, 'hls'],
  [/\.(ts|m2ts|mts)$/, 'ts'],
  [/\.(mp4|m4s|cmfv|mov)$/, 'mp4'],
  [/\.(jpe?g)$/, 'jpeg'],
  [/\.(mjpe?g)$/, 'multipart'],
];

/** `begin`: the first bytes of the body. Undefined for what is nothing of ours. */
export function kindOf(contentType: string, begin: Uint8Array, path: string): StreamKind | undefined {
  const type = contentType.trim().toLowerCase();
  const find = (table: typeof byType, text: string) => table.find(([pattern]) => pattern.test(text))?.[1];
  return find(byType, type) ?? byBytes(begin) ?? find(byName, path.toLowerCase());
}

function byBytes(b: Uint8Array): StreamKind | undefined {
  const text = String.fromCharCode(...b.subarray(0, 12));
  if (text.startsWith('#EXTM3U') || text.startsWith('\u00ef\u00bb\u00bf#EXTM3U')) return 'hls';
  if (b[0] === 0xff && b[1] === 0xd8) return 'jpeg';
  if (b[0] === 0x47 && (b.length <= 188 || b[188] === 0x47)) return 'ts';
  return /^(ftyp|styp|moov)$/.test(text.slice(4, 8)) ? 'mp4' : undefined;
}
