/** The object type `mediafile`: a file played as if it were a camera (docs/spec/config.md 8.5). */
import { LiveMedia } from '#capability/live-media';
import { defineObjectType } from '#core/define';
import { VideoSource } from '#interface/video-source';
import { mediaFileConfig } from './config.ts';

const mediafile = defineObjectType({
  type: 'mediafile',
  summary: 'Plays a video file as a live source, in a loop if wanted.',
  stage: 'media',
  config: mediaFileConfig,
  provides: { media: LiveMedia },
  consumes: {},
  interfaces: [VideoSource],
  create: async context => {
    const { FileSource } = await import('#player/file-source');
    return new FileSource(context, context.config);
  },
});

export default mediafile;
