import type { LiveMedia } from '#capability/live-media';
import type { MediaAnswer } from '#core/bytes';
import { Fault } from '#core/errors';
import type { Clock } from '#core/world';
import type { AccessUnit } from '#media/access-unit';

/** The newest keyframe as a file. Until the fragmenter is there the call is refused. */
export async function keyframeAnswer(
  _kept: AccessUnit | undefined,
  _media: LiveMedia,
  _clock: Clock,
): Promise<MediaAnswer> {
  throw new Fault('unsupported', 'not-implemented', 'key frames are not available in this build');
}
