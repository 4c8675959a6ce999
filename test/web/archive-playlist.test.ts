/** Windows of an archive as one playlist, with the house's own writer of playlists as the judge. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type PlaylistSegment, writeVodPlaylist } from '#hls/playlist';
import { GrowingPlaylist, parsePlaylist, type Segment } from '#web/archive-playlist';

const t0 = Date.UTC(2026, 0, 2, 12);
const never = Number.POSITIVE_INFINITY;

/** Segment `n` of four seconds; named by its time, as the archive does. */
const piece = (n: number, changes: Partial<Segment> = {}): Segment => ({
  uri: `hls/${t0 + n * 4000}-${t0 + n * 4000 + 4000}.m4s`,
  beginMs: t0 + n * 4000,
  seconds: 4,
  map: 'hls/init-a.mp4',
  discontinuity: false,
  ...changes,
});
const pieces = (from: number, to: number): Segment[] => Array.from({ length: to - from }, (_, i) => piece(from + i));
const names = (segments: readonly Segment[]): string[] => segments.map(s => s.uri);
const listed = (list: GrowingPlaylist): Segment[] => parsePlaylist(list.write());

describe('parsePlaylist', () => {
  test('reads what the house writes', () => {
    const wanted = [piece(0), piece(1), piece(9, { discontinuity: true, map: 'hls/init-b.mp4', seconds: 2.5 })];
    const written = wanted.map(({ beginMs, ...s }): PlaylistSegment => ({ ...s, wallMs: beginMs }));
    assert.deepEqual(parsePlaylist(writeVodPlaylist({ independent: true, segments: written })), wanted);
  });

  test('without a date at every segment, time goes on by the durations', () => {
    const date = '#EXT-X-PROGRAM-DATE-TIME:2026-01-02T12:00:00.000Z';
    const parsed = parsePlaylist(`#EXTM3U\n${date}\n#EXTINF:4.0,\na\n#EXTINF:2.5,\nb\n#EXTINF:1,\nc\n`);
    assert.deepEqual(
      parsed.map(s => s.beginMs - t0),
      [0, 4000, 6500],
    );
  });

  test('segments without a place in time, or without duration, are left out', () => {
    assert.deepEqual(parsePlaylist('#EXTM3U\n#EXTINF:4,\na\n'), []);
    assert.deepEqual(parsePlaylist('#EXT-X-PROGRAM-DATE-TIME:2026-01-02T12:00:00.000Z\n#EXTINF:x,\nb\nc\n'), []);
  });

  test('any text gives segments or none, and no failure', () => {
    const line = fc.oneof(
      fc.string(),
      fc.constantFrom('#EXTINF:4,', '#EXTINF:', '#EXT-X-MAP:URI="', '#EXT-X-DISCONTINUITY', 'a.m4s'),
      fc.constantFrom('#EXT-X-PROGRAM-DATE-TIME:2026', '#EXT-X-PROGRAM-DATE-TIME:x'),
    );
    fc.assert(
      fc.property(fc.array(line), lines => {
        const text = lines.join('\n');
        const parsed = parsePlaylist(text);
        assert.ok(parsed.length <= text.split('\n').length);
        assert.ok(parsed.every(s => s.seconds > 0 && !Number.isNaN(s.beginMs)));
      }),
    );
  });
});

describe('GrowingPlaylist', () => {
  test('windows that overlap by a segment join without a seam', () => {
    const list = new GrowingPlaylist();
    list.add(pieces(0, 3), never);
    assert.equal(list.add(pieces(2, 5), never), 2);
    assert.deepEqual(listed(list), pieces(0, 5));
  });

  test('the same window again adds nothing', () => {
    const list = new GrowingPlaylist();
    list.add(pieces(0, 3), never);
    assert.equal(list.add(pieces(0, 3), never), 0);
  });

  test('after a gap there is a discontinuity', () => {
    const list = new GrowingPlaylist();
    list.add(pieces(0, 2), never);
    list.add(pieces(100, 102), never);
    assert.deepEqual(
      listed(list).map(s => s.discontinuity),
      [false, false, true, false],
    );
  });

  test('where the last segment has another name now, nothing is played twice', () => {
    const list = new GrowingPlaylist();
    list.add(pieces(0, 2), never);
    list.add([piece(1, { uri: 'hls/other.m4s' }), piece(2)], never);
    assert.deepEqual(names(listed(list)), names(pieces(0, 3)));
    assert.equal(listed(list)[2]?.discontinuity, true);
  });

  test('a segment that may still grow waits', () => {
    const list = new GrowingPlaylist();
    assert.equal(list.add(pieces(0, 3), t0 + 9000), 2);
    assert.equal(list.endMs, t0 + 8000);
    assert.equal(list.add([piece(1), piece(2, { uri: 'hls/longer.m4s', seconds: 5 })], never), 1);
    assert.equal(list.endMs, t0 + 13_000);
    assert.match(list.write(), /^#EXT-X-TARGETDURATION:5$/m);
  });

  test('what was played long ago is forgotten, and the numbers say so', () => {
    const list = new GrowingPlaylist();
    list.add([piece(0), piece(1, { discontinuity: true }), ...pieces(2, 9)], never);
    list.forget(t0 + 4000 * 4 + 1);
    assert.equal(list.beginMs, t0 + 16_000);
    assert.match(list.write(), /^#EXT-X-MEDIA-SEQUENCE:4\n#EXT-X-DISCONTINUITY-SEQUENCE:1$/m);
  });

  test('the list is bounded, and never empty', () => {
    const list = new GrowingPlaylist();
    list.add(pieces(0, 5000), never);
    list.forget(0);
    assert.equal(listed(list).length, 2000);
    list.forget(never);
    assert.equal(listed(list).length, 1);
  });

  test('only an ended list says that it ends', () => {
    const list = new GrowingPlaylist();
    list.add(pieces(0, 1), never);
    assert.ok(!list.write().includes('ENDLIST'));
    list.ended = true;
    assert.ok(list.write().endsWith('#EXT-X-ENDLIST\n'));
  });

  test('however footage is cut into windows, every segment is there once and in order', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 20 }), sizes => {
        const list = new GrowingPlaylist();
        let at = 0;
        for (const size of sizes) {
          list.add(pieces(Math.max(0, at - 1), at + size), never);
          at += size;
        }
        assert.deepEqual(names(listed(list)), names(pieces(0, at)));
      }),
    );
  });
});
