/** One body of MPEG-TS or fragmented MP4: live when it has no end, paced as a file when it says how long it is. */
import { Fault } from '#core/errors';
import type { DemuxerOptions, DemuxerTaker, StreamDemuxer } from '#demux/demuxer';
import type { AccessUnit } from '#media/access-unit';
import { Mp4Demuxer, type Refusal } from '#mp4/demuxer';
import { Demuxer as TsDemuxer } from '#mpegts/demuxer';
import type { Fetched } from './fetcher.ts';
import { Pacer } from './pacer.ts';
import type { Session } from './session.ts';

/** Of a file, so much is read ahead. */
const fileRoomMs = 3_000;

/** Plays until the signal fires, or a file ends; throws when what should be endless ends. */
export async function playBody(session: Session, answer: Fetched, container: 'ts' | 'mp4'): Promise<void> {
  const { clock } = session.world;
  const isFile = answer.headers['content-length'] !== undefined;
  const pacer = isFile ? new Pacer(clock, fileRoomMs, unit => session.unit(unit)) : undefined;
  const give = (unit: AccessUnit): void => (pacer === undefined ? session.unit(unit) : pacer.push(unit));
  const taker: DemuxerTaker = { run: () => undefined, unit: give, problem: text => session.problem(text) };
  const demuxer = demuxerOf(container, taker, session);
  session.onClockStep = () => (pacer === undefined ? demuxer.end() : pacer.clockStep());
  try {
    for (let piece = await answer.body.next(); piece !== undefined; piece = await answer.body.next()) {
      demuxer.push(piece, clock.wallMs());
      if (demuxer instanceof Mp4Demuxer) throwRefusal(demuxer.refusal, answer.url.host);
      await pacer?.room(session.signal);
    }
    demuxer.end();
    if (pacer === undefined)
      throw new Fault('transport', 'connection-lost', `${answer.url.host}: expected a stream without end, got the end`);
    await pacer.drained(session.signal);
  } finally {
    pacer?.close();
  }
}

function demuxerOf(container: 'ts' | 'mp4', taker: DemuxerTaker, options: DemuxerOptions): StreamDemuxer {
  return container === 'ts' ? new TsDemuxer(taker, options) : new Mp4Demuxer(taker, options);
}

/** A stream that cannot be played ends the attempt. */
export function throwRefusal(refusal: Refusal | undefined, host: string): void {
  if (refusal === undefined) return;
  const kind = refusal.why === 'mp4-damaged' ? 'protocol' : 'unsupported';
  throw new Fault(kind, refusal.why, `${host}: expected ${refusal.expected}`);
}
