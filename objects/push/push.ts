/**
 * The object: a place for one publisher at a time, and the live source that it feeds. Nobody
 * there is state `idle`; media that flow are `running`; a publisher that sends none for
 * `timeout` is disconnected, and the object is `failed` until somebody publishes again.
 */
import type { Ingest, Publication, Publisher } from '#capability/ingest';
import type { MediaAnswer } from '#core/bytes';
import type { Attempt } from '#core/define';
import { Fault } from '#core/errors';
import type { Call } from '#core/interface';
import { isoTime } from '#core/time';
import type { AccessUnit } from '#media/access-unit';
import type { Gap, GapReason } from '#media/gap';
import { LiveSource } from '#source/live-source';
import type { PushContext, PushContract } from './index.ts';
import { publishTransportStream } from './transport-stream.ts';

const tickMs = 1_000;

/** Further ahead the time of the stream has jumped, and says nothing. */
const mostAheadMs = 60_000;

interface Place {
  readonly publisher: Publisher;
  readonly sinceMs: number;
  lastUnitMs: number;
  lastWallMs: number;
}

export class Push {
  readonly #context: PushContext;
  readonly #source: LiveSource;
  readonly provides: PushContract['provides'];
  readonly published: PushContract['published'];
  #place: Place | undefined;
  #runId = 0;
  /** What the next attempt fails with, unless media flow before. */
  #failure: Fault | undefined;
  #failed: (() => void) | undefined;

  constructor(context: PushContext) {
    this.#context = context;
    this.#source = new LiveSource(context);
    const { enable, time } = context.config;
    const ingest: Ingest = {
      wants: { video: enable.includes('video'), audio: enable.includes('audio') },
      time,
      publish: publisher => this.#publish(publisher),
    };
    this.provides = { ...this.#source.provides, ingest };
    this.published = {
      ...this.#source.published,
      PushSource: {
        publish: (_, call) => this.#publishBody(call),
        publication: () => this.#publication(),
        unpublish: () => this.#end(this.#place, 'ended by command', 'no-media'),
      },
    };
    context.scope.own('publisher', this, () => this.#end(this.#place, 'the source stops', 'no-media'));
  }

  start(): void {
    const { clock } = this.#context.world;
    this.#context.report('idle');
    this.#source.gap({ reason: 'no-media', atMs: clock.wallMs() });
    this.#context.scope.own(
      'tick',
      clock.every(tickMs, () => this.#tick()),
      timer => timer.cancel(),
    );
    this.#context.persist('publication', attempt => this.#attempt(attempt));
  }

  /** Fails when a publisher has; publishers do not wait for it. */
  async #attempt({ signal }: Attempt): Promise<void> {
    if (this.#failure === undefined)
      await new Promise<void>(done => {
        this.#failed = done;
        signal.addEventListener('abort', () => done(), { once: true });
      });
    this.#failed = undefined;
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure;
  }

  #publishBody({ body, caller }: Call): Promise<MediaAnswer> {
    if (!body) throw new Fault('argument', 'bad-argument', 'expected a body to publish, got none');
    const { world, log } = this.#context;
    return publishTransportStream({ world, log, ingest: this.provides.ingest, from: caller.address, body });
  }

  #publish(publisher: Publisher): Publication {
    const { config, name, world, scope, log, emit } = this.#context;
    const { protocol, from } = publisher;
    if (scope.signal.aborted) throw new Fault('state', 'conflict', `${name} stops`);
    if (!config.protocols.includes(protocol))
      throw new Fault(
        'forbidden',
        'forbidden',
        `expected one of ${config.protocols.join(', ')} into ${name}, got ${protocol}`,
      );
    if (this.#place) {
      if (!config.takeover)
        throw new Fault('state', 'busy-publisher', `${name}: ${this.#place.publisher.from} publishes already`);
      this.#end(this.#place, `${from} has taken over`, 'no-media');
    }
    const nowMs = world.clock.monotonicMs();
    const place: Place = { publisher, sinceMs: world.clock.wallMs(), lastUnitMs: nowMs, lastWallMs: 0 };
    this.#place = place;
    log.debug('publish-begins', { protocol, from });
    emit('PublishStarted', { state: true, protocol, from });
    return {
      nextRunId: () => ++this.#runId,
      unit: unit => this.#unit(place, unit),
      gap: gap => this.#gap(place, gap),
      close: reason => this.#leave(place, reason),
    };
  }

  #unit(place: Place, unit: AccessUnit): void {
    if (place !== this.#place) return;
    place.lastUnitMs = this.#context.world.clock.monotonicMs();
    if (place.lastWallMs === 0) {
      this.#failure = undefined;
      this.#context.report('running');
    }
    place.lastWallMs = unit.wallMs;
    this.#source.unit(unit);
  }

  #gap(place: Place, gap: Gap): void {
    if (place === this.#place) this.#source.gap(gap);
  }

  #tick(): void {
    const place = this.#place;
    const { config, world, name } = this.#context;
    const timeoutMs = config.timeout * 1000;
    if (!place || world.clock.monotonicMs() - place.lastUnitMs < timeoutMs) return;
    // Whoever is ahead is made to wait: silence counts from when the last media are due.
    const overdueMs = world.clock.wallMs() - place.lastWallMs;
    if (overdueMs < timeoutMs && overdueMs > -mostAheadMs) return;
    const why = `no media for ${config.timeout} s`;
    this.#failure = new Fault('timeout', 'no-media', `${name}: expected media of ${place.publisher.from}, got ${why}`);
    this.#end(place, why, 'no-media');
    this.#failed?.();
  }

  /** Of our own accord: the publisher is told. */
  #end(place: Place | undefined, why: string, reason: GapReason): void {
    if (!place || place !== this.#place) return;
    this.#leave(place, reason);
    place.publisher.ended(why);
  }

  #leave(place: Place, reason: GapReason): void {
    if (place !== this.#place) return;
    this.#place = undefined;
    const { world, log, emit, report } = this.#context;
    const { protocol, from } = place.publisher;
    this.#source.gap({ reason, atMs: place.lastWallMs > 0 ? place.lastWallMs : world.clock.wallMs() });
    log.debug('publish-ends', { protocol, from, reason });
    emit('PublishEnded', { state: false, protocol, from });
    if (this.#failure === undefined && this.#context.state() === 'running') report('idle');
  }

  #publication() {
    const place = this.#place;
    return {
      publishing: place !== undefined,
      since: place ? isoTime(place.sinceMs) : null,
      from: place?.publisher.from ?? null,
      protocol: place?.publisher.protocol ?? null,
    };
  }
}
