/** The part of demand in one attempt to play (docs/design/architecture.md 5): whoever plays a live source waits for it, and stops with it. */
import type { Attempt, Context, Persistence } from '#core/define';
import type { LiveSource } from './live-source.ts';

/**
 * Waits until somebody wants the source, in state `idle` if nobody does now. The signal fires when nobody does any more, and
 * with the attempt's; it has fired already if the attempt ended while it waited.
 */
export async function demandSignal(
  context: Pick<Context, 'report'>,
  source: LiveSource,
  attempt: Attempt,
): Promise<AbortSignal> {
  if (!source.demanded) {
    context.report('idle');
    await source.whenDemanded(attempt.signal);
    if (!attempt.signal.aborted) context.report('starting');
  }
  const unwanted = new AbortController();
  attempt.scope.own(
    'demand',
    source.onDemand(demanded => demanded || unwanted.abort()),
    listening => listening.close(),
  );
  return AbortSignal.any([attempt.signal, unwanted.signal]);
}

/** Whoever wants a source that nobody wanted does not wait out the delay that failures before had led to. */
export function hastenOnDemand(context: Pick<Context, 'scope'>, source: LiveSource, task: Persistence): void {
  let before = source.demanded;
  const listening = source.onDemand(demanded => {
    if (demanded && !before) task.hasten();
    before = demanded;
  });
  context.scope.own('hasten on demand', listening, l => l.close());
}
