/** The linked sources by name, and the streams of those that somebody wants: one each, made for the first who wants it, ended with the last. */
import type { LiveMedia } from '#capability/live-media';
import type { World } from '#core/world';
import { Stream } from './stream.ts';

/** A stream that is held open by somebody. */
export interface Lease {
  readonly name: string;
  readonly stream: Stream;
  /** Once. */
  release(): void;
}

export class Streams {
  readonly #world: Pick<World, 'clock' | 'random'>;
  #sources: ReadonlyMap<string, LiveMedia> = new Map();
  readonly #open = new Map<string, { readonly media: LiveMedia; readonly stream: Stream; holders: number }>();

  constructor(world: Pick<World, 'clock' | 'random'>) {
    this.#world = world;
  }

  has(name: string): boolean {
    return this.#sources.has(name);
  }

  /** Undefined for an unknown name. */
  lease(name: string): Lease | undefined {
    const media = this.#sources.get(name);
    if (!media) return undefined;
    let open = this.#open.get(name);
    if (!open || open.stream.over !== undefined) {
      open = { media, stream: new Stream(name, media, this.#world), holders: 0 };
      this.#open.set(name, open);
    }
    const held = open;
    held.holders++;
    let released = false;
    return {
      name,
      stream: held.stream,
      release: () => {
        if (released) return;
        released = true;
        if (--held.holders > 0) return;
        if (this.#open.get(name) === held) this.#open.delete(name);
        held.stream.end('nobody watches');
      },
    };
  }

  /** Takes the place of the sources so far; streams of those that are gone, or are others now, end. */
  set(sources: ReadonlyMap<string, LiveMedia>): void {
    this.#sources = sources;
    for (const [name, { media, stream }] of [...this.#open])
      if (sources.get(name) !== media) {
        this.#open.delete(name);
        stream.end('the source was removed or made anew');
      }
  }
}
