/** The context an object is born with, and a record of what it said through it. */
import type { Attempt, Context, ObjectType, OwnState } from '#core/define';
import { Scope } from '#core/scope';
import type { World } from '#core/world';

export interface FakeContext extends Context<any> {
  readonly said: { states: (OwnState | 'failed')[]; events: { topic: string; data: unknown }[]; faults: unknown[] };
  /** Resolves when the running attempt of `persist` has ended; attempts are not repeated unless the test calls `again`. */
  again(): Promise<void>;
}

/** `persist` runs each attempt once; a failure is recorded in `said.faults`. */
export function fakeContext(
  type: ObjectType,
  name: string,
  config: Record<string, unknown>,
  world: World,
): FakeContext {
  const said: FakeContext['said'] = { states: [], events: [], faults: [] };
  const scope = new Scope(name, e => said.faults.push(e));
  const tasks: (() => Promise<void>)[] = [];
  const run = async (what: string, attempt: (a: Attempt) => Promise<void>): Promise<void> => {
    const inner = scope.child(what);
    try {
      await attempt({ scope: inner, signal: inner.signal, healthy: () => said.states.push('running') });
    } catch (e) {
      said.faults.push(e);
      said.states.push('failed');
    }
    await inner.close();
    scope.forget(inner);
  };
  return {
    name,
    type: type.type,
    config: Object.freeze({ ...config }),
    world,
    scope,
    log: world.log,
    said,
    emit: (topic, data) => void said.events.push({ topic, data }),
    announce: () => {},
    report: state => void said.states.push(state),
    state: () => said.states.at(-1) ?? 'starting',
    persist: (what, attempt) => {
      tasks.push(() => run(what, attempt));
      scope.run(what, () => run(what, attempt));
      return { hasten: () => {} };
    },
    again: async () => {
      for (const t of tasks) await t();
    },
  };
}
