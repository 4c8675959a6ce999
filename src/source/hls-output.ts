import type { LiveMedia } from '#capability/live-media';
import type { MediaAnswer } from '#core/bytes';
import { Fault } from '#core/errors';
import type { Clock } from '#core/world';

/** The HLS of one source. Until the packager is there every call is refused. */
export class HlsOutput {
  readonly #media: LiveMedia;
  readonly #clock: Clock;
  constructor(media: LiveMedia, clock: Clock) {
    this.#media = media;
    this.#clock = clock;
  }
  async playlist(_container: 'fmp4' | 'ts' | undefined, _options: unknown): Promise<MediaAnswer> {
    throw new Fault('unsupported', 'not-implemented', 'HLS is not available in this build', {
      run: this.#media.run()?.id,
      at: this.#clock.wallMs(),
    });
  }
  file(path: string): MediaAnswer {
    throw new Fault('absent', 'not-found', `expected a segment of a playlist, got ${path}`);
  }
  close(): void {}
}
