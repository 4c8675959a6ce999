/** A source whose media others publish into it (docs/spec/config.md 8.5, api.md 4.3). */
import { Ingest } from '#capability/ingest';
import { LiveMedia } from '#capability/live-media';
import { type Context, defineObjectType, type Instance } from '#core/define';
import type { ProblemText } from '#core/problem';
import { type Static, Type } from '#core/schema';
import { PushSource } from '#interface/push-source';
import { VideoSource } from '#interface/video-source';
import { checkEnable, commonSourceConfig } from '#source/config';

const config = Type.Object({
  protocols: Type.Array(Type.Union([Type.Literal('whip'), Type.Literal('rtsp'), Type.Literal('ts')]), {
    default: ['whip', 'rtsp', 'ts'],
    minItems: 1,
    uniqueItems: true,
    description:
      'ways in: "rtsp" (ANNOUNCE and RECORD at a linked rtspsrv), "ts" (POST of MPEG-TS at a linked webserver), "whip" (not in this build yet)',
  }),
  takeover: Type.Boolean({
    default: false,
    description: 'a second publisher takes the place of the first; false: it is refused',
  }),
  timeout: Type.Number({
    default: 10,
    exclusiveMinimum: 0,
    maximum: 3600,
    unit: 's',
    description: 'a publisher that sends no media for so long is disconnected',
  }),
  enable: commonSourceConfig.enable,
  time: commonSourceConfig.time,
});
const provides = { media: LiveMedia, ingest: Ingest };
const interfaces = [VideoSource, PushSource] as const;

export type PushContext = Context<typeof config>;
export type PushContract = Instance<typeof config, typeof provides, Record<never, never>, typeof interfaces>;

function check(c: Static<typeof config>): ProblemText[] {
  const found: ProblemText[] = [];
  found.push(...checkEnable(c));
  // The default means every way there is, and says nothing of one in particular.
  if (c.protocols.includes('whip') && c.protocols.length < 3)
    found.push({
      severity: 'warning',
      code: 'no-effect',
      pointer: '/protocols',
      reason: 'WHIP is not in this build yet: nobody can publish by it',
    });
  return found;
}

export default defineObjectType({
  type: 'push',
  summary: 'Takes what somebody publishes, and offers it as live media.',
  stage: 'media',
  config,
  provides,
  consumes: {},
  interfaces,
  check,
  create: async (context: PushContext): Promise<PushContract> => {
    const { Push } = await import('./push.ts');
    return new Push(context);
  },
});
