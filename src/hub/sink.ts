/**
 * Who takes what a source gives. Calls are synchronous and come from the source's own loop,
 * so a sink never waits and never throws: it keeps the unit, or counts it as dropped, within
 * a limit of its own in bytes.
 */
import type { AccessUnit } from '#media/access-unit';
import type { Gap } from '#media/gap';

export interface Sink {
  /** In decoding order per track. The first unit a sink gets is a keyframe of the video track, if there is one. `unit.run` changes at a new run, which begins with a keyframe. */
  unit(unit: AccessUnit): void;
  /** The source has stopped delivering; told again only after media has flowed in between or the reason changes. */
  gap(gap: Gap): void;
}
