/** A camera that speaks ONVIF (docs/spec/config.md 8.3). */
import { cameraConfig } from '#camera/settings';
import { LiveMedia } from '#capability/live-media';
import { MediaStorage } from '#capability/media-storage';
import { many } from '#core/capability';
import { type Context, defineObjectType, type Instance } from '#core/define';
import type { ProblemText } from '#core/problem';
import { Nullable, type Static, Type } from '#core/schema';
import { PtzControl } from '#interface/ptz-control';
import { TimelineProvider } from '#interface/timeline-provider';
import { VideoSource } from '#interface/video-source';
import { deviceUrl } from '#onvif/address';
import { commonSourceConfig } from '#source/config';

const config = Type.Object({
  host: Type.Optional(
    Type.String({ description: 'host[:port] of the device; its service is at /onvif/device_service' }),
  ),
  url: Type.Optional(Type.String({ description: 'instead of host: http:// or https:// URL of the device service' })),
  ...cameraConfig,
  profile: Type.Optional(
    Nullable(Type.String(), { description: 'token of the media profile; null or absent: the first one with video' }),
  ),
  ...commonSourceConfig,
  enable: Type.Array(
    Type.Union([Type.Literal('video'), Type.Literal('audio'), Type.Literal('events'), Type.Literal('ptz')]),
    {
      default: ['video', 'audio', 'events', 'ptz'],
      uniqueItems: true,
      description:
        'what to take from the device; objects for further profiles of one device list "video" and "audio" alone',
    },
  ),
  archive: Type.Union([Type.Literal('none'), Type.Literal('timeline'), Type.Literal('backfill')], {
    default: 'none',
    description:
      'recordings kept in the device: "timeline" lists them; with "backfill" they also fill gaps of the linked storages',
  }),
});
const provides = { media: LiveMedia };
const consumes = { storages: many(MediaStorage) };
const interfaces = [VideoSource, PtzControl, TimelineProvider] as const;

/** A checked configuration of this type. */
export type OnvifConfig = Static<typeof config>;
/** The context of an object of this type. */
export type OnvifContext = Context<typeof config>;
/** What an object of this type is. */
export type OnvifInstance = Instance<typeof config, typeof provides, typeof consumes, typeof interfaces>;

const problem = (severity: 'error' | 'warning', code: string, pointer: string, reason: string): ProblemText => ({
  severity,
  code,
  pointer,
  reason,
});

function check(c: OnvifConfig): ProblemText[] {
  const found: ProblemText[] = [];
  const address = c.url ?? c.host;
  if (address === undefined)
    found.push(problem('error', 'missing-property', '', 'expected "url" or "host", got neither'));
  else if (deviceUrl(address) === undefined || /^https?:/i.test(address) !== (c.url !== undefined))
    found.push(
      c.url === undefined
        ? problem('error', 'bad-value', '/host', 'expected host[:port] of a device, got something else')
        : problem('error', 'bad-value', '/url', 'expected http://host[:port]/path, got something else'),
    );
  if (c.enable.length === 0)
    found.push(problem('error', 'bad-value', '/enable', 'expected one thing at least, got none'));
  return found;
}

export default defineObjectType({
  type: 'onvif',
  summary:
    'Plays a profile of an ONVIF device, tells its events, moves it, lists its recordings and fills gaps with them.',
  stage: 'media',
  config,
  provides,
  consumes,
  interfaces,
  offers: c => [
    'VideoSource',
    ...(c.enable.includes('ptz') ? (['PtzControl'] as const) : []),
    ...(c.archive === 'none' ? [] : (['TimelineProvider'] as const)),
  ],
  check,
  create: async (context: OnvifContext): Promise<OnvifInstance> => {
    const { OnvifCamera } = await import('./onvif-camera.ts');
    return new OnvifCamera(context);
  },
});
