/** The event service by pull points: ONVIF Core 9.2, WS-BaseNotification. Subscriptions end at their time, a reboot ends all. */

import { durationMs, SoapFault } from './soap.ts';
import {
  type Dialect,
  type Happening,
  type Notice,
  noticesOf,
  noticeXml,
  topicMatches,
  topicNamespaces,
  topicsOf,
} from './topics.ts';
import type { Handler, Services } from './view.ts';
import { child, type Element, leaf, node, textAt } from './xml.ts';

export const subscriptionPath = '/onvif/subscription';
/** Where Axis has the id of a subscription: in reference parameters that clients must send back as headers. */
const referenceNamespace = 'http://www.axis.com/2009/event';

const defaultLifeMs = 60_000;
/** Messages that wait for one client; then the oldest go, as in real devices. */
const queueLimit = 1000;
const subscriptionLimit = 32;
const longestPullMs = 60_000;

interface Waiting {
  readonly notice: Notice;
  readonly atMs: number;
  readonly operation: 'Initialized' | 'Changed';
}

interface Subscription {
  readonly id: string;
  readonly accepts: (topic: string) => boolean;
  endsMs: number;
  queue: Waiting[];
  wake: (() => void) | undefined;
}

export interface SubscriptionsOptions {
  readonly dialect: Dialect;
  readonly videoSource: string;
  /** Ids go through reference parameters, all subscriptions have one address. */
  readonly referenceParameters: boolean;
  /** A pull keeps its subscription alive, as ONVIF Core has it; without it only Renew does, as at many devices. */
  readonly pullRenews: boolean;
  /** Real time: a wrong clock of the device does not change how long things last. */
  readonly elapsedMs: () => number;
}

export class Subscriptions {
  readonly #options: SubscriptionsOptions;
  readonly #all = new Map<string, Subscription>();
  /** The last state of each property, by topic and source. */
  readonly #states = new Map<string, Notice>();
  #last = 0;

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
  }

  get dialect(): Dialect {
    return this.#options.dialect;
  }

  get referenceParameters(): boolean {
    return this.#options.referenceParameters;
  }

  /** Those that have not ended. */
  get open(): number {
    this.#bury();
    return this.#all.size;
  }

  happen(happening: Happening, wallMs: number): void {
    for (const notice of noticesOf(happening, this.#options.dialect, this.#options.videoSource))
      this.#tell(notice, wallMs);
  }

  create(accepts: (topic: string) => boolean, lifeMs: number, wallMs: number): Subscription {
    this.#bury();
    if (this.#all.size >= subscriptionLimit)
      throw new SoapFault(
        'Receiver',
        ['Action', 'MaxPullPoints'],
        `there are ${subscriptionLimit} subscriptions already`,
      );
    this.#last += 1;
    const created: Subscription = {
      id: String(this.#last),
      accepts,
      endsMs: this.#options.elapsedMs() + lifeMs,
      queue: [],
      wake: undefined,
    };
    this.#all.set(created.id, created);
    this.synchronize(created, wallMs);
    return created;
  }

  /** Throws where there is none (any more), as WS-ResourceFramework names it. */
  get(id: string | undefined): Subscription {
    this.#bury();
    const found = this.#all.get(id ?? '');
    if (!found)
      throw new SoapFault('Sender', ['ResourceUnknownFault'], `there is no subscription ${JSON.stringify(id ?? '')}`);
    return found;
  }

  renew(s: Subscription, lifeMs: number): void {
    s.endsMs = this.#options.elapsedMs() + lifeMs;
  }

  leftMs(s: Subscription): number {
    return s.endsMs - this.#options.elapsedMs();
  }

  end(s: Subscription): void {
    this.#all.delete(s.id);
    s.wake?.();
  }

  /** All are gone, and nobody is told. */
  forget(): void {
    for (const s of [...this.#all.values()]) this.end(s);
  }

  /** Queues the state of every property. */
  synchronize(s: Subscription, wallMs: number): void {
    for (const notice of this.#states.values()) queue(s, { notice, atMs: wallMs, operation: 'Initialized' });
  }

  /** At once if something waits, else when something comes or after `timeoutMs`. */
  async pull(s: Subscription, timeoutMs: number, limit: number, signal: AbortSignal): Promise<readonly Waiting[]> {
    s.wake?.();
    if (this.#options.pullRenews) this.renew(s, Math.max(this.leftMs(s), Math.min(timeoutMs, longestPullMs) + 10_000));
    if (s.queue.length === 0) {
      await new Promise<void>(resolve => {
        const done = (): void => {
          clearTimeout(timer);
          signal.removeEventListener('abort', done);
          if (s.wake === done) s.wake = undefined;
          resolve();
        };
        const timer = setTimeout(done, Math.min(timeoutMs, longestPullMs));
        s.wake = done;
        signal.addEventListener('abort', done, { once: true });
        if (signal.aborted) done();
      });
      this.get(s.id);
    }
    return s.queue.splice(0, Math.max(1, limit));
  }

  #tell(notice: Notice, wallMs: number): void {
    this.#bury();
    if (notice.property) this.#states.set(`${notice.topic} ${JSON.stringify(notice.source)}`, notice);
    for (const s of this.#all.values()) {
      queue(s, { notice, atMs: wallMs, operation: 'Changed' });
      if (s.queue.length > 0) s.wake?.();
    }
  }

  #bury(): void {
    const now = this.#options.elapsedMs();
    for (const s of [...this.#all.values()]) if (s.endsMs <= now) this.end(s);
  }
}

function queue(s: Subscription, w: Waiting): void {
  if (!s.accepts(w.notice.topic)) return;
  s.queue.push(w);
  if (s.queue.length > queueLimit) s.queue.shift();
}

/** WS-BaseNotification filters; a content filter is not understood and ignored, as by many devices. */
function filterOf(request: Element): (topic: string) => boolean {
  const expression = child(child(request, 'Filter'), 'TopicExpression');
  if (!expression) return () => true;
  return topic => topicMatches(expression.text, expression.prefixes, topic);
}

function lifeOf(text: string | undefined, nowMs: number): number {
  if (text === undefined) return defaultLifeMs;
  const ms = durationMs(text, nowMs);
  if (ms === undefined || ms <= 0)
    throw new SoapFault(
      'Sender',
      ['InvalidArgVal'],
      `expected a time to come or a duration, got ${JSON.stringify(text)}`,
    );
  return ms;
}

const times = (nowMs: number, leftMs: number, prefix: 'wsnt' | 'tev'): string =>
  leaf(`${prefix}:CurrentTime`, new Date(nowMs).toISOString()) +
  leaf(`${prefix}:TerminationTime`, new Date(nowMs + leftMs).toISOString());

export const eventService: Services['tev'] = {
  GetServiceCapabilities: () =>
    node(
      'tev:GetServiceCapabilitiesResponse',
      {},
      node('tev:Capabilities', {
        WSPullPointSupport: true,
        MaxPullPoints: subscriptionLimit,
        MaxNotificationProducers: 0,
      }),
    ),
  GetEventProperties: (_, d) => {
    const tree: Record<string, unknown> = {};
    for (const topic of topicsOf(d.subscriptions.dialect)) {
      let at = tree;
      for (const step of topic.split('/')) at = (at[step] ??= {}) as Record<string, unknown>;
    }
    const written = (at: Record<string, unknown>): string =>
      Object.entries(at)
        .map(([name, below]) => {
          const inner = written(below as Record<string, unknown>);
          return node(name, inner === '' ? { 'wstop:topic': true } : {}, inner);
        })
        .join('');
    return node(
      'tev:GetEventPropertiesResponse',
      {},
      leaf('tev:TopicNamespaceLocation', 'http://www.onvif.org/onvif/ver10/topics/topicns.xml'),
      leaf('wsnt:FixedTopicSet', true),
      node(
        'wstop:TopicSet',
        { 'xmlns:tnsaxis': topicNamespaces.tnsaxis, 'xmlns:tnshik': topicNamespaces.tnshik },
        written(tree),
      ),
      leaf('wsnt:TopicExpressionDialect', 'http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet'),
    );
  },
  CreatePullPointSubscription: (request, d) => {
    const lifeMs = lifeOf(textAt(request, 'InitialTerminationTime'), d.nowMs());
    const { id } = d.subscriptions.create(filterOf(request), lifeMs, d.nowMs());
    const { referenceParameters } = d.subscriptions;
    const address = leaf('wsa:Address', d.xaddr(referenceParameters ? subscriptionPath : `${subscriptionPath}/${id}`));
    const parameters = referenceParameters
      ? node('wsa:ReferenceParameters', {}, leaf('dom0:SubscriptionId', id, { 'xmlns:dom0': referenceNamespace }))
      : '';
    return node(
      'tev:CreatePullPointSubscriptionResponse',
      {},
      node('tev:SubscriptionReference', {}, address, parameters),
      times(d.nowMs(), lifeMs, 'wsnt'),
    );
  },
};

const mine: (...[, d, call]: Parameters<Handler>) => Subscription = (_, d, { header, path }) => {
  const byHeader = header?.children.find(c => c.namespace === referenceNamespace && c.name === 'SubscriptionId');
  return d.subscriptions.get(d.subscriptions.referenceParameters ? byHeader?.text.trim() : path.split('/')[3]);
};

export const subscriptionManager: Readonly<Record<string, Handler>> = {
  PullMessages: async (request, d, call) => {
    const s = mine(request, d, call);
    const timeoutMs = durationMs(textAt(request, 'Timeout'), 0);
    const limit = Number(textAt(request, 'MessageLimit'));
    if (timeoutMs === undefined || !Number.isInteger(limit) || limit < 1)
      throw new SoapFault('Sender', ['InvalidArgVal'], 'expected Timeout and MessageLimit');
    const pulled = await d.subscriptions.pull(s, timeoutMs, limit, call.signal);
    const notices = pulled.map(p => noticeXml(p.notice, p.atMs, p.operation));
    return node('tev:PullMessagesResponse', {}, times(d.nowMs(), d.subscriptions.leftMs(s), 'tev'), ...notices);
  },
  Renew: (request, d, call) => {
    const s = mine(request, d, call);
    d.subscriptions.renew(s, lifeOf(textAt(request, 'TerminationTime'), d.nowMs()));
    return node(
      'wsnt:RenewResponse',
      {},
      leaf('wsnt:TerminationTime', new Date(d.nowMs() + d.subscriptions.leftMs(s)).toISOString()),
      leaf('wsnt:CurrentTime', new Date(d.nowMs()).toISOString()),
    );
  },
  Unsubscribe: (request, d, call) => {
    d.subscriptions.end(mine(request, d, call));
    return node('wsnt:UnsubscribeResponse', {});
  },
  SetSynchronizationPoint: (request, d, call) => {
    const s = mine(request, d, call);
    d.subscriptions.synchronize(s, d.nowMs());
    s.wake?.();
    return node('tev:SetSynchronizationPointResponse', {});
  },
};
