/**
 * Bytes that somebody else pulls: the body of a stream answer, in this thread or another.
 * Pulling is the flow control, so a reader that stops costs one piece and nothing more.
 */
export interface ByteStream {
  /** The next piece, or undefined at the end; a failure rejects. One call at a time. The piece belongs to the caller, who may move it to another thread: never hand out memory that somebody else still reads. */
  next(): Promise<Uint8Array | undefined>;
  /** No more is wanted; frees everything. May be called at any time, and twice. */
  close(): void;
}

/** Something that can be read, as a whole or from `begin` up to and not including `end`. */
export interface ByteSource {
  /** Bytes in all; undefined for an endless stream, which cannot be sliced. */
  readonly length: number | undefined;
  open(begin?: number, end?: number): ByteStream;
  /** Frees what the source itself holds. Streams already open go on. */
  close(): void;
}

export type Body = Uint8Array | string | ByteSource;

export const isByteStream = (value: unknown): value is ByteStream =>
  typeof value === 'object' && value !== null && 'next' in value && 'close' in value;

export const isByteSource = (body: Body): body is ByteSource => typeof body === 'object' && 'open' in body;

/** What a function declared with `transport: 'stream'` answers. */
export interface MediaAnswer {
  readonly status?: number;
  readonly contentType: string;
  /** Lower-case names. `etag` makes a sliceable body conditional and resumable. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: Body;
  /** The same request gives the same bytes for ever: faces may keep it and let others keep it. */
  readonly immutable?: boolean;
}
