/** Node's MessagePort, and a Worker's own channel, as `Port` (core/wire.ts). */
import { MessageChannel, MessagePort } from 'node:worker_threads';
import type { Port } from '#core/wire';

const wrapped = new WeakMap<Port, MessagePort>();

/** A message port as core/world.ts has it. */
export function portOf(port: MessagePort): Port {
  const mine: Port = {
    post: (message, transfer = []) =>
      port.postMessage(
        message,
        transfer.map(t => (t instanceof ArrayBuffer ? t : messagePortOf(t))),
      ),
    onMessage: take => void port.on('message', take),
    onClose: then => void port.once('close', then),
    close: () => port.close(),
  };
  wrapped.set(mine, port);
  return mine;
}

/** The Node port behind one of ours, for sending it away. */
export function messagePortOf(port: Port): MessagePort {
  const found = wrapped.get(port);
  if (!found) throw new TypeError('not a port of this process');
  return found;
}

export const isMessagePort = (value: unknown): value is MessagePort => value instanceof MessagePort;

/** Two ends of a new connection between threads or within one. */
export function channel(): readonly [Port, Port] {
  const { port1, port2 } = new MessageChannel();
  return [portOf(port1), portOf(port2)];
}
