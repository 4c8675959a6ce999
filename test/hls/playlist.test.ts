import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PlaylistSegment, targetSecondsOf, writeLivePlaylist, writeVodPlaylist } from '#hls/playlist';

const segment = (n: number, more: Partial<PlaylistSegment> = {}): PlaylistSegment => ({
  uri: `hls/e/${n}.m4s`,
  seconds: 2,
  wallMs: Date.UTC(2026, 0, 1) + n * 2000,
  map: 'hls/e/init.mp4',
  discontinuity: false,
  ...more,
});

// Golden texts: players have been seen to play them. Whoever changes one plays it again with ffmpeg, hls.js and Safari.
test('a live playlist', () => {
  const text = writeLivePlaylist({
    targetSeconds: 3,
    sequence: 17,
    discontinuitySequence: 4,
    independent: true,
    segments: [
      segment(17, { discontinuity: true }),
      segment(18, { seconds: 2.48 }),
      segment(19, { discontinuity: true, map: 'hls/e/init-1.mp4' }),
    ],
  });
  assert.equal(
    text,
    `#EXTM3U
#EXT-X-VERSION:7
#EXT-X-TARGETDURATION:3
#EXT-X-MEDIA-SEQUENCE:17
#EXT-X-DISCONTINUITY-SEQUENCE:4
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-DISCONTINUITY
#EXT-X-MAP:URI="hls/e/init.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:34.000Z
#EXTINF:2.00000,
hls/e/17.m4s
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:36.000Z
#EXTINF:2.48000,
hls/e/18.m4s
#EXT-X-DISCONTINUITY
#EXT-X-MAP:URI="hls/e/init-1.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:38.000Z
#EXTINF:2.00000,
hls/e/19.m4s
`,
  );
});

test('a live playlist without a segment, without keyframes, without maps', () => {
  const empty = { targetSeconds: 2, sequence: 5, discontinuitySequence: 0, independent: false, segments: [] };
  const head = `#EXTM3U
#EXT-X-VERSION:7
#EXT-X-TARGETDURATION:2
#EXT-X-MEDIA-SEQUENCE:5
#EXT-X-DISCONTINUITY-SEQUENCE:0
`;
  assert.equal(writeLivePlaylist(empty), head);
  const ts = segment(0, { map: undefined, uri: 'hls/e/0.ts' });
  assert.equal(
    writeLivePlaylist({ ...empty, segments: [ts] }),
    `${head.replace('VERSION:7', 'VERSION:3')}#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.000Z\n#EXTINF:2.00000,\nhls/e/0.ts\n`,
  );
});

test('a complete playlist', () => {
  assert.equal(
    writeVodPlaylist({ independent: true, segments: [segment(0), segment(1, { seconds: 9.5 })] }),
    `#EXTM3U
#EXT-X-VERSION:7
#EXT-X-TARGETDURATION:10
#EXT-X-MEDIA-SEQUENCE:0
#EXT-X-PLAYLIST-TYPE:VOD
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MAP:URI="hls/e/init.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.000Z
#EXTINF:2.00000,
hls/e/0.m4s
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:02.000Z
#EXTINF:9.50000,
hls/e/1.m4s
#EXT-X-ENDLIST
`,
  );
});

test('the target duration is the longest segment, rounded, and never 0', () => {
  for (const [seconds, target] of [
    [[], 1],
    [[0.2], 1],
    [[2.49, 1], 2],
    [[2.5], 3],
  ] as const)
    assert.equal(targetSecondsOf(seconds.map(s => ({ seconds: s }))), target);
});
