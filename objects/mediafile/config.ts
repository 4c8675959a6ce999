/** Properties of a mediafile (docs/spec/config.md 8.5). */
import { Type } from '#core/schema';
import { commonSourceConfig } from '#source/config';

const { dynamic, enable, linger_seconds } = commonSourceConfig;

export const mediaFileConfig = Type.Object({
  file: Type.String({
    minLength: 1,
    description: 'MP4, MPEG-TS or Matroska; H.264, H.265, and what else a source can have',
  }),
  loop: Type.Boolean({ default: true, description: 'begin again at the end' }),
  speed: Type.Number({
    default: 1,
    minimum: 0,
    maximum: 100,
    description: 'factor of real time, 0: as fast as possible; sound only at 1 and 0',
  }),
  dynamic,
  enable,
  linger_seconds,
});
