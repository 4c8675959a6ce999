/** Capability `record-control`: starts and stops a recording, for rules (docs/spec/config.md 10.2, 10.3). */
import { capability } from '#core/capability';

/** A recording goes on while at least one cause holds. */
export interface RecordControl {
  /**
   * The cause holds for so long from now, or until it is released. Whoever holds one for longer says so
   * again in time: if it vanishes, its cause goes with it.
   */
  hold(cause: string, seconds: number): Promise<void>;
  /** The cause is over; nothing if it does not hold. */
  release(cause: string): Promise<void>;
}

export const RecordControl = capability<RecordControl>('record-control', 'Records while there is a cause.', {
  calls: ['hold', 'release'],
});
