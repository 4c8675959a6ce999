import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReadRequest, RecordedMedia, RecordedPiece } from '#capability/recorded-media';
import { Fault } from '#core/errors';
import { RecordedReader } from '#playback/recorded-reader';

const piece = (beginMs: number, over: Partial<RecordedPiece> = {}): RecordedPiece => ({
  beginMs,
  endMs: beginMs + 1000,
  run: 1,
  format: 'a',
  tracks: [],
  keyframe: true,
  units: [0, 500].map(ms => ({
    track: 0,
    pts: beginMs + ms,
    dts: beginMs + ms,
    wallMs: beginMs + ms,
    keyframe: ms === 0,
    data: new Uint8Array(1),
  })),
  next: beginMs,
  ...over,
});

/** An archive with these pieces; what it was asked stands in `asked`. */
function archive(pieces: readonly RecordedPiece[]): RecordedMedia & { asked: ReadRequest[] } {
  const asked: ReadRequest[] = [];
  return {
    asked,
    intervals: async () => [],
    read: async request => {
      asked.push(request);
      const { from } = request;
      return pieces.find(p => ('next' in from ? p.beginMs > from.next : p.endMs > from.atMs));
    },
  };
}

async function all(reader: RecordedReader): Promise<string[]> {
  const got: string[] = [];
  for (let u = await reader.next(); u; u = await reader.next()) got.push(`${u.run.id}:${u.wallMs}`);
  return got;
}

const rows: [name: string, pieces: RecordedPiece[], got: string][] = [
  ['pieces that follow on are one run', [piece(0), piece(1000)], '0:0 0:500 0:1000 0:1500'],
  ['a hole begins a new run', [piece(0), piece(5000)], '0:0 0:500 1:5000 1:5500'],
  ['another run of the archive is a new run', [piece(0), piece(1000, { run: 2 })], '0:0 0:500 1:1000 1:1500'],
  ['another format is a new run', [piece(0), piece(1000, { format: 'b' })], '0:0 0:500 1:1000 1:1500'],
  ['a piece without units is passed over', [piece(0, { units: [] }), piece(1000)], '0:1000 0:1500'],
];
for (const [name, pieces, got] of rows)
  test(name, async () => {
    const reader = new RecordedReader(archive(pieces), { track: 'cam1', atMs: 0 });
    assert.deepEqual(await all(reader), got.split(' '));
  });

test('one piece is asked for ahead and not two', async () => {
  const media = archive([piece(0), piece(1000), piece(2000)]);
  const reader = new RecordedReader(media, { track: 'cam1', atMs: 0, untilMs: 9000 });
  await reader.next();
  await reader.next();
  assert.deepEqual(
    media.asked.map(r => r.from),
    [{ atMs: 0 }, { next: 0 }],
  );
  assert.equal(media.asked[1]?.untilMs, 9000);
});

test('at the end so far it may be asked again', async () => {
  const pieces = [piece(0)];
  const reader = new RecordedReader(archive(pieces), { track: 'cam1', atMs: 0 });
  assert.equal((await all(reader)).length, 2);
  pieces.push(piece(1000));
  assert.deepEqual(await all(reader), ['0:1000', '0:1500']);
});

test('a failure ahead is told to who asks, and to nobody else', async () => {
  const media = archive([piece(0)]);
  const read = media.read;
  media.read = request =>
    'next' in request.from ? Promise.reject(new Fault('storage', 'unavailable', 'x')) : read(request);
  const reader = new RecordedReader(media, { track: 'cam1', atMs: 0 });
  await reader.next();
  await reader.next();
  await assert.rejects(reader.next(), { code: 'unavailable' });
});

test('after close nothing comes', async () => {
  const reader = new RecordedReader(archive([piece(0)]), { track: 'cam1', atMs: 0 });
  await reader.next();
  reader.close();
  assert.equal(await reader.next(), undefined);
});
