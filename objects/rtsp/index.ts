/** A camera that speaks RTSP (docs/spec/config.md 8.2). */
import { cameraConfig, transportsOf } from '#camera/settings';
import { LiveMedia } from '#capability/live-media';
import { type Context, defineObjectType, type Instance } from '#core/define';
import type { ProblemText } from '#core/problem';
import { type Static, Type } from '#core/schema';
import { VideoSource } from '#interface/video-source';
import { parseRtspUrl } from '#rtsp/url';
import { checkEnable, commonSourceConfig } from '#source/config';

const config = Type.Object({
  url: Type.Optional(Type.String({ description: 'rtsp://host[:port]/path[?query], or rtsps://' })),
  host: Type.Optional(Type.String({ description: 'instead of url: name or address of the camera' })),
  port: Type.Integer({ default: 554, minimum: 1, maximum: 65535, description: 'with host: TCP port' }),
  path: Type.String({ default: '/', description: 'with host: path and query of the stream' }),
  ...cameraConfig,
  verify_certificate: Type.Boolean({
    default: false,
    description:
      'with rtsps: the camera must have a certificate that a known authority signed for its name; false takes any, since those of cameras are of their own making',
  }),
  ...commonSourceConfig,
});
const provides = { media: LiveMedia };
const interfaces = [VideoSource] as const;

type CameraConfig = Static<typeof config>;
type Contract = Instance<typeof config, typeof provides, Record<never, never>, typeof interfaces>;

/** The URL that a configuration means, as text. */
export const urlOf = (c: Pick<CameraConfig, 'url' | 'host' | 'port' | 'path'>): string | undefined => {
  if (c.url !== undefined) return c.url;
  if (c.host === undefined) return undefined;
  const host = c.host.includes(':') && !c.host.startsWith('[') ? `[${c.host}]` : c.host;
  return `rtsp://${host}:${c.port}${c.path.startsWith('/') ? '' : '/'}${c.path}`;
};

const error = (code: string, pointer: string, reason: string): ProblemText => ({
  severity: 'error',
  code,
  pointer,
  reason,
});

function check(c: CameraConfig): ProblemText[] {
  const found: ProblemText[] = [];
  const url = urlOf(c);
  if (url === undefined) found.push(error('missing-property', '', 'expected "url" or "host", got neither'));
  else if (parseRtspUrl(url) === undefined)
    found.push(
      c.url === undefined
        ? error('bad-value', '/host', 'expected the name or the address of a camera, got something else')
        : error('bad-value', '/url', 'expected rtsp://host[:port]/path, got something else'),
    );
  else if (transportsOf(c, parseRtspUrl(url)?.tls === true).length === 0)
    found.push(
      error(
        'bad-value',
        '/transport',
        'expected "tcp" or "http" with rtsps://, since the others would not be encrypted',
      ),
    );
  found.push(...checkEnable(c));
  return found;
}

export default defineObjectType({
  type: 'rtsp',
  summary: 'Plays one RTSP stream of a camera and offers it as live media.',
  stage: 'media',
  config,
  provides,
  consumes: {},
  interfaces,
  check,
  create: async (context: Context<typeof config>): Promise<Contract> => {
    const { Camera } = await import('#camera/camera');
    return new Camera(context, () => urlOf(context.config) ?? '');
  },
});
