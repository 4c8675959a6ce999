import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Follower } from '#hls/follower';
import { type MediaPlaylist, parsePlaylist } from '#hls/playlist-reader';

/** Segments `first` .. `last` of two seconds. */
function list(first: number, last: number, ended = false): MediaPlaylist {
  let text = `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:${first}\n`;
  for (let i = first; i <= last; i++) text += `#EXTINF:2,\n${i}.ts\n`;
  const parsed = parsePlaylist(text + (ended ? '#EXT-X-ENDLIST\n' : ''));
  assert.ok(typeof parsed !== 'string' && parsed.kind === 'media');
  return parsed;
}

/** Ranges `first` .. `last` of one file; the numbers of segments begin with `sequence`. */
function ranges(first: number, last: number, sequence: number): MediaPlaylist {
  let text = `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:${sequence}\n`;
  for (let i = first; i <= last; i++) text += `#EXTINF:2,\n#EXT-X-BYTERANGE:100@${i}00\nall.ts\n`;
  const parsed = parsePlaylist(text);
  assert.ok(typeof parsed !== 'string' && parsed.kind === 'media');
  return parsed;
}

/** Everything that can be taken now; `!` where something before it is missing. */
function taken(follower: Follower): string {
  const found: string[] = [];
  for (let next = follower.take(); next; next = follower.take())
    found.push(`${next.broken ? '!' : ''}${next.segment.sequence}`);
  return found.join(' ');
}

describe('following a playlist', () => {
  // one playlist after the other, and what is taken after each
  const cases: [name: string, lists: MediaPlaylist[], expected: string[]][] = [
    ['a live one begins three target durations before its end', [list(10, 19)], ['17 18 19']],
    ['a short one begins at its begin', [list(10, 11)], ['10 11']],
    ['a complete one begins at its begin', [list(0, 9, true)], ['0 1 2 3 4 5 6 7 8 9']],
    ['it goes on with what is new', [list(10, 19), list(10, 19), list(12, 21)], ['17 18 19', '', '20 21']],
    ['what has left the list is missed', [list(10, 19), list(25, 30)], ['17 18 19', '!25 26 27 28 29 30']],
    ['an older copy from a cache is no news', [list(10, 19), list(8, 17), list(11, 20)], ['17 18 19', '', '20']],
    ['a server that began anew is joined near its end', [list(100, 109), list(0, 9)], ['107 108 109', '!7 8 9']],
    ['ranges of one file that are counted', [ranges(10, 15, 10), ranges(11, 16, 11)], ['13 14 15', '16']],
    [
      'ranges of one file always under the same numbers (FFmpeg, single_file)',
      [ranges(0, 5, 0), ranges(1, 6, 0), ranges(1, 6, 0), ranges(3, 8, 0)],
      ['3 4 5', '6', '', '7 8'],
    ],
    [
      'the same, when none of those known is listed any more',
      [ranges(0, 5, 0), ranges(20, 25, 0), ranges(21, 26, 0)],
      ['3 4 5', '!6 7 8 9 10 11', '12'],
    ],
    ['an empty list is waited with', [list(5, 4), list(5, 5)], ['', '5']],
  ];
  for (const [name, lists, expected] of cases)
    test(name, () => {
      const follower = new Follower();
      const got = lists.map(l => {
        follower.update(l);
        return taken(follower);
      });
      assert.deepEqual(got, expected);
    });

  test('it is read again after a target duration, and after half of one if there was no news', () => {
    const follower = new Follower();
    follower.update(list(1, 3));
    assert.equal(follower.reloadMs, 2000);
    follower.update(list(1, 3));
    assert.equal(follower.reloadMs, 1000);
    follower.update(list(1, 4));
    assert.equal(follower.reloadMs, 2000);
    follower.notChanged();
    assert.equal(follower.reloadMs, 1000);
  });

  test('it has ended when the last segment of a complete list is taken', () => {
    const follower = new Follower();
    follower.update(list(1, 2, true));
    assert.equal(follower.ended, false);
    taken(follower);
    assert.equal(follower.ended, true);
  });
});
