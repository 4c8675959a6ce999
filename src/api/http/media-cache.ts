/**
 * So that many viewers of a segment cost one call to the media loop: immutable answers are
 * kept, the least lately used go first when the bytes are over the limit; equal requests that
 * are under way at once share one call.
 */
import { type ByteSource, isByteSource, type MediaAnswer } from '#core/bytes';
import { Fault } from '#core/errors';

export class MediaCache {
  readonly #limitBytes: number;
  readonly #kept = new Map<string, MediaAnswer & { readonly body: Uint8Array | string }>();
  readonly #underWay = new Map<string, Promise<MediaAnswer>>();
  #bytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  clear(): void {
    this.#kept.clear();
    this.#bytes = 0;
  }

  /** `ask` is called when nothing is kept under the key and nobody else is asking whose answer can be shared. */
  async get(key: string, ask: () => Promise<MediaAnswer>): Promise<MediaAnswer> {
    const kept = this.#kept.get(key);
    if (kept) {
      this.#kept.delete(key);
      this.#kept.set(key, kept);
      return kept;
    }
    const before = this.#underWay.get(key);
    if (before) {
      const shared = await before;
      // A source of bytes belongs to the one who asked: its reading cannot be shared.
      return isByteSource(shared.body) ? ask() : shared;
    }
    const asking = ask().then(answer => this.#gathered(answer));
    this.#underWay.set(key, asking);
    try {
      const answer = await asking;
      if (answer.immutable && (answer.status ?? 200) === 200) this.#keep(key, answer);
      return answer;
    } finally {
      this.#underWay.delete(key);
    }
  }

  /** What may be kept and is small enough is read at once. */
  async #gathered(answer: MediaAnswer): Promise<MediaAnswer> {
    const { body, immutable } = answer;
    if (!immutable || !isByteSource(body) || body.length === undefined || body.length > this.#limitBytes / 8)
      return answer;
    return { ...answer, body: await gather(body, body.length) };
  }

  #keep(key: string, answer: MediaAnswer): void {
    const { body } = answer;
    if (isByteSource(body)) return;
    const size = sizeOf(key, body);
    if (size > this.#limitBytes / 4) return; // one answer must not drive out all others
    this.#kept.set(key, { ...answer, body });
    this.#bytes += size;
    for (const [oldest, { body: old }] of this.#kept) {
      if (this.#bytes <= this.#limitBytes) break;
      this.#kept.delete(oldest);
      this.#bytes -= sizeOf(oldest, old);
    }
  }
}

async function gather(source: ByteSource, length: number): Promise<Uint8Array> {
  const whole = new Uint8Array(length);
  const stream = source.open();
  source.close();
  let at = 0;
  try {
    for (let piece = await stream.next(); piece; piece = await stream.next()) {
      if (at + piece.length > length) break;
      whole.set(piece, at);
      at += piece.length;
    }
  } finally {
    stream.close();
  }
  if (at !== length)
    throw new Fault('storage', 'unavailable', `expected ${length} bytes of a stored answer, got ${at}`);
  return whole;
}

/** Text counts two bytes a character, as it may be held that way. */
const sizeOf = (key: string, body: Uint8Array | string): number =>
  key.length * 2 + (typeof body === 'string' ? body.length * 2 : body.byteLength);
