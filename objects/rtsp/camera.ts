/**
 * The object: tries to play the camera for ever (the runtime's `persist` keeps the time in
 * between), while somebody wants it if it is dynamic. One attempt is one `Connection`, or a
 * few if the camera redirects.
 */
import type { Attempt } from '#core/define';
import { Fault } from '#core/errors';
import type { GapReason } from '#media/gap';
import { parseRtspUrl, type RtspUrl } from '#rtsp/url';
import { LiveSource } from '#source/live-source';
import { Connection } from './connection.ts';
import { type CameraContext, type CameraContract, urlOf } from './index.ts';

const redirectLimit = 5;

export class Camera implements CameraContract {
  readonly #context: CameraContext;
  readonly #source: LiveSource;
  readonly provides;
  readonly published;
  #runId = 0;
  /** Audio flowed in the last session: the next one has to bring it again (config.md 6.2). */
  #audioExpected = false;

  constructor(context: CameraContext) {
    this.#context = context;
    this.#source = new LiveSource(context, context.config);
    this.provides = this.#source.provides;
    this.published = this.#source.published;
  }

  start(): void {
    this.#context.persist('session', attempt => this.#attempt(attempt));
  }

  async #attempt(attempt: Attempt): Promise<void> {
    if (!this.#source.demanded) {
      this.#context.report('idle');
      await this.#source.whenDemanded(attempt.signal);
      if (attempt.signal.aborted) return;
      this.#context.report('starting');
    }
    const first = parseRtspUrl(urlOf(this.#context.config) ?? '');
    if (first === undefined) throw new Fault('config', 'bad-value', 'expected an RTSP URL, got another');
    for (let url = first, redirects = 0; ; redirects++) {
      const next = await this.#play(attempt, url, url.host === first.host);
      if (next === undefined) return;
      if (redirects === redirectLimit)
        throw new Fault('protocol', 'rtsp-redirect', `expected a stream after ${redirectLimit} redirects, got another`);
      url = next;
    }
  }

  /** Plays until nobody wants it any more; gives the URL of a redirect. */
  async #play(attempt: Attempt, url: RtspUrl, sameHost: boolean): Promise<RtspUrl | undefined> {
    const { config } = this.#context;
    const [user, password] = config.auth ?? [];
    const login = user == null ? url.login : { user, password: password ?? '' };
    const connection = new Connection({
      context: this.#context,
      source: this.#source,
      url,
      login,
      basic: sameHost,
      audioExpected: this.#audioExpected,
      nextRunId: () => ++this.#runId,
      healthy: () => attempt.healthy(),
    });
    attempt.scope.own('connection', connection, c => c.close());
    try {
      const end = await connection.play(attempt.signal);
      if (end.redirect !== undefined) return end.redirect;
      this.#stopped('no-media', connection.lastWallMs);
      return undefined;
    } catch (e) {
      const fault = e instanceof Fault ? e : undefined;
      // Once without its audio is a failure; the second time it is how the camera is now.
      this.#audioExpected = connection.audioFlowed || (this.#audioExpected && fault?.code !== 'no-audio');
      this.#stopped(connection.mediaFlowed ? gapReasonOf(fault) : 'camera-unreachable', connection.lastWallMs);
      throw e;
    } finally {
      connection.close();
      attempt.scope.forget(connection);
    }
  }

  #stopped(reason: GapReason, lastWallMs: number): void {
    this.#source.gap({ reason, atMs: lastWallMs > 0 ? lastWallMs : this.#context.world.clock.wallMs() });
  }
}

const gapReasonOf = (fault: Fault | undefined): GapReason => (fault?.kind === 'timeout' ? 'no-media' : 'network-loss');
