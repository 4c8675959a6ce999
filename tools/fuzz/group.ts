/** What is fuzzed together under one budget of bytes. */
import type { SeededRandom } from '#fake/world';

export interface Group {
  readonly name: string;
  /**
   * Something made anew takes bent input from its beginning to its end. How many bytes went
   * in; throws when something is wrong. All chance comes from `random`, so that one round can be had again.
   */
  readonly round: (random: SeededRandom) => number | Promise<number>;
}

export function check(holds: boolean, says: string): asserts holds {
  if (!holds) throw new Error(says);
}
