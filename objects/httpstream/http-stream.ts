/** The behaviour of an httpstream: asks for the URL while somebody wants it, looks at what comes, and plays that. */
import type { Attempt } from '#core/define';
import { Fault } from '#core/errors';
import type { Login } from '#rtsp/auth';
import { demandSignal, hastenOnDemand } from '#source/demand';
import { LiveSource } from '#source/live-source';
import { playBody } from './endless.ts';
import { type Fetched, Fetcher, httpUrl } from './fetcher.ts';
import { playHls } from './hls.ts';
import type { HttpStreamContext } from './index.ts';
import { kindOf, type StreamKind } from './kind.ts';
import { playMultipart, playPolled } from './mjpeg.ts';
import { peeked } from './segment-body.ts';
import { Session } from './session.ts';

/** Two packets of MPEG-TS: enough to know anything by. */
const lookBytes = 376;

export class HttpStream {
  readonly provides: LiveSource['provides'];
  readonly published: LiveSource['published'];
  readonly #context: HttpStreamContext;
  readonly #source: LiveSource;
  #runId = 0;

  constructor(context: HttpStreamContext) {
    this.#context = context;
    this.#source = new LiveSource(context, context.config);
    this.provides = this.#source.provides;
    this.published = this.#source.published;
  }

  start(): void {
    const stream = this.#context.persist('stream', attempt => this.#attempt(attempt));
    hastenOnDemand(this.#context, this.#source, stream);
  }

  async #attempt(attempt: Attempt): Promise<void> {
    const wanted = await demandSignal(this.#context, this.#source, attempt);
    if (wanted.aborted) return;
    const { config, world } = this.#context;
    const url = httpUrl(config.url);
    if (url === undefined) throw new Fault('config', 'bad-value', 'expected an HTTP URL, got another');
    const { headers, verify_certificate: verifyCertificate } = config;
    const fetcher = new Fetcher(world, url, { login: loginOf(config), headers, verifyCertificate });
    const session = new Session(this.#context, this.#source, attempt, {
      fetcher,
      wanted,
      nextRunId: () => ++this.#runId,
    });
    try {
      await this.#play(session, url);
      session.throwStall();
    } catch (e) {
      const fault = session.failure(e);
      if (fault !== undefined) {
        this.#gap(session, fault);
        throw fault;
      }
    }
    this.#gap(session, undefined);
  }

  async #play(session: Session, url: URL): Promise<void> {
    const answer = await session.fetcher.open(url, session.signal);
    try {
      const seen = await peeked(answer.body, answer.headers['content-type']?.startsWith('multipart/') ? 1 : lookBytes);
      await this.#playKind(session, { ...answer, body: seen.body }, seen.begin);
    } finally {
      answer.body.close();
    }
  }

  async #playKind(session: Session, answer: Fetched, begin: Uint8Array): Promise<void> {
    const type = answer.headers['content-type'] ?? '';
    const seen = kindOf(type, begin, answer.url.pathname);
    const kind = this.#kind(seen);
    this.#context.log.debug('playing', { kind, type });
    switch (kind) {
      case 'hls':
        return playHls(session, answer);
      case 'multipart':
        return playMultipart(session, answer);
      case 'jpeg':
        return playPolled(session, answer);
      case 'ts':
      case 'mp4':
        return playBody(session, answer, kind);
      case undefined:
        throw new Fault(
          'unsupported',
          'http-no-stream',
          `${answer.url.host}: expected HLS, MJPEG, MPEG-TS or MP4, got ${type.slice(0, 80) || 'what is none of them'}`,
        );
    }
  }

  /** As the configuration says; of pictures there are two ways. */
  #kind(seen: StreamKind | undefined): StreamKind | undefined {
    const { kind } = this.#context.config;
    if (kind === 'auto') return seen;
    if (kind === 'mjpeg') return seen === 'jpeg' ? 'jpeg' : 'multipart';
    return kind;
  }

  #gap(session: Session, fault: Fault | undefined): void {
    const { clock } = this.#context.world;
    const atMs = session.mediaFlowed ? session.lastWallMs : clock.wallMs();
    const lost = fault?.kind === 'timeout' || fault === undefined ? 'no-media' : 'network-loss';
    this.#source.gap({ reason: session.mediaFlowed || fault === undefined ? lost : 'camera-unreachable', atMs });
  }
}

/** `auth`, or what the URL itself has. */
function loginOf(config: HttpStreamContext['config']): Login | undefined {
  const [user, password] = config.auth ?? [];
  if (user != null) return { user, password: password ?? '' };
  const url = URL.parse(config.url);
  if (url === null || url.username === '') return undefined;
  return { user: unescaped(url.username), password: unescaped(url.password) };
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (e) {
    if (e instanceof URIError) return text; // a lone % in a password
    throw e;
  }
}
