import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ReadRequest, RecordedMedia, RecordedPiece, RecordedUnit } from '#capability/recorded-media';
import type { Track } from '#media/track';
import { RecordedPlayer, type RecordedPlayerOptions } from '#playback/recorded-player';

const tracks = [
  { kind: 'video', timescale: 90_000 },
  { kind: 'audio', timescale: 8000 },
] as unknown as readonly Track[];

const unit = (track: number, wallMs: number, ptsMs: number, keyframe = true): RecordedUnit => {
  const ticks = (ptsMs * (tracks[track]?.timescale ?? 0)) / 1000;
  return { track, pts: ticks, dts: ticks, wallMs, keyframe, data: new Uint8Array(1) };
};

/** A second with two pictures, and sound with the first: named by its wall clock in seconds. */
const piece = (s: number, over: Partial<RecordedPiece> = {}, ptsMs = s * 1000): RecordedPiece => ({
  beginMs: s * 1000,
  endMs: s * 1000 + 1000,
  run: 1,
  format: 'a',
  tracks,
  keyframe: true,
  units: [unit(0, s * 1000, ptsMs), unit(1, s * 1000 + 10, ptsMs + 10), unit(0, s * 1000 + 500, ptsMs + 500, false)],
  next: s * 1000,
  ...over,
});

function archive(pieces: readonly RecordedPiece[]): RecordedMedia & { asked: ReadRequest[] } {
  const asked: ReadRequest[] = [];
  return {
    asked,
    intervals: async (_, from = 0, to = Number.POSITIVE_INFINITY) =>
      pieces.filter(p => p.endMs > from && p.beginMs < to).map(p => [Math.max(p.beginMs, from), Math.min(p.endMs, to)]),
    read: async request => {
      asked.push(request);
      const { from, how } = request;
      if (how !== 'backward-keyframes')
        return pieces.find(p => ('next' in from ? p.beginMs > from.next : p.endMs > from.atMs));
      const found = pieces.findLast(p => ('next' in from ? p.beginMs < from.next : p.beginMs <= from.atMs));
      return found && { ...found, units: found.units.slice(0, 1) };
    },
  };
}

/** Units as `v1500@1500`, wall clock and due time; with D, E, T where those are said. */
async function all(pieces: readonly RecordedPiece[], over: Partial<RecordedPlayerOptions> = {}): Promise<string> {
  const player = new RecordedPlayer(archive(pieces), {
    track: 'cam',
    atMs: 0,
    how: 'forward',
    untilMs: undefined,
    sound: false,
    follows: false,
    ...over,
  });
  const got: string[] = [];
  while (await player.more()) {
    const { unit: u, playMs, discontinuity, endsSection, endsAll } = player.peek()!;
    const flags = `${discontinuity ? 'D' : ''}${endsSection ? 'E' : ''}${endsAll ? 'T' : ''}`;
    got.push(`${u.track === 0 ? 'v' : 'a'}${u.wallMs}@${Math.round(playMs)}${flags}`);
    player.advance();
  }
  return got.join(' ');
}

const rows: [name: string, pieces: RecordedPiece[], over: Partial<RecordedPlayerOptions>, want: string][] = [
  ['pieces that follow on', [piece(0), piece(1)], {}, 'v0@0D v500@500 v1000@1000 v1500@1500ET'],
  [
    'sound beside them',
    [piece(0), piece(1)],
    { sound: true },
    'v0@0D a10@10D v500@500 v1000@1000 a1010@1010ET v1500@1500ET',
  ],
  ['a hole is left out', [piece(0), piece(7)], {}, 'v0@0D v500@500E v7000@1000D v7500@1500ET'],
  ['a short break is kept', [piece(0), piece(1.5, { run: 2 }, 0)], {}, 'v0@0D v500@500 v1500@1500D v2000@2000ET'],
  [
    'another run that begins at once',
    [piece(0), piece(1, { run: 2 }, 0)],
    {},
    'v0@0D v500@500 v1000@1000D v1500@1500ET',
  ],
  ['pieces that overlap', [piece(0), piece(0.8, { run: 2 }, 0)], {}, 'v0@0D v500@500 v800@1000D v1300@1500ET'],
  ['the last before the end', [piece(0), piece(1)], { untilMs: 1500 }, 'v0@0D v500@500 v1000@1000ET'],
  ['the last just before the end', [piece(0)], { untilMs: 501 }, 'v0@0D v500@500ET'],
  ['a piece without anything in time', [piece(0), piece(1)], { untilMs: 1000 }, 'v0@0D v500@500'],
  ['what may go on', [piece(0)], { follows: true }, 'v0@0D v500@500'],
  [
    'an empty piece between',
    [piece(0), piece(1, { units: [] }), piece(2)],
    {},
    'v0@0D v500@500 v2000@2000 v2500@2500ET',
  ],
  [
    'backward',
    [piece(0), piece(1), piece(2)],
    { how: 'backward-keyframes', atMs: 2500 },
    'v2000@0D v1000@1000D v0@2000DET',
  ],
  ['backward over a hole', [piece(0), piece(9)], { how: 'backward-keyframes', atMs: 9500 }, 'v9000@0DE v0@1000DET'],
];
describe('a recording as it is played', () => {
  for (const [name, pieces, over, want] of rows) test(name, async () => assert.equal(await all(pieces, over), want));

  test('a picture shown later than the end goes along where one in time stands behind it', async () => {
    const units = [unit(0, 0, 0), unit(0, 900, 900, false), unit(0, 300, 300, false), unit(0, 600, 600, false)];
    assert.equal(await all([piece(0, { units })], { untilMs: 500 }), 'v0@0D v900@900 v300@300ET');
  });

  test('three pieces are held at most, and what comes later is found', async () => {
    const pieces = [piece(0), piece(1), piece(2), piece(3)];
    const media = archive(pieces);
    const options = { track: 'cam', atMs: 0, how: 'forward', untilMs: undefined, sound: false, follows: true } as const;
    const player = new RecordedPlayer(media, options);
    assert.equal(await player.more(), true);
    await new Promise(r => setImmediate(r));
    assert.equal(media.asked.length, 3);
    let units = 0;
    for (; await player.more(); units++) player.advance();
    assert.equal(units, 8);
    pieces.push(piece(4));
    assert.equal(await player.more(), true);
    assert.deepEqual(
      [player.peek()?.unit.wallMs, player.peek()?.playMs, player.peek()?.discontinuity],
      [4000, 4000, false],
    );
  });
});
