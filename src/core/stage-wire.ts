/** A stage in another thread: the same calls and the same news, over a wire. */

import type { State } from '#core/define';
import type { Event } from '#core/published';
import type { Ask, Stage, StageHandle, StageNews } from '#core/stage';
import { Peer, type Port } from '#core/wire';

/** The stage's side: makes the stage with news and questions that go over the port, and serves it. */
export function serveStage(port: Port, make: (news: StageNews, ask: Ask) => Stage): void {
  const stage = make(
    {
      reported: (...news) => peer.tell('reported', ...news),
      announced: (...news) => peer.tell('announced', ...news),
      emitted: event => peer.tell('emitted', event),
    },
    (...question) => peer.call('ask', ...question),
  );
  const methods: { readonly [K in keyof StageHandle]: (...args: any[]) => unknown } = {
    create: spec => stage.create(spec),
    link: (name, links) => stage.link(name, links),
    start: name => stage.start(name),
    apply: (name, config) => stage.apply(name, config),
    stop: name => stage.stop(name),
    call: (name, interfaceName, functionName, args, call) => stage.call(name, interfaceName, functionName, args, call),
    ask: (name, slot, functionName, args) => stage.ask(name, slot, functionName, args),
  };
  const peer = new Peer(port, methods);
}

/** The runtime's side. `ask` reaches the other stages. */
export function remoteStage(port: Port, news: StageNews, ask: Ask): StageHandle {
  const peer = new Peer(port, {
    reported: (name: string, state: State, error: string | undefined) => news.reported(name, state, error),
    announced: (name: string, urls: readonly string[]) => news.announced(name, urls),
    emitted: (event: Event) => news.emitted(event),
    ask: (...question: Parameters<Ask>) => ask(...question),
  });
  return {
    create: spec => peer.call('create', spec),
    link: (name, links) => peer.call('link', name, links),
    start: name => peer.call('start', name),
    apply: (name, config) => peer.call('apply', name, config),
    stop: name => peer.call('stop', name),
    call: (...args) => peer.call('call', ...args),
    ask: (...question) => peer.call('ask', ...question),
  };
}
