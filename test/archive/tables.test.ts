import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parseIdentity, writeIdentity } from '#archive/format/identity';
import { LedgerState, ledgerLine } from '#archive/format/ledger-line';
import { hideTracks, shiftMediaTime, withoutUuid } from '#archive/format/media-time';
import { foldersOf, hourFolder, isTrackName, ledgerPath, segmentPath } from '#archive/format/paths';
import { packRecords, unpackRecords } from '#archive/format/record';
import { IntervalList, type Span } from '#archive/index/interval-list';
import type { GapRow } from '#archive/index/rows';
import { entriesOf, parseLedger } from '#archive/library/ledger';
import { gapCover } from '#archive/read/gap-cover';
import { ClockBase } from '#archive/recorder/clock-base';
import { type FileSoFar, type NextFragment, rotation } from '#archive/recorder/rotation';

const at = Date.UTC(2026, 1, 3, 4, 5, 6, 78);

describe('names', () => {
  const names: [what: string, got: string, wanted: string][] = [
    ['a file by its first sample', segmentPath('cam1', at), 'cam1/2026/02/03/04/20260203T040506.078Z.mp4'],
    ['a fraction is cut off', segmentPath('cam1', at + 0.9), 'cam1/2026/02/03/04/20260203T040506.078Z.mp4'],
    ['a clash is counted', segmentPath('cam1', at, 2), 'cam1/2026/02/03/04/20260203T040506.078Z_2.mp4'],
    ['an hour', hourFolder('a-b_c', at), 'a-b_c/2026/02/03/04'],
    ['a month of the ledger', ledgerPath(at), 'ledger/2026-02.jsonl'],
    ['folders of a path, outermost first', foldersOf('a/b/c.mp4').join(' '), 'a a/b'],
  ];
  for (const [what, got, wanted] of names) test(what, () => assert.equal(got, wanted));

  const tracks: [name: string, is: boolean][] = [
    ['cam1', true],
    ['7', true],
    ['cam.1', true],
    ['..', false],
    ['.hidden', false],
    ['a/b', false],
    ['', false],
    ['ledger', false],
    ['a'.repeat(129), false],
  ];
  for (const [name, is] of tracks)
    test(`"${name.slice(0, 20)}" ${is ? 'is' : 'is no'} track`, () => assert.equal(isTrackName(name), is));
});

describe('rotation', () => {
  const limits = { fileBytes: 1000, fileSeconds: 10 };
  const file: FileSoFar = { runId: 1, beginMs: 0, endMs: 5000, bytes: 500 };
  const next: NextFragment = { runId: 1, beginMs: 5000, keyframe: true };
  const rows: [name: string, file: FileSoFar | undefined, next: NextFragment, wanted: string | undefined][] = [
    ['the first fragment begins a file', undefined, next, 'first'],
    ['a fragment that follows goes on', file, next, undefined],
    ['another run begins a file', file, { ...next, runId: 2 }, 'run'],
    ['a hole of a second goes on', file, { ...next, beginMs: 6000 }, undefined],
    ['a longer hole begins a file', file, { ...next, beginMs: 6001 }, 'hole'],
    ['enough bytes begin a file at a key frame', { ...file, bytes: 1000 }, next, 'size'],
    ['enough bytes wait for a key frame', { ...file, bytes: 1000 }, { ...next, keyframe: false }, undefined],
    ['enough time begins a file at a key frame', { ...file, endMs: 10_000 }, { ...next, beginMs: 10_000 }, 'time'],
    [
      'enough time waits for a key frame',
      { ...file, endMs: 10_000 },
      { ...next, beginMs: 10_000, keyframe: false },
      undefined,
    ],
  ];
  for (const [name, f, n, wanted] of rows) test(name, () => assert.equal(rotation(f, n, limits), wanted));
});

describe('intervals', () => {
  type Act = ['+' | '-', number, number];
  const rows: [name: string, acts: Act[], wanted: Span[]][] = [
    [
      'what touches is one',
      [
        ['+', 0, 1000],
        ['+', 1000, 2000],
      ],
      [[0, 2000]],
    ],
    [
      'less than a second apart is one',
      [
        ['+', 0, 1000],
        ['+', 1999, 3000],
      ],
      [[0, 3000]],
    ],
    [
      'a second apart is two',
      [
        ['+', 0, 1000],
        ['+', 2000, 3000],
      ],
      [
        [0, 1000],
        [2000, 3000],
      ],
    ],
    [
      'order of arrival does not matter',
      [
        ['+', 2000, 3000],
        ['+', 0, 1000],
        ['+', 1000, 1500],
      ],
      [[0, 3000]],
    ],
    [
      'a piece can join many',
      [
        ['+', 0, 1000],
        ['+', 5000, 6000],
        ['+', 9000, 9500],
        ['+', 500, 9200],
      ],
      [[0, 9500]],
    ],
    [
      'removing from the front shortens',
      [
        ['+', 0, 5000],
        ['-', 0, 2000],
      ],
      [[2000, 5000]],
    ],
    [
      'removing from the middle splits',
      [
        ['+', 0, 9000],
        ['-', 3000, 5000],
      ],
      [
        [0, 3000],
        [5000, 9000],
      ],
    ],
    [
      'removing what is not there changes nothing',
      [
        ['+', 0, 1000],
        ['-', 5000, 6000],
      ],
      [[0, 1000]],
    ],
    [
      'removing everything leaves nothing',
      [
        ['+', 0, 1000],
        ['+', 3000, 4000],
        ['-', 0, 4000],
      ],
      [],
    ],
  ];
  for (const [name, acts, wanted] of rows)
    test(name, () => {
      const list = new IntervalList();
      for (const [sign, b, e] of acts) sign === '+' ? list.add(b, e) : list.remove(b, e);
      assert.deepEqual(list.spans, wanted);
    });

  test('a mirror that does every edit stays equal, and the list stays sorted and apart', () => {
    const act = fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 60_000 }), fc.integer({ min: 1, max: 9000 }));
    fc.assert(
      fc.property(fc.array(act, { maxLength: 60 }), acts => {
        const list = new IntervalList();
        let mirror: Span[] = [];
        for (const [add, begin, length] of acts) {
          const edit = add ? list.add(begin, begin + length) : list.remove(begin, begin + length);
          if (edit.from <= edit.to) mirror = mirror.filter(s => s[0] < edit.from || s[0] > edit.to);
          mirror = [...mirror, ...edit.now].sort((a, b) => a[0] - b[0]);
          assert.deepEqual(mirror, list.spans);
        }
        list.spans.forEach(([b, e], i) => {
          assert.ok(b < e);
          const before = list.spans[i - 1];
          if (before) assert.ok(b > before[1]);
        });
      }),
    );
  });

  test('a clip shows what is inside, cut to the range', () => {
    const list = new IntervalList([
      [0, 1000],
      [3000, 5000],
      [7000, 9000],
    ]);
    assert.deepEqual(list.clip(500, 8000), [
      [500, 1000],
      [3000, 5000],
      [7000, 8000],
    ]);
    assert.deepEqual(list.clip(1000, 3000), []);
    assert.deepEqual(list.clip(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY), list.spans);
  });
});

describe('gaps', () => {
  const row = (beginMs: number, endMs: number | null, reason: GapRow['reason']): GapRow => ({
    beginMs,
    endMs,
    reason,
    filledMs: null,
  });
  const rows: [name: string, timeline: Span[], gaps: GapRow[], range: Span, wanted: string[]][] = [
    [
      'a hole has its reason',
      [
        [0, 5000],
        [9000, 12_000],
      ],
      [row(5000, 9000, 'no-media')],
      [0, 12_000],
      ['5000-9000 no-media'],
    ],
    [
      'a hole without one was removed',
      [
        [0, 5000],
        [9000, 12_000],
      ],
      [],
      [0, 12_000],
      ['5000-9000 removed'],
    ],
    [
      'a gap that lasts goes to the end of the range',
      [[0, 5000]],
      [row(5000, null, 'restart')],
      [0, 9000],
      ['5000-9000 restart'],
    ],
    [
      'two reasons share a hole',
      [[0, 1000]],
      [row(1000, 4000, 'no-media'), row(4000, null, 'disk-full')],
      [0, 9000],
      ['1000-4000 no-media', '4000-9000 disk-full'],
    ],
    ['a reason under footage is not told', [[0, 9000]], [row(2000, 4000, 'no-media')], [0, 9000], []],
    [
      'a reason longer than the hole is cut',
      [
        [0, 3000],
        [5000, 9000],
      ],
      [row(1000, 8000, 'no-media')],
      [0, 9000],
      ['3000-5000 no-media'],
    ],
    [
      'what lies between two reasons was removed',
      [[0, 1000]],
      [row(1000, 3000, 'restart'), row(6000, 9000, 'no-media')],
      [0, 9000],
      ['1000-3000 restart', '3000-6000 removed', '6000-9000 no-media'],
    ],
    [
      'less than a second between belongs to a neighbour',
      [[0, 1000]],
      [row(1000, 3000, 'restart'), row(3500, 8500, 'no-media')],
      [0, 9000],
      ['1000-3000 restart', '3000-9000 no-media'],
    ],
    [
      'one reason for many holes',
      [
        [2000, 3000],
        [5000, 6000],
      ],
      [row(0, null, 'no-media')],
      [0, 9000],
      ['0-2000 no-media', '3000-5000 no-media', '6000-9000 no-media'],
    ],
  ];
  for (const [name, timeline, gaps, range, wanted] of rows)
    test(name, () =>
      assert.deepEqual(
        gapCover(timeline, gaps, range).map(g => `${g.beginMs}-${g.endMs} ${g.reason}`),
        wanted,
      ),
    );

  test('timeline and gaps cover the range without overlap, whatever the rows', () => {
    const span = fc.tuple(fc.integer({ min: 0, max: 50_000 }), fc.integer({ min: 1, max: 9000 }));
    fc.assert(
      fc.property(
        fc.array(span, { maxLength: 12 }),
        fc.array(span, { maxLength: 12 }),
        fc.boolean(),
        (footage, reasons, lasts) => {
          const list = new IntervalList();
          for (const [b, l] of footage) list.add(b, b + l);
          const sorted = reasons.map(([b, l]) => row(b, b + l, 'no-media')).sort((a, b) => a.beginMs - b.beginMs);
          const range: Span = [0, 60_000];
          const timeline = list.clip(...range);
          const told = gapCover(timeline, lasts ? [...sorted, row(50_000, null, 'restart')] : sorted, range);
          const all = [...timeline, ...told.map((g): Span => [g.beginMs, g.endMs])].sort((a, b) => a[0] - b[0]);
          let end = 0;
          for (const [b, e] of all) {
            assert.equal(b, end);
            assert.ok(e > b);
            end = e;
          }
          assert.equal(end, 60_000);
        },
      ),
    );
  });
});

describe('the clock of a track', () => {
  test('goes with the wall clock while that goes on', () => {
    const c = new ClockBase();
    assert.equal(c.begin(1000, undefined), false);
    assert.equal(c.map(1500), 1500);
    assert.equal(c.begin(9000, 5000), false);
    assert.equal(c.map(9000), 9000);
  });

  test('never goes back, and comes nearer by 5 ms a second', () => {
    const c = new ClockBase();
    assert.equal(c.begin(1000, 4000), true);
    assert.equal(c.map(1000), 4000);
    let last = 4000;
    for (let wall = 2000; wall <= 700_000; wall += 1000) {
      const mapped = c.map(wall);
      assert.ok(mapped - last >= 995 - 1e-6 && mapped - last <= 1000);
      last = mapped;
    }
    assert.equal(c.offsetMs, 0);
  });
});

describe('formats', () => {
  const identity = { track: 'cam1', beginMs: 1767225600123.456, run: 1767225600123456, origins: [90_000, -5] };

  test('identity: what was written is read', () => assert.deepEqual(parseIdentity(writeIdentity(identity)), identity));

  test('identity: its bytes are a promise (a change needs a new version)', () =>
    assert.equal(
      Buffer.from(writeIdentity(identity)).toString('hex'),
      '6f63656c6c757300a1c75e6d656e7401' +
        '01' +
        '02' +
        '0004' +
        '0006474846222240' +
        '0006474846222240' +
        '0000000000015f90' +
        'fffffffffffffffb' +
        '63616d31',
    ));

  test('records: what was packed is unpacked', () => {
    const record = {
      beginMs: 1767225600123.456,
      durationMs: 1000.001,
      offset: 4_000_000_000,
      bytes: 123,
      headerBytes: 77,
      keyframe: true,
      reordered: true,
      tracks: [
        { baseDts: 2 ** 40, samples: 25, duration: 90_000, bytes: 100 },
        { baseDts: 0, samples: 0, duration: 0, bytes: 0 },
      ],
    };
    const plain = { ...record, keyframe: false, reordered: false };
    assert.deepEqual(unpackRecords(packRecords([record, plain], 2), 2), [record, plain]);
    assert.throws(() => unpackRecords(new Uint8Array(63), 2), { kind: 'storage', code: 'index-damaged' });
  });

  test('ledger: what was written is read; the last line of a gap counts, half lines and foreign ones do not', () => {
    const gap = { is: 'gap', track: 'cam1', beginMs: at, endMs: null, reason: 'restart' } as const;
    const entries = entriesOf([
      gap,
      { ...gap, endMs: at + 5000 },
      { is: 'clock', track: 'cam1', atMs: at, offsetMs: 3 },
      { is: 'track', track: 'cam1' },
    ]);
    assert.deepEqual(
      entries.map(([ms]) => ledgerPath(ms)),
      ['ledger/2026-02.jsonl', 'ledger/2026-02.jsonl', 'ledger/2026-02.jsonl'],
    );
    const text = entries.map(([, e]) => ledgerLine(e)).join('');
    const foreign = [
      'null',
      '{"gap":{"track":"../x","begin":1,"end":2,"reason":"restart"}}',
      '{"gap":{"track":"cam1","begin":1,"end":2,"reason":"holiday"}}',
      '{"toString":{"track":"cam1"}}',
      '{"hash":{"track":"cam1","file":"a","bytes":1,"sha256":"short","prev":"","chain":""}}',
      '{"gap":{"tra',
    ];
    const read = parseLedger(text + foreign.join('\n'));
    assert.equal(read.length, 3);
    const state = new LedgerState();
    for (const entry of read) state.take(entry);
    assert.deepEqual([...state.gaps.values()], [{ track: 'cam1', begin: at, end: at + 5000, reason: 'restart' }]);
  });

  test('ledger: of a lock the last line counts, and none after its unlock', () => {
    const lock = { track: 'cam1', id: 'a', begin: 1, end: 2, reason: 'theft', until: null, by: 'ann', created: 5 };
    const lines = [
      { lock },
      { lock: { ...lock, end: 3 } },
      { lock: { ...lock, id: 'b' } },
      { unlock: { track: 'cam1', id: 'b', by: 'bob', at: 6 } },
      { unlock: { track: 'cam2', id: 'a', by: null, at: 6 } },
    ];
    const state = new LedgerState();
    for (const entry of parseLedger(lines.map(l => JSON.stringify(l)).join('\n'))) state.take(entry);
    assert.deepEqual([...state.locks.values()], [{ ...lock, end: 3 }]);
  });

  test('any bytes: patches and parsers neither throw nor loop nor grow', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.array(
          fc.constantFrom('moof', 'moov', 'traf', 'trak', 'tfhd', 'tfdt', 'tkhd', 'prft', 'mvex', 'trex', 'uuid'),
          { maxLength: 6 },
        ),
        (bytes, names) => {
          names.forEach((name, i) => {
            const place = i * 8;
            if (place + 8 > bytes.length) return;
            new DataView(bytes.buffer).setUint32(place, bytes.length - place);
            bytes.set(Buffer.from(name), place + 4);
          });
          const size = bytes.length;
          shiftMediaTime(bytes, [5, -5]);
          hideTracks(bytes, id => id === 1);
          assert.ok(withoutUuid(bytes).length <= size);
          parseIdentity(bytes);
          parseLedger(Buffer.from(bytes).toString('latin1'));
        },
      ),
    );
  });
});
