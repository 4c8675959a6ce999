/**
 * The object type `mediasourceplugin`, alias `h264sourceplugin` (docs/spec/config.md 8.4): the built-in file source, which
 * configurations of old ask for by the name of a library that need not exist. Other libraries are not loaded yet.
 */
import { LiveMedia } from '#capability/live-media';
import { defineObjectType } from '#core/define';
import type { ProblemText } from '#core/problem';
import { type Static, Type } from '#core/schema';
import { VideoSource } from '#interface/video-source';
import { commonSourceConfig } from '#source/config';

const { dynamic, enable, linger_seconds } = commonSourceConfig;

const config = Type.Object({
  library: Type.String({
    minLength: 1,
    description: 'libvnxvideo.so or vnxvideo.dll, in any folder: the built-in file source',
  }),
  factory: Type.Union(
    [Type.Literal('create_file_media_source'), Type.Literal('create_media_file_live_source'), Type.String()],
    {
      default: 'create_file_media_source',
      description: 'create_file_media_source, or the old create_media_file_live_source',
    },
  ),
  init: Type.Object(
    {
      file: Type.String({ minLength: 1, description: 'MP4, MPEG-TS or Matroska' }),
      loop: Type.Boolean({ default: true, description: 'begin again at the end' }),
      speed: Type.Number({
        default: 1,
        minimum: 0,
        maximum: 100,
        description: 'factor of real time, 0: as fast as possible; sound only at 1 and 0',
      }),
    },
    { description: 'what the file source is to play' },
  ),
  dynamic,
  enable,
  linger_seconds,
});

const libraries = /(^|[/\\])(libvnxvideo\.so|vnxvideo\.dll)$/i;
const factories = ['create_file_media_source', 'create_media_file_live_source'];

function check(c: Static<typeof config>): ProblemText[] {
  const unsupported = (pointer: string, reason: string): ProblemText => ({
    severity: 'error',
    code: 'unsupported',
    pointer,
    reason,
  });
  if (!libraries.test(c.library))
    return [
      unsupported('/library', 'expected libvnxvideo.so or vnxvideo.dll: other libraries are not loaded by this build'),
    ];
  if (!factories.includes(c.factory))
    return [unsupported('/factory', `expected ${factories.join(' or ')}, got another`)];
  return [];
}

export default defineObjectType({
  type: 'mediasourceplugin',
  aliases: ['h264sourceplugin'],
  summary: 'Plays a video file as a live source, configured as the built-in plugin of old.',
  stage: 'media',
  config,
  provides: { media: LiveMedia },
  consumes: {},
  interfaces: [VideoSource],
  check,
  create: async context => {
    const { FileSource } = await import('#player/file-source');
    const { init, dynamic, enable, linger_seconds } = context.config;
    return new FileSource(context, { ...init, dynamic, enable, linger_seconds });
  },
});
