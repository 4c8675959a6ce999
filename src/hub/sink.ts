/**
 * Who takes what a source gives. Calls are synchronous and come from the source's own loop,
 * so a sink never waits and never throws: it keeps the unit, or counts it as dropped, within
 * a limit of its own in bytes.
 */
import type { AccessUnit } from '#media/access-unit';
import type { Gap } from '#media/gap';

export interface Sink {
  /**
   * In decoding order per track. The first unit a sink gets, the first of a new run (`unit.run`
   * is another) and the first after a gap is a keyframe of the video track, if there is one.
   */
  unit(unit: AccessUnit): void;
  /**
   * The source has stopped delivering; told again only after media has flowed in between or the
   * reason changes. A sink that attaches during a gap is told it first.
   */
  gap(gap: Gap): void;
}
