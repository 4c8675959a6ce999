/** The object type `recctl`: recording on command and because of rules (docs/spec/config.md 10.2). */
import { LiveMedia } from '#capability/live-media';
import { MediaStorage } from '#capability/media-storage';
import { RecordControl } from '#capability/record-control';
import { many } from '#core/capability';
import { defineObjectType } from '#core/define';
import { RecordingController } from '#interface/recording-controller';
import { recctlConfig } from './config.ts';

export default defineObjectType({
  type: 'recctl',
  summary: 'Records its sources into its archives while there is a cause, with what was shortly before and after.',
  stage: 'media',
  config: recctlConfig,
  provides: { control: RecordControl },
  consumes: { sources: many(LiveMedia), storages: many(MediaStorage) },
  interfaces: [RecordingController],
  create: async context => {
    const { Recctl } = await import('./recctl.ts');
    return new Recctl(context);
  },
});
