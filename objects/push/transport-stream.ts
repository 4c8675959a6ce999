/** What somebody publishes as MPEG-TS in the body of a request: pulled as it comes, demultiplexed, put into the source. */
import type { Ingest, Publication } from '#capability/ingest';
import type { ByteStream, MediaAnswer } from '#core/bytes';
import { Fault, faultFrom } from '#core/errors';
import type { Log, World } from '#core/world';
import type { AccessUnit } from '#media/access-unit';
import { Demuxer } from '#mpegts/demuxer';
import { earlyMs } from '#source/lead';

/** Whoever sends so much without a packet of a transport stream sends something else. */
const nonsenseBytes = 64 << 10;
const clockStepMs = 1_000;
/** Read between two looks at the clock. */
const sliceBytes = 10 * 188;
const tellEveryMs = 1_000;

export interface TransportStreamParts {
  readonly world: Pick<World, 'clock'>;
  readonly log: Log;
  readonly ingest: Ingest;
  /** Address, for people. */
  readonly from: string;
  readonly body: ByteStream;
}

/** Answers when the body has ended, in order. Fault otherwise: that of the place, or why it ended. */
export async function publishTransportStream(parts: TransportStreamParts): Promise<MediaAnswer> {
  const upload = new Upload(parts);
  return { contentType: 'application/json', body: JSON.stringify(await upload.run()) };
}

class Upload {
  readonly #parts: TransportStreamParts;
  readonly #publication: Publication;
  readonly #demuxer: Demuxer;
  #ended: string | undefined;
  readonly #ends = new AbortController();
  #lastWallMs = 0;
  #bytes = 0;
  #units = 0;
  #problems = 0;
  #toldMs = Number.NEGATIVE_INFINITY;
  #codecs: readonly string[] = [];
  #wallOffsetMs: number;

  constructor(parts: TransportStreamParts) {
    this.#parts = parts;
    const { ingest, from, body, log, world } = parts;
    this.#wallOffsetMs = world.clock.wallMs() - world.clock.monotonicMs();
    this.#publication = ingest.publish({
      protocol: 'ts',
      from,
      ended: why => {
        this.#ended = why;
        this.#ends.abort();
        body.close();
      },
    });
    const enable = (['video', 'audio'] as const).filter(kind => ingest.wants[kind]);
    this.#demuxer = new Demuxer(
      {
        run: () => undefined,
        unit: unit => this.#unit(unit),
        problem: text => this.#problem(text),
      },
      { nextRunId: () => this.#publication.nextRunId(), enable },
    );
    log.info('publisher-begins', { peer: from, protocol: 'ts' });
  }

  async run(): Promise<Record<string, unknown>> {
    try {
      for (let piece = await this.#next(); piece; piece = await this.#next())
        for (let at = 0; at < piece.length && this.#ended === undefined; at += sliceBytes) {
          this.#take(piece.subarray(at, at + sliceBytes));
          if (this.#earlyMs > 0) await this.#parts.world.clock.sleep(this.#earlyMs, this.#ends.signal);
        }
      if (this.#ended !== undefined) throw new Fault('state', 'conflict', `the publication was ended: ${this.#ended}`);
      if (this.#demuxer.stats.packets === 0) throw noTransportStream(this.#bytes);
      this.#end('no-media', 'the body has ended');
    } catch (e) {
      const fault = faultFrom(e);
      this.#end(fault.kind === 'cancelled' ? 'network-loss' : 'no-media', fault.message);
      throw fault;
    }
    const { lostPackets } = this.#demuxer.stats;
    return { bytes: this.#bytes, units: this.#units, lost: lostPackets, codecs: this.#codecs };
  }

  #next(): Promise<Uint8Array | undefined> {
    return this.#ended === undefined ? this.#parts.body.next() : Promise.resolve(undefined);
  }

  /** How long to wait before more is read. */
  get #earlyMs(): number {
    return earlyMs(this.#lastWallMs, this.#parts.world.clock.wallMs());
  }

  #take(piece: Uint8Array): void {
    const { clock } = this.#parts.world;
    const wallMs = clock.wallMs();
    const wallOffsetMs = wallMs - clock.monotonicMs();
    if (Math.abs(wallOffsetMs - this.#wallOffsetMs) > clockStepMs) {
      // What was learned from times of arrival is void: the stream is read as another one from here on.
      this.#demuxer.end();
      this.#publication.gap({ reason: 'clock-step', atMs: wallMs });
    }
    this.#wallOffsetMs = wallOffsetMs;
    this.#bytes += piece.length;
    this.#demuxer.push(piece, wallMs);
    if (this.#demuxer.stats.packets === 0 && this.#bytes > nonsenseBytes) throw noTransportStream(this.#bytes);
  }

  #unit(unit: AccessUnit): void {
    this.#units++;
    this.#lastWallMs = unit.wallMs;
    this.#publication.unit(unit);
  }

  /** At most one line a second. */
  #problem(text: string): void {
    this.#problems++;
    const nowMs = this.#parts.world.clock.monotonicMs();
    if (nowMs - this.#toldMs < tellEveryMs) return;
    this.#toldMs = nowMs;
    this.#parts.log.warn('bad-media', { peer: this.#parts.from, problems: this.#problems, last: text });
  }

  #end(reason: 'no-media' | 'network-loss', why: string): void {
    this.#codecs = this.#demuxer.codecs;
    this.#demuxer.end();
    this.#publication.close(reason);
    const { packets, lostPackets, skippedBytes } = this.#demuxer.stats;
    const figures = { packets, lost: lostPackets, skipped_bytes: skippedBytes, problems: this.#problems };
    this.#parts.log.info('publisher-ends', { peer: this.#parts.from, why, ...figures });
  }
}

const noTransportStream = (bytes: number): Fault =>
  new Fault(
    'argument',
    'bad-argument',
    `body: expected an MPEG transport stream, got ${bytes} bytes of something else`,
  );
