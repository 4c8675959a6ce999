/** Streams in containers, and the XML of ONVIF: MPEG-TS, Matroska (where ffmpeg is there to make one), multipart, SOAP. */
import { clipRun } from '#fake/clip';
import { hasPeer, makeMedia } from '#fake/peers';
import type { SeededRandom } from '#fake/world';
import { MatroskaDemuxer } from '#matroska/demuxer';
import { Demuxer } from '#mpegts/demuxer';
import { Muxer } from '#mpegts/muxer';
import { MultipartReader } from '#multipart/reader';
import { readEnvelope, writeEnvelope } from '#onvif/soap';
import { bend, bytesOf, joined, pieces } from './bend.ts';
import { check, type Group } from './group.ts';

/** Bent here and there: as a whole it would not come far. */
function* bentParts(random: SeededRandom, bytes: Uint8Array, partBytes: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += partBytes) {
    const part = bytes.subarray(at, at + partBytes);
    yield* pieces(random, random.below(10) === 0 ? bend(random, part) : part);
  }
}

function demuxed(random: SeededRandom, clip: Uint8Array, make: typeof Demuxer | typeof MatroskaDemuxer): number {
  let into = 0;
  let out = 0;
  const demuxer = new make(
    { run: () => {}, unit: u => void (out += u.data.length), problem: () => {} },
    { nextRunId: () => 1 },
  );
  for (const piece of bentParts(random, clip, 188 * 7)) {
    into += piece.length;
    demuxer.push(piece, into);
  }
  demuxer.end();
  check(out <= into * 1.1 + 10_000, `${out} bytes of units from ${into}`);
  return into;
}

export function containerGroups(): Group[] {
  const { run, units } = clipRun(1);
  const muxer = new Muxer(run);
  const ts = joined(...units.slice(0, 120).map(u => muxer.push(u)), muxer.flush());
  const groups: Group[] = [{ name: 'mpegts', round: random => demuxed(random, ts, Demuxer) }];
  if (hasPeer('ffmpeg')) {
    const mkv = makeMedia('mkv', { video: 'h264', audio: 'aac', seconds: 3, size: '176x144' });
    groups.push({ name: 'matroska', round: random => demuxed(random, mkv, MatroskaDemuxer) });
  }
  const picture = bytesOf(`--b\r\nContent-Type: image/jpeg\r\nContent-Length: 700\r\n\r\n${'x'.repeat(700)}\r\n`);
  const profile = '<trt:Profiles token="a&amp;b"><tt:Name>main</tt:Name><tt:Bounds x="0" y="1"/></trt:Profiles>';
  const answer = bytesOf(writeEnvelope(`<trt:GetProfilesResponse>${profile.repeat(8)}</trt:GetProfilesResponse>`));
  groups.push(
    {
      name: 'multipart',
      round(random) {
        let into = 0;
        let out = 0;
        const reader = new MultipartReader(
          { part: (_, body) => void (out += body.length), problem: () => {} },
          'b',
          5000,
        );
        for (let n = 0; n < 60; n++)
          for (const piece of pieces(random, random.below(3) === 0 ? bend(random, picture) : picture)) {
            into += piece.length;
            reader.push(piece);
          }
        check(out <= into, `${out} bytes of parts from ${into}`);
        return into;
      },
    },
    {
      name: 'onvif-soap',
      round(random) {
        const bytes = bend(random, answer);
        readEnvelope(new TextDecoder().decode(bytes));
        return bytes.length;
      },
    },
  );
  return groups;
}
