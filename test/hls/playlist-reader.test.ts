import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fuzzRounds, fuzzSeed, mutate } from '#fake/fuzz';
import { writeLivePlaylist } from '#hls/playlist';
import { audioOf, chooseVariant, type MasterPlaylist, type MediaPlaylist, parsePlaylist } from '#hls/playlist-reader';

const media = (text: string): MediaPlaylist => {
  const list = parsePlaylist(text);
  assert.ok(typeof list !== 'string' && list.kind === 'media', JSON.stringify(list));
  return list;
};
const master = (text: string): MasterPlaylist => {
  const list = parsePlaylist(text);
  assert.ok(typeof list !== 'string' && list.kind === 'master', JSON.stringify(list));
  return list;
};

describe('media playlists', () => {
  test('what we write ourselves is read back', () => {
    const wallMs = Date.UTC(2026, 0, 1);
    const list = media(
      writeLivePlaylist({
        targetSeconds: 2,
        sequence: 7,
        discontinuitySequence: 1,
        independent: true,
        segments: [
          { uri: 'e/7.m4s', seconds: 2, wallMs, map: 'e/i.mp4', discontinuity: false },
          { uri: 'e/8.m4s', seconds: 1.5, wallMs: wallMs + 2000, map: 'e/j.mp4', discontinuity: true },
        ],
      }),
    );
    assert.deepEqual([list.targetSeconds, list.ended], [2, false]);
    assert.deepEqual(
      list.segments.map(s => [s.sequence, s.uri, s.seconds, s.map?.uri, s.discontinuity, (s.wallMs ?? 0) - wallMs]),
      [
        [7, 'e/7.m4s', 2, 'e/i.mp4', false, 0],
        [8, 'e/8.m4s', 1.5, 'e/j.mp4', true, 2000],
      ],
    );
  });

  // text behind #EXTM3U, and what is read of each segment
  const cases: [name: string, text: string, pick: (l: MediaPlaylist) => unknown, expected: unknown][] = [
    [
      'CRLF, titles, unknown tags, comments',
      '#EXT-X-NEW:1\r\n# hi\r\n#EXTINF:2.5,a, title\r\n\r\na.ts\r\n',
      l => l.segments.map(s => [s.uri, s.seconds]),
      [['a.ts', 2.5]],
    ],
    ['an end', '#EXTINF:2,\na.ts\n#EXT-X-ENDLIST', l => l.ended, true],
    ['no target duration: the longest segment', '#EXTINF:4,\na\n#EXTINF:5,\nb', l => l.targetSeconds, 5],
    ['an address without EXTINF is none', 'a.ts\n#EXTINF:2,\nb.ts', l => l.segments.map(s => s.uri), ['b.ts']],
    [
      'a duration that is none counts as 0',
      '#EXTINF:x,\na\n#EXTINF:-3,\nb',
      l => l.segments.map(s => s.seconds),
      [0, 0],
    ],
    [
      'byte ranges follow each other in one resource',
      '#EXTINF:1,\n#EXT-X-BYTERANGE:10@5\na\n#EXTINF:1,\n#EXT-X-BYTERANGE:7\na\n#EXTINF:1,\nb',
      l => l.segments.map(s => s.range),
      [{ offset: 5, length: 10 }, { offset: 15, length: 7 }, undefined],
    ],
    [
      'an init section with a range',
      '#EXT-X-MAP:URI="i.mp4",BYTERANGE="100@0"\n#EXTINF:1,\na',
      l => l.segments.map(s => s.map),
      [{ uri: 'i.mp4', range: { offset: 0, length: 100 } }],
    ],
    [
      'dates go on from segment to segment, not over a discontinuity',
      '#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.5Z\n#EXTINF:2,\na\n#EXTINF:2,\nb\n#EXT-X-DISCONTINUITY\n#EXTINF:2,\nc',
      l => l.segments.map(s => s.wallMs && s.wallMs - Date.UTC(2026, 0, 1)),
      [500, 2500, undefined],
    ],
    [
      'a date that is none',
      '#EXT-X-PROGRAM-DATE-TIME:yesterday\n#EXTINF:2,\na',
      l => l.segments.map(s => s.wallMs),
      [undefined],
    ],
    ['a gap', '#EXT-X-GAP\n#EXTINF:2,\na\n#EXTINF:2,\nb', l => l.segments.map(s => s.missing), [true, false]],
    [
      'keys hold until the next; IVs are padded',
      '#EXT-X-KEY:METHOD=AES-128,URI="k,1",IV=0x0a\n#EXTINF:1,\na\n#EXT-X-KEY:METHOD=NONE\n#EXTINF:1,\nb',
      l => l.segments.map(s => s.key && [s.key.method, s.key.uri, s.key.iv?.[15], s.key.iv?.length]),
      [['AES-128', 'k,1', 10, 16], undefined],
    ],
    [
      'encryption of others is named',
      '#EXT-X-KEY:METHOD=SAMPLE-AES,URI="k"\n#EXTINF:1,\na',
      l => l.segments.map(s => [s.key?.method, s.key?.name]),
      [['other', 'SAMPLE-AES']],
    ],
    [
      'parts are passed over',
      '#EXT-X-PART:DURATION=0.3,URI="p"\n#EXTINF:1,\na\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI="q"',
      l => l.segments.map(s => s.uri),
      ['a'],
    ],
  ];
  for (const [name, text, pick, expected] of cases)
    test(name, () => assert.deepEqual(pick(media(`#EXTM3U\n${text}`)), expected));

  test('what is no playlist is named', () => {
    assert.equal(parsePlaylist('<html>'), 'a playlist that begins with #EXTM3U');
    assert.equal(parsePlaylist('#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n'), 'a variant in the master playlist');
  });
});

describe('master playlists', () => {
  const list = master(`#EXTM3U
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="x",URI="x.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="y",DEFAULT=YES,URI="y.m3u8"
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",NAME="z",URI="z.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=100,CODECS="mp4a.40.2"
sound.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=300,CODECS="avc1.64001f,mp4a.40.2",AUDIO="a"
low.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=900,CODECS="hvc1.1.6.L93.B0"
high.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=2000,CODECS="vp09.00.50.08"
foreign.m3u8
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=9000,URI="i.m3u8"
`);
  const without = (...names: string[]): MasterPlaylist => ({
    ...list,
    variants: list.variants.filter(v => !names.includes(v.uri)),
  });

  test('the best variant whose pictures are known is chosen; sound alone only if there is nothing else', () => {
    assert.equal(chooseVariant(list)?.uri, 'high.m3u8');
    assert.equal(chooseVariant(without('high.m3u8'))?.uri, 'low.m3u8');
    assert.equal(chooseVariant(without('high.m3u8', 'low.m3u8'))?.uri, 'sound.m3u8');
    assert.equal(chooseVariant(without('high.m3u8', 'low.m3u8', 'sound.m3u8')), undefined);
  });

  test('sound that has a playlist of its own: the default of the group', () => {
    const low = list.variants.find(v => v.uri === 'low.m3u8');
    const high = list.variants.find(v => v.uri === 'high.m3u8');
    assert.equal(low && audioOf(list, low), 'y.m3u8');
    assert.equal(high && audioOf(list, high), undefined);
  });
});

test('whatever the text is: no throw, no more segments than lines', () => {
  const random = fuzzSeed('playlist');
  const valid = new TextEncoder().encode(
    '#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:9\n#EXT-X-MAP:URI="i",BYTERANGE="9@1"\n#EXT-X-KEY:METHOD=AES-128,URI="k",IV=0x1\n' +
      '#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\n#EXT-X-BYTERANGE:5@6\n#EXTINF:4,\na\n#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS="a,b",AUDIO="g"\nv\n',
  );
  for (let i = 0; i < fuzzRounds(3000); i++) {
    const text = new TextDecoder().decode(mutate(random, valid));
    const list = parsePlaylist(text);
    if (typeof list === 'string') continue;
    if (list.kind === 'media') {
      assert.ok(list.segments.length <= text.length);
      assert.ok(list.targetSeconds > 0 && list.targetSeconds <= 3600);
    } else chooseVariant(list);
  }
});
