/** The object type `storage`: an archive in a folder, which records every linked source permanently (docs/spec/config.md 10.1). */
import { LiveMedia } from '#capability/live-media';
import { MediaStorage } from '#capability/media-storage';
import { RecordedMedia } from '#capability/recorded-media';
import { many } from '#core/capability';
import { defineObjectType, type Instance } from '#core/define';
import { VideoStorage } from '#interface/video-storage';
import { checkStorage, config } from './config.ts';

const provides = { media: MediaStorage, recorded: RecordedMedia };
const consumes = { sources: many(LiveMedia) };
const interfaces = [VideoStorage] as const;

/** What an object of this type is. */
export type StorageContract = Instance<typeof config, typeof provides, typeof consumes, typeof interfaces>;

export default defineObjectType({
  type: 'storage',
  aliases: ['storage.local'],
  summary: 'An archive: records the linked sources into a folder, a ring with limits.',
  stage: 'media',
  config,
  provides,
  consumes,
  check: checkStorage,
  interfaces,
  create: async context => {
    const { createStorage } = await import('./storage.ts');
    return createStorage(context);
  },
});
