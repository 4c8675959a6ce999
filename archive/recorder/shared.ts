/** What the tracks of one archive share while it is recorded. */
import type { Fault } from '#core/errors';
import type { Files } from '#core/world';
import type { GapNote, Note } from '../library/notes.ts';
import type { RotationLimits } from './rotation.ts';
import type { WriteBudget } from './write-budget.ts';

export interface Shared {
  readonly files: Files;
  readonly folder: string;
  readonly budget: WriteBudget;
  readonly limits: () => RotationLimits;
  readonly monotonicMs: () => number;
  readonly wallMs: () => number;
  /** A limit is passed and nothing deletable is left, of the archive or of this track. */
  readonly full: (track: string) => boolean;
  /** To the library, in order. */
  readonly say: (note: Note) => void;
  readonly gapStarted: (gap: GapNote) => void;
  readonly gapEnded: (gap: GapNote) => void;
  /** The disk, or a codec, makes trouble. */
  readonly trouble: (track: string, fault: Fault) => void;
}
