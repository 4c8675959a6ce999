/** What comes over HTTP: playlists, multipart bodies, endless MP4. */
import { Follower } from '#hls/follower';
import { chooseVariant, parsePlaylist } from '#hls/playlist-reader';
import type { AccessUnit } from '#media/access-unit';
import { jpegSize } from '#media/jpeg';
import { Mp4Demuxer } from '#mp4/demuxer';
import { Fragmenter } from '#mp4/fragmenter';
import { writeInit } from '#mp4/init';
import { MultipartReader } from '#multipart/reader';
import { bend, bytesOf, joined } from './bend.ts';
import { check, type Group } from './group.ts';
import { clipTrack } from './media.ts';

const playlist =
  '#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:9\n#EXT-X-MAP:URI="i",BYTERANGE="9@1"\n' +
  '#EXT-X-KEY:METHOD=AES-128,URI="k",IV=0x1\n#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\n#EXT-X-BYTERANGE:5@6\n' +
  '#EXTINF:4,\na\n#EXT-X-DISCONTINUITY\n#EXTINF:4,\nb\n#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS="avc1.1",AUDIO="g"\nv\n';

export async function httpGroups(): Promise<Group[]> {
  const { track, units } = await clipTrack('h264');
  const run = Object.freeze({ id: 1, tracks: Object.freeze([track]) });
  const fragmenter = new Fragmenter(run, { maxSeconds: 1, cutAtKeyframes: true, prft: true, originDts: 'first' });
  const pieces: Uint8Array[] = [writeInit([track])];
  for (const [n, { data, keyframe }] of units.slice(0, 20).entries()) {
    const times = { pts: n * 3600, dts: n * 3600, wallMs: n * 40 };
    const fragment = fragmenter.push({ run, track: 0, ...times, keyframe, data, lost: 0 });
    if (fragment) pieces.push(fragment.header, ...fragment.chunks);
  }
  const rest = fragmenter.flush();
  if (rest) pieces.push(rest.header, ...rest.chunks);
  const mp4 = joined(...pieces);
  const parts = bytesOf('--b\r\nContent-Length: 3\r\n\r\nabc\r\n--b\r\n\r\nde\r\n-\r\n--b\nX: 1\n\nfg\n--b--\n');
  const jpeg = Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xc0, 0, 11, 8, 0, 90, 0, 160, 1, 1, 0x11, 0);
  return [
    {
      name: 'hls-playlist',
      round(random) {
        const bytes = bend(random, bytesOf(playlist));
        const list = parsePlaylist(new TextDecoder().decode(bytes));
        if (typeof list === 'string') return bytes.length;
        if (list.kind === 'master') chooseVariant(list);
        else {
          const follower = new Follower();
          follower.update(list);
          let taken = 0;
          while (follower.take()) taken++;
          check(taken <= bytes.length, `${taken} segments of ${bytes.length} bytes`);
        }
        return bytes.length;
      },
    },
    {
      name: 'multipart',
      round(random) {
        const bytes = joined(bend(random, parts), bend(random, parts));
        let out = 0;
        const taker = { part: (_: unknown, body: Uint8Array) => void (out += body.length), problem: () => {} };
        const reader = new MultipartReader(taker, 'b', 1000);
        const cut = random.below(bytes.length + 1);
        reader.push(bytes.subarray(0, cut));
        reader.push(bytes.subarray(cut));
        check(out <= bytes.length, `${out} bytes of parts in ${bytes.length}`);
        return bytes.length;
      },
    },
    {
      name: 'mp4-stream',
      round(random) {
        const bytes = bend(random, mp4);
        let out = 0;
        const taker = { run: () => {}, unit: (u: AccessUnit) => void (out += u.data.length), problem: () => {} };
        const demuxer = new Mp4Demuxer(taker, { nextRunId: () => 1 });
        const cut = random.below(bytes.length + 1);
        demuxer.push(bytes.subarray(0, cut), 0);
        demuxer.push(bytes.subarray(cut), 0);
        demuxer.end();
        check(out <= bytes.length, `${out} bytes of units in ${bytes.length}`);
        return bytes.length;
      },
    },
    {
      name: 'jpeg-size',
      round(random) {
        const bytes = bend(random, jpeg);
        jpegSize(bytes);
        return bytes.length;
      },
    },
  ];
}
