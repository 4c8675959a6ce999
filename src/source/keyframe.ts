/**
 * The newest keyframe as a fragmented MP4 of one sample (docs/spec/api.md 4.1): a picture
 * for those who have a decoder of their own.
 */
import type { LiveMedia } from '#capability/live-media';
import type { MediaAnswer } from '#core/bytes';
import { Fault } from '#core/errors';
import { isoTime } from '#core/time';
import type { Clock } from '#core/world';
import type { AccessUnit } from '#media/access-unit';
import { oneSampleFile } from '#mp4/one-sample';
import { Wait } from './wait.ts';

/** How long a caller waits for the first keyframe of an idle source. */
const waitMs = 10_000;

/** `kept`: what the hub has; without it the next keyframe is awaited, which wakes a dynamic source. */
export async function keyframeAnswer(
  kept: AccessUnit | undefined,
  media: LiveMedia,
  clock: Clock,
): Promise<MediaAnswer> {
  const unit = kept ?? (await nextKeyframe(media, clock));
  return {
    contentType: 'video/mp4',
    headers: { 'x-timestamp': isoTime(unit.wallMs), 'cache-control': 'no-cache' },
    body: oneSampleFile(unit.run, unit),
  };
}

async function nextKeyframe(media: LiveMedia, clock: Clock): Promise<AccessUnit> {
  const wait = new Wait<AccessUnit>(
    clock,
    waitMs,
    () => new Fault('overload', 'unavailable', 'expected a key frame within 10 s, none came'),
  );
  const attached = media.attach(
    {
      unit: unit =>
        unit.run.tracks[unit.track]?.kind === 'video'
          ? wait.done(unit)
          : wait.fail(new Fault('absent', 'no-data', 'the stream has no video')),
      gap: () => {},
    },
    { who: 'keyframe', from: 'keyframe' },
  );
  try {
    return await wait.promise;
  } finally {
    attached.close();
  }
}
