/** The object type `testsource`: a picture and a tone made here (docs/spec/config.md 8.5). */
import { LiveMedia } from '#capability/live-media';
import type { Context, Instance } from '#core/define';
import { defineObjectType } from '#core/define';
import { Type } from '#core/schema';
import { VideoSource } from '#interface/video-source';
import { commonSourceConfig } from '#source/config';

const config = Type.Object({
  dynamic: commonSourceConfig.dynamic,
  linger_seconds: commonSourceConfig.linger_seconds,
  size: Type.Tuple(
    [
      Type.Integer({ minimum: 32, maximum: 1920, multipleOf: 2 }),
      Type.Integer({ minimum: 32, maximum: 1080, multipleOf: 2 }),
    ],
    {
      default: [640, 360],
      description: '[width, height] in pixels, even. What does not fit in a small picture is left out, the clock last',
    },
  ),
  framerate: Type.Integer({ default: 25, minimum: 1, maximum: 60, description: 'pictures per second' }),
  gop: Type.Number({ default: 1, minimum: 0.02, maximum: 10, unit: 's', description: 'time between key frames' }),
  bitrate: Type.Integer({
    default: 500_000,
    minimum: 10_000,
    maximum: 12_000_000,
    unit: 'bit/s',
    description:
      'ceiling for the video, averaged over a group of pictures. The quantiser is chosen for it during the first ' +
      'groups, from the coarse side or with one group above it; then it stays. A picture with little to say, or the ' +
      'finest quantiser, may use less; a very small rate for the size cannot be kept and the coarsest is used',
  }),
  text: Type.Optional(
    Type.String({ maxLength: 80, description: "shown above the clock, ASCII; default: the object's name" }),
  ),
  audio: Type.Union([Type.Boolean(), Type.Literal('tone')], {
    default: false,
    description: "true or 'tone': a soft tone with a beep at every full second of UTC",
  }),
});

const provides = { media: LiveMedia };
const consumes = {};
const interfaces = [VideoSource] as const;

export type TestSourceContext = Context<typeof config>;
export type TestSourceContract = Instance<typeof config, typeof provides, typeof consumes, typeof interfaces>;

export default defineObjectType({
  type: 'testsource',
  summary: 'A moving picture with a readable UTC clock, made without any external program.',
  stage: 'media',
  config,
  provides,
  consumes,
  interfaces,
  create: async (context: TestSourceContext) => {
    const { TestSource } = await import('./test-source.ts');
    return new TestSource(context);
  },
});
