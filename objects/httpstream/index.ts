/** The object type `httpstream`: a live stream pulled over HTTP (docs/spec/config.md 8.5, 18.12). */
import { LiveMedia } from '#capability/live-media';
import { type Context, defineObjectType, type Instance } from '#core/define';
import type { ProblemText } from '#core/problem';
import { Nullable, type Static, Type } from '#core/schema';
import { VideoSource } from '#interface/video-source';
import { checkEnable, commonSourceConfig } from '#source/config';

const { dynamic, enable, stall_seconds, linger_seconds } = commonSourceConfig;

const config = Type.Object({
  url: Type.String({ minLength: 1, description: 'http://host[:port]/path[?query], or https://' }),
  kind: Type.Union(
    [Type.Literal('auto'), Type.Literal('hls'), Type.Literal('mjpeg'), Type.Literal('ts'), Type.Literal('mp4')],
    {
      default: 'auto',
      description:
        'what is there: "hls" (a playlist), "mjpeg" (pictures one after the other in one answer, or one that is fetched every second), ' +
        '"ts" (MPEG-TS), "mp4" (fragmented MP4); "auto" looks',
    },
  ),
  auth: Type.Optional(
    Nullable(Type.Array(Nullable(Type.String()), { minItems: 2, maxItems: 2, secret: true }), {
      description: '[login, password] for Digest and Basic; null, absent or [null, null]: none',
    }),
  ),
  headers: Type.Record(Type.String(), Type.String(), {
    default: {},
    secret: true,
    description: 'sent with every request to the host of url, and to no other but User-Agent and Referer',
  }),
  verify_certificate: Type.Boolean({
    default: false,
    description:
      'with https: the server must have a certificate that a known authority signed for its name; false takes any, since those of cameras are of their own making',
  }),
  dynamic,
  enable,
  stall_seconds,
  linger_seconds,
  time: Type.Union([Type.Literal('server'), Type.Literal('device')], {
    default: 'server',
    description:
      "'server': arrival clock, smoothed; 'device': EXT-X-PROGRAM-DATE-TIME of playlists, X-Timestamp of pictures if within 2 s of ours",
  }),
});
const provides = { media: LiveMedia };
const interfaces = [VideoSource] as const;

export type HttpStreamContext = Context<typeof config>;
type Contract = Instance<typeof config, typeof provides, Record<never, never>, typeof interfaces>;

/** Those that the connection itself needs (RFC 9110 7.6.1), and what is ours to say. */
const ownHeaders =
  /^(host|connection|content-length|transfer-encoding|upgrade|te|trailer|keep-alive|accept-encoding|range)$/i;

const error = (pointer: string, reason: string): ProblemText => ({
  severity: 'error',
  code: 'bad-value',
  pointer,
  reason,
});

function check(c: Static<typeof config>): ProblemText[] {
  const found: ProblemText[] = [];
  const url = URL.parse(c.url);
  if (url === null || !/^https?:$/.test(url.protocol) || url.hostname === '')
    found.push(error('/url', 'expected http://host[:port]/path or https://, got something else'));
  found.push(...checkEnable(c));
  if (c.kind === 'mjpeg' && !c.enable.includes('video'))
    found.push(error('/enable', 'expected "video" with "mjpeg", which has nothing else'));
  for (const [name, value] of Object.entries(c.headers)) {
    const pointer = `/headers/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    // RFC 9110 5.1, 5.5.
    if (!/^[!#$%&'*+.^`|~\w-]+$/.test(name) || !/^[\t\x20-\x7e\x80-\xff]*$/.test(value))
      found.push(error(pointer, 'expected the name and the value of an HTTP header, got something else'));
    else if (ownHeaders.test(name))
      found.push(error(pointer, 'expected a header that is not of the connection itself'));
  }
  return found;
}

export default defineObjectType({
  type: 'httpstream',
  summary: 'Pulls a live stream over HTTP (HLS, MJPEG, MPEG-TS, MP4) and offers it as live media.',
  stage: 'media',
  config,
  provides,
  consumes: {},
  interfaces,
  check,
  create: async (context: HttpStreamContext): Promise<Contract> => {
    const { HttpStream } = await import('./http-stream.ts');
    return new HttpStream(context);
  },
});
