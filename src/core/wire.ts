/**
 * Calls between threads: two peers on one port, each may call the other's methods. What
 * crosses is plain data; a Fault stays a Fault; the body of a MediaAnswer that is a
 * ByteSource stays a ByteSource, pulled piece by piece, so that a slow reader holds one
 * piece and nothing more; so does a ByteStream that is `body` of a call's last argument, in the other direction, until
 * the call ends. A body or piece goes over as a copy of its own unless it fills its
 * buffer as a piece of a stream: those belong to who pulled them (core/bytes.ts) and move.
 */
import { type ByteSource, type ByteStream, isByteSource, isByteStream, type MediaAnswer } from '#core/bytes';
import { Fault, faultFrom, faultOf, type PlainFault, plainFault } from '#core/errors';

export interface Port {
  /** Plain data (structured clone); what is in `transfer` moves instead of being copied. */
  post(message: unknown, transfer?: readonly (ArrayBuffer | Port)[]): void;
  onMessage(take: (message: unknown) => void): void;
  /** The other side is gone. */
  onClose(then: () => void): void;
  close(): void;
}

export type Methods = Readonly<Record<string, (...args: any[]) => unknown>>;

type Message =
  | {
      readonly is: 'call';
      readonly id: number;
      readonly method: string;
      readonly args: readonly unknown[];
      /** Number of the stream that is the body of the last argument. */
      readonly lent?: number;
    }
  | { readonly is: 'tell'; readonly method: string; readonly args: readonly unknown[] }
  | { readonly is: 'result'; readonly id: number; readonly value: unknown; readonly source?: SourceRef }
  | { readonly is: 'fault'; readonly id: number; readonly fault: PlainFault }
  | {
      readonly is: 'open';
      readonly source: number;
      readonly stream: number;
      readonly begin?: number;
      readonly end?: number;
    }
  | { readonly is: 'pull'; readonly id: number; readonly stream: number }
  | { readonly is: 'shut'; readonly stream: number }
  | { readonly is: 'free'; readonly source: number };

/** A ByteSource that stays with the peer: number of it there, and its length. */
interface SourceRef {
  readonly number: number;
  readonly length: number | undefined;
}

interface Waiting {
  resolve(value: unknown): void;
  reject(fault: Fault): void;
}

/** One end of a wire. */
export class Peer {
  readonly #port: Port;
  readonly #methods: Methods;
  readonly #waiting = new Map<number, Waiting>();
  readonly #sources = new Map<number, ByteSource>();
  readonly #streams = new Map<number, ByteStream>();
  #next = 1;
  #closed = false;

  constructor(port: Port, methods: Methods = {}) {
    this.#port = port;
    this.#methods = methods;
    port.onMessage(m => this.#take(m as Message));
    port.onClose(() => this.#end());
  }

  /** Calls a method of the other side. Rejects with its Fault, or `cancelled` when the wire ends first. */
  call(method: string, ...args: readonly unknown[]): Promise<any> {
    const last = args.at(-1) as { readonly body?: unknown } | undefined;
    const body = typeof last === 'object' && last !== null ? last.body : undefined;
    if (!isByteStream(body)) return this.#ask(id => ({ is: 'call', id, method, args }));
    // Numbers that the other side chooses are above zero.
    const lent = -this.#next++;
    this.#streams.set(lent, body);
    const plain = [...args.slice(0, -1), { ...last, body: undefined }];
    return this.#ask(id => ({ is: 'call', id, method, args: plain, lent })).finally(() => this.#shut(lent));
  }

  /** Calls a method of the other side and wants no answer. */
  tell(method: string, ...args: readonly unknown[]): void {
    if (!this.#closed) this.#port.post({ is: 'tell', method, args } satisfies Message);
  }

  close(): void {
    if (this.#closed) return;
    this.#end();
    this.#port.close();
  }

  #ask(message: (id: number) => Message): Promise<unknown> {
    if (this.#closed) return Promise.reject(gone());
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      try {
        this.#port.post(message(id));
      } catch (e) {
        this.#waiting.delete(id);
        reject(faultFrom(e));
      }
    });
  }

  #take(message: Message): void {
    switch (message.is) {
      case 'call':
        void this.#answer(message.id, async () => this.#method(message.method)(...this.#borrowed(message)));
        break;
      case 'tell':
        this.#method(message.method)(...message.args);
        break;
      case 'result':
        this.#settle(message.id)?.resolve(message.source ? this.#adopt(message.value, message.source) : message.value);
        break;
      case 'fault':
        this.#settle(message.id)?.reject(faultOf(message.fault));
        break;
      case 'open': {
        const source = this.#sources.get(message.source);
        if (source) this.#streams.set(message.stream, source.open(message.begin, message.end));
        break;
      }
      case 'pull':
        void this.#answer(
          message.id,
          async () => (await this.#streams.get(message.stream)?.next()) ?? this.#shut(message.stream),
        );
        break;
      case 'shut':
        this.#shut(message.stream);
        break;
      case 'free':
        this.#sources.get(message.source)?.close();
        this.#sources.delete(message.source);
        break;
      default:
        message satisfies never;
    }
  }

  #method(name: string): (...args: any[]) => unknown {
    const method = Object.hasOwn(this.#methods, name) ? this.#methods[name] : undefined;
    if (!method) throw new Fault('bug', 'internal', `no method "${name}" on this wire`);
    return method;
  }

  async #answer(id: number, work: () => Promise<unknown>): Promise<void> {
    try {
      const value = await work();
      if (this.#closed) return;
      if (value instanceof Uint8Array) return this.#post({ is: 'result', id, value: owned(value) }, value);
      const answer = value as Partial<MediaAnswer> | undefined;
      const body = typeof answer === 'object' && answer !== null ? answer.body : undefined;
      if (body instanceof Uint8Array) return this.#post({ is: 'result', id, value: { ...answer, body: body.slice() } });
      if (body !== undefined && isByteSource(body)) {
        const number = this.#next++;
        this.#sources.set(number, body);
        const source: SourceRef = { number, length: body.length };
        return this.#post({ is: 'result', id, value: { ...answer, body: undefined }, source });
      }
      this.#post({ is: 'result', id, value });
    } catch (e) {
      if (!this.#closed) this.#port.post({ is: 'fault', id, fault: plainFault(e) } satisfies Message);
    }
  }

  #post(message: Message & { is: 'result' }, piece?: Uint8Array): void {
    const moved = piece === undefined ? undefined : (message.value as Uint8Array).buffer;
    this.#port.post(message, moved instanceof ArrayBuffer ? [moved] : []);
  }

  /** The other side's source, as one of ours. */
  #adopt(value: unknown, { number, length }: SourceRef): unknown {
    const body: ByteSource = {
      length,
      open: (begin, end) => {
        const stream = this.#next++;
        const range = { ...(begin === undefined ? {} : { begin }), ...(end === undefined ? {} : { end }) };
        if (!this.#closed) this.#port.post({ is: 'open', source: number, stream, ...range } satisfies Message);
        return this.#pulled(stream);
      },
      close: () => {
        if (!this.#closed) this.#port.post({ is: 'free', source: number } satisfies Message);
      },
    };
    return { ...(value as object), body };
  }

  /** The arguments of a call, with the body that stayed on the other side as a stream of ours. */
  #borrowed({ args, lent }: Message & { is: 'call' }): readonly unknown[] {
    if (lent === undefined) return args;
    return [...args.slice(0, -1), { ...(args.at(-1) as object), body: this.#pulled(lent) }];
  }

  /** A stream of the other side. */
  #pulled(stream: number): ByteStream {
    let shut = false;
    return {
      next: async () =>
        shut ? undefined : ((await this.#ask(id => ({ is: 'pull', id, stream }))) as Uint8Array | undefined),
      close: () => {
        if (!shut && !this.#closed) this.#port.post({ is: 'shut', stream } satisfies Message);
        shut = true;
      },
    };
  }

  #shut(stream: number): undefined {
    this.#streams.get(stream)?.close();
    this.#streams.delete(stream);
    return undefined;
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const w of this.#waiting.values()) w.reject(gone());
    for (const s of this.#streams.values()) s.close();
    for (const s of this.#sources.values()) s.close();
    this.#waiting.clear();
    this.#streams.clear();
    this.#sources.clear();
  }
}

const gone = (): Fault => new Fault('cancelled', 'unavailable', 'the thread that was asked has ended');

/** A view that fills its buffer moves; a part of a larger one is copied out, since cloning would copy all of it. */
const owned = (piece: Uint8Array): Uint8Array =>
  piece.buffer instanceof ArrayBuffer && piece.byteLength === piece.buffer.byteLength ? piece : piece.slice();

/** Answers calls that come on the port. */
export const serve = (port: Port, methods: Methods): Peer => new Peer(port, methods);

/** Calls the other side of the port. */
export const connectRemote = (port: Port): Peer => new Peer(port);
