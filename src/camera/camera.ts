/**
 * A camera that speaks RTSP, as a live source: played for ever (the runtime's `persist` keeps
 * the time in between), while somebody wants it if it is dynamic. An object whose camera
 * speaks RTSP has one of these, and offers its `provides` and `published` as its own. One attempt is one `Connection`, or a
 * few if the camera redirects or has to be asked for another transport (`TransportOrder`).
 */
import type { Attempt } from '#core/define';
import { Fault, faultFrom } from '#core/errors';
import type { NetworkDetails } from '#interface/video-source';
import type { GapReason } from '#media/gap';
import { type Lessons, type QuirkName, quirks } from '#rtsp/quirks';
import { parseRtspUrl, type RtspUrl } from '#rtsp/url';
import { hastenOnDemand } from '#source/demand';
import { LiveSource } from '#source/live-source';
import { Connection } from './connection.ts';
import { addFigures, noFigures, type RtpFigures } from './rtp-figures.ts';
import { type CameraContext, type TransportName, transportsOf } from './settings.ts';
import { type Failure, TransportOrder } from './transport-order.ts';

const redirectLimit = 5;

export class Camera {
  readonly #context: CameraContext;
  readonly #source: LiveSource;
  readonly #streamUrl: (attempt: Attempt) => string | Promise<string>;
  #order: { readonly tls: boolean; readonly by: TransportOrder } | undefined;
  readonly provides;
  readonly published;
  #runId = 0;
  /** Audio flowed in the last session: the next one has to bring it again (config.md 6.2). */
  #audioExpected = false;
  #bufferTold = false;
  #lessons: Lessons = {};
  readonly #quirks = new Set<QuirkName>();
  #connection: Connection | undefined;
  /** The one that media come by. */
  #transport: TransportName | undefined;
  /** Attempts that failed since media flowed. */
  #errorsInARow = 0;
  #timesHealthy = 0;
  #pictureClockMs: number | undefined;
  /** Of the connections that are over. */
  #figures: RtpFigures = noFigures;

  /** `streamUrl`: asked at the begin of each attempt, which fails with its Fault. */
  constructor(context: CameraContext, streamUrl: (attempt: Attempt) => string | Promise<string>) {
    this.#context = context;
    this.#streamUrl = streamUrl;
    this.#source = new LiveSource(context, context.config, () => this.#network());
    this.provides = this.#source.provides;
    this.published = this.#source.published;
  }

  /** What the camera's own times of its pictures are ahead of ours by, as the latest connection that told had it. */
  get pictureClockMs(): number | undefined {
    return this.#connection?.pictureClockMs ?? this.#pictureClockMs;
  }
  /** Called when media flow again; they may have flowed before. */
  onFlowing: (() => void) | undefined;

  /** What happened to the packets since the object was created. */
  rtpFigures(): RtpFigures {
    return this.#connection === undefined ? this.#figures : addFigures(this.#figures, this.#connection.figures());
  }

  #network(): NetworkDetails {
    const f = this.rtpFigures();
    return {
      transport: this.#transport ?? null,
      packets: f.packets,
      packets_lost: f.lost,
      packets_late: f.late,
      packets_reordered: f.reordered,
      samples: f.units,
      samples_lost: f.lostUnits,
      jitter: Math.round(f.jitterMs * 10) / 10,
      errors_in_a_row: this.#errorsInARow,
      reconnects: Math.max(0, this.#timesHealthy - 1),
      device_clock: this.#connection?.deviceClockMs ?? null,
      quirks: [...this.#quirks],
    };
  }

  start(): void {
    const session = this.#context.persist('session', attempt => this.#attempt(attempt));
    hastenOnDemand(this.#context, this.#source, session);
  }

  async #attempt(attempt: Attempt): Promise<void> {
    try {
      await this.#tryAll(attempt);
    } catch (e) {
      if (!attempt.signal.aborted) this.#errorsInARow++;
      throw e;
    } finally {
      this.#transport = undefined;
    }
  }

  async #tryAll(attempt: Attempt): Promise<void> {
    if (!this.#source.demanded) {
      this.#context.report('idle');
      await this.#source.whenDemanded(attempt.signal);
      if (attempt.signal.aborted) return;
      this.#context.report('starting');
    }
    const url = parseRtspUrl(await this.#streamUrl(attempt));
    if (url === undefined) throw new Fault('config', 'bad-value', 'expected an RTSP URL, got another');
    if (attempt.signal.aborted) return;
    const order = this.#orderFor(url.tls);
    order.begin();
    for (let transport = order.first; ; ) {
      const failure = await this.#playBy(transport, url, order, attempt);
      if (failure === undefined) return;
      const next = order.failed(failure);
      if (attempt.signal.aborted) throw failure.fault;
      if (next === undefined) throw order.fault();
      this.#context.log.info('transport-failed', {
        transport,
        next,
        code: failure.fault.code,
        error: failure.fault.message,
      });
      transport = next;
    }
  }

  /** Kept from attempt to attempt: it knows what worked. */
  #orderFor(tls: boolean): TransportOrder {
    const { config } = this.#context;
    if (this.#order?.tls !== tls)
      this.#order = { tls, by: new TransportOrder(transportsOf(config, tls), config.stall_seconds * 1000) };
    return this.#order.by;
  }

  /** Plays by one transport, wherever the camera redirects to, until nobody wants it any more. */
  async #playBy(
    transport: TransportName,
    first: RtspUrl,
    order: TransportOrder,
    attempt: Attempt,
  ): Promise<Failure | undefined> {
    for (let url = first, redirects = 0; ; redirects++) {
      const end = await this.#play(attempt, transport, order, url, first);
      if (end === undefined || 'fault' in end) return end;
      const wrong =
        redirects === redirectLimit
          ? `expected a stream after ${redirectLimit} redirects, got another`
          : first.tls && !end.redirect.tls
            ? 'expected a redirect to rtsps://, got one to a camera that does not encrypt'
            : undefined;
      if (wrong !== undefined)
        return { fault: new Fault('protocol', 'rtsp-redirect', wrong), mediaFlowed: false, transportAsked: false };
      url = end.redirect;
    }
  }

  async #play(
    attempt: Attempt,
    transport: TransportName,
    order: TransportOrder,
    url: RtspUrl,
    first: RtspUrl,
  ): Promise<Failure | { redirect: RtspUrl } | undefined> {
    const { config, log } = this.#context;
    const [user, password] = config.auth ?? [];
    const login = user == null ? (url.login ?? first.login) : { user, password: password ?? '' };
    const connection = new Connection({
      context: this.#context,
      source: this.#source,
      url,
      transport,
      firstMediaMs: order.firstMediaMs,
      login,
      basic: url.host === first.host,
      audioExpected: this.#audioExpected,
      lessons: this.#lessons,
      learned: lessons => this.#learned(lessons),
      quirk: name => this.#quirk(name),
      nextRunId: () => ++this.#runId,
      healthy: () => {
        order.works(transport);
        this.#transport = transport;
        this.#errorsInARow = 0;
        this.#timesHealthy++;
        attempt.healthy();
        this.onFlowing?.();
      },
      smallBuffer: bytes => {
        if (!this.#bufferTold)
          log.warn('small-receive-buffer', { bytes, hint: 'UDP needs a megabyte: raise sysctl net.core.rmem_max' });
        this.#bufferTold = true;
      },
    });
    this.#connection = connection;
    attempt.scope.own('connection', connection, c => c.close());
    try {
      const end = await connection.play(attempt.signal);
      if (end.redirect !== undefined) return { redirect: end.redirect };
      this.#stopped('no-media', connection.lastWallMs);
      return undefined;
    } catch (e) {
      const fault = faultFrom(e);
      const { mediaFlowed, transportAsked } = connection;
      // Once without its audio is a failure; the second time it is how the camera is now.
      this.#audioExpected = connection.audioFlowed || (this.#audioExpected && fault.code !== 'no-audio');
      this.#stopped(mediaFlowed ? gapReasonOf(fault) : 'camera-unreachable', connection.lastWallMs);
      return { fault, mediaFlowed, transportAsked };
    } finally {
      this.#figures = addFigures(this.#figures, connection.figures());
      this.#pictureClockMs = this.pictureClockMs;
      this.#connection = undefined;
      connection.close();
      attempt.scope.forget(connection);
    }
  }

  #learned(lessons: Lessons): void {
    const before = this.#lessons;
    this.#lessons = lessons;
    if (lessons.keepAliveByOptions !== before.keepAliveByOptions) this.#quirk('get-parameter-ends-session');
    if (lessons.keepAliveMs !== before.keepAliveMs) this.#quirk('early-expiry');
  }

  /** The operator is told once what is odd about a camera. */
  #quirk(name: QuirkName): void {
    if (this.#quirks.has(name)) return;
    this.#quirks.add(name);
    this.#context.log.info('quirk', { quirk: name, sign: quirks[name].sign, policy: quirks[name].policy });
  }

  #stopped(reason: GapReason, lastWallMs: number): void {
    this.#source.gap({ reason, atMs: lastWallMs > 0 ? lastWallMs : this.#context.world.clock.wallMs() });
  }
}

const gapReasonOf = (fault: Fault): GapReason => (fault.kind === 'timeout' ? 'no-media' : 'network-loss');
