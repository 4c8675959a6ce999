import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aacTrack, epochMs, fakeRun, fakeUnit, h264Track } from '#fake/media';
import { Hub } from '#hub/hub';
import type { Sink } from '#hub/sink';
import type { AccessUnit } from '#media/access-unit';
import type { Gap } from '#media/gap';

/** Writes down what it gets: `1:40` is run 1 at 40 ms (`a` audio, `!` keyframe), `gap no-media` a gap. */
class Notes implements Sink {
  readonly got: string[] = [];
  unit(u: AccessUnit): void {
    const track = u.run.tracks[u.track]!;
    const ms = Math.round((u.pts / track.timescale) * 1000);
    this.got.push(`${u.run.id}:${ms}${track.kind === 'audio' ? 'a' : u.keyframe ? '!' : ''}`);
  }
  gap(g: Gap): void {
    this.got.push(`gap ${g.reason}`);
  }
}

const bugs: string[] = [];
const newHub = (limits: { bytes?: number; ms?: number } = {}): Hub => {
  bugs.length = 0;
  return new Hub({
    gopLimitBytes: limits.bytes ?? 1000,
    gopLimitMs: limits.ms ?? 10_000,
    onBug: (e, who) => bugs.push(`${who}: ${(e as Error).message}`),
  });
};
const runs = [fakeRun(0), fakeRun(1), fakeRun(2)] as const;
const av = fakeRun(3, [h264Track, aacTrack]);
const sound = fakeRun(4, [aacTrack]);

/** `1:40!` publishes a keyframe of run 1 at 40 ms, a trailing `a` is audio of run 3, `gap R` a gap. */
function feed(hub: Hub, ...what: string[]): void {
  for (const w of what) {
    if (w.startsWith('gap ')) hub.gap({ reason: w.slice(4) as Gap['reason'], atMs: epochMs });
    else {
      const [, run = '', ms = '', mark = ''] = /^(\d):(\d+)(.?)$/.exec(w) ?? [];
      const r = [...runs, av, sound][Number(run)]!;
      const audio = mark === 'a';
      hub.publish(fakeUnit(r, Number(ms), { keyframe: audio || mark === '!', track: audio && r === av ? 1 : 0 }));
    }
  }
}

describe('Hub: what a sink gets', () => {
  // before: published before the sink attaches; then: after
  const cases: [name: string, from: 'keyframe' | 'kept' | 'next', before: string[], then: string[], got: string[]][] = [
    ['whoever is there first gets everything', 'keyframe', [], ['1:0!', '1:40'], ['1:0!', '1:40']],
    [
      'a late viewer begins with the kept group',
      'keyframe',
      ['1:0!', '1:40', '1:80!', '1:120'],
      ['1:160'],
      ['1:80!', '1:120', '1:160'],
    ],
    [
      'a recording begins with the next keyframe',
      'next',
      ['1:0!', '1:40'],
      ['1:80', '1:120!', '1:160'],
      ['1:120!', '1:160'],
    ],
    ['a recording may have the kept group, too', 'kept', ['1:0!', '1:40'], ['1:80'], ['1:0!', '1:40', '1:80']],
    [
      'the kept group has its audio',
      'keyframe',
      ['3:0!', '3:20a', '3:40'],
      ['3:41a'],
      ['3:0!', '3:20a', '3:40', '3:41a'],
    ],
    [
      'audio does not open a stream that has video',
      'keyframe',
      ['3:0a'],
      ['3:20a', '3:40', '3:80!', '3:90a'],
      ['3:80!', '3:90a'],
    ],
    ['a recording does not begin with audio either', 'next', ['3:0!'], ['3:20a', '3:40!', '3:41a'], ['3:40!', '3:41a']],
    ['a stream of audio alone begins anywhere', 'next', [], ['4:0a', '4:20a'], ['4:0a', '4:20a']],
    ['a new run begins with its keyframe', 'keyframe', [], ['1:0!', '2:0', '2:40!'], ['1:0!', '2:40!']],
    ['a late viewer gets nothing of the run before', 'keyframe', ['1:0!', '1:40', '2:0!'], [], ['2:0!']],
    ['a gap is told once', 'keyframe', [], ['1:0!', 'gap no-media', 'gap no-media'], ['1:0!', 'gap no-media']],
    [
      'another reason is told',
      'keyframe',
      [],
      ['gap no-media', 'gap camera-unreachable'],
      ['gap no-media', 'gap camera-unreachable'],
    ],
    [
      'a gap after media is told again',
      'next',
      [],
      ['gap no-media', '1:0!', 'gap no-media'],
      ['gap no-media', '1:0!', 'gap no-media'],
    ],
    [
      'media that is dropped does not end a gap',
      'next',
      [],
      ['gap no-media', '1:40', 'gap no-media'],
      ['gap no-media'],
    ],
    ['whoever comes during a gap is told it', 'next', ['1:0!', 'gap restart'], ['2:0!'], ['gap restart', '2:0!']],
    [
      'what was before a gap primes nobody',
      'keyframe',
      ['1:0!', '1:40', 'gap no-media'],
      ['1:80!'],
      ['gap no-media', '1:80!'],
    ],
    [
      'after a gap the same run begins with a keyframe',
      'next',
      [],
      ['1:0!', 'gap no-media', '1:40', '1:80!'],
      ['1:0!', 'gap no-media', '1:80!'],
    ],
    ['a gap is over for who comes after it', 'next', ['gap restart', '1:0!'], ['1:40!'], ['1:40!']],
  ];
  for (const [name, from, before, then, got] of cases)
    test(name, () => {
      const hub = newHub();
      feed(hub, ...before);
      const notes = new Notes();
      hub.attach(notes, { who: 'test', from });
      feed(hub, ...then);
      assert.deepEqual(notes.got, got);
    });
});

describe('Hub: limits of what is kept', () => {
  for (const [name, limit] of [
    ['a group from before a recording goes on is left out', { notBeforeMs: Number.MAX_SAFE_INTEGER }],
    ['so is one that it has no room for', { mostBytes: 1 }],
  ] as const)
    test(name, () => {
      const hub = newHub();
      feed(hub, '1:0!', '1:40');
      const notes = new Notes();
      hub.attach(notes, { who: 'test', from: 'kept', ...limit });
      feed(hub, '1:80', '1:120!');
      assert.deepEqual([notes.got, hub.viewers], [['1:120!'], 0]);
    });

  test('a group beyond the limit in bytes is forgotten; a late viewer waits for the next keyframe', () => {
    const hub = newHub({ bytes: 20 });
    feed(hub, '1:0!', '1:40');
    assert.equal(hub.keptBytes, 16);
    feed(hub, '1:80', '1:120');
    assert.equal(hub.keptBytes, 0);
    const notes = new Notes();
    hub.attach(notes, { who: 'late', from: 'keyframe' });
    feed(hub, '1:160', '1:200!');
    assert.deepEqual(notes.got, ['1:200!']);
  });

  test('a group beyond the limit in time is forgotten', () => {
    const hub = newHub({ ms: 100 });
    feed(hub, '1:0!', '1:100');
    assert.equal(hub.keptBytes, 16);
    feed(hub, '1:101');
    assert.equal(hub.keptBytes, 0);
  });

  test('the newest keyframe is kept whatever follows it, and forgotten in a gap', () => {
    const hub = newHub({ bytes: 10 });
    feed(hub, '1:0!', '1:40', '1:80');
    assert.equal(hub.keyframe?.pts, 0);
    feed(hub, 'gap no-media');
    assert.equal(hub.keyframe, undefined);
    assert.equal(hub.run, undefined);
  });

  test('what could not be placed is counted', () => {
    const hub = newHub();
    feed(hub, '1:0', '1:40', '1:80!', '2:0');
    assert.equal(hub.dropped, 3);
  });
});

describe('Hub: sinks that misbehave, and sinks that leave', () => {
  const throwing = (at: number): Sink => {
    let n = 0;
    return {
      unit() {
        if (++n === at) throw new Error('oops');
      },
      gap() {
        throw new Error('oops in a gap');
      },
    };
  };

  test('a sink that throws is detached and reported; the others notice nothing', () => {
    const hub = newHub();
    const [before, after] = [new Notes(), new Notes()];
    hub.attach(before, { who: 'before', from: 'next' });
    hub.attach(throwing(2), { who: 'bad', from: 'next' });
    hub.attach(after, { who: 'after', from: 'next' });
    feed(hub, '1:0!', '1:40', '1:80');
    assert.deepEqual(bugs, ['bad: oops']);
    assert.deepEqual(before.got, ['1:0!', '1:40', '1:80']);
    assert.deepEqual(after.got, before.got);
    assert.deepEqual(hub.who(), ['before', 'after']);
  });

  test('a sink that throws in a gap, or while it is primed, is detached too', () => {
    const hub = newHub();
    hub.attach(throwing(9), { who: 'gap', from: 'next' });
    feed(hub, 'gap restart', '1:0!', '1:40');
    hub.attach(throwing(1), { who: 'prime', from: 'keyframe' });
    assert.deepEqual(bugs, ['gap: oops in a gap', 'prime: oops']);
    assert.equal(hub.size, 0);
  });

  test('a sink may leave while it is called, and take its neighbours along', () => {
    const hub = newHub();
    const notes = [new Notes(), new Notes(), new Notes()];
    const leaving: Sink = {
      unit() {
        for (const h of handles) h.close();
      },
      gap: () => {},
    };
    hub.attach(notes[0]!, { who: '0', from: 'next' });
    const handles = [hub.attach(leaving, { who: 'leaving', from: 'next' })];
    handles.push(hub.attach(notes[1]!, { who: '1', from: 'next' }));
    hub.attach(notes[2]!, { who: '2', from: 'next' });
    feed(hub, '1:0!', '1:40');
    assert.deepEqual(
      notes.map(n => n.got.length),
      [2, 0, 2],
    );
    assert.deepEqual(hub.who(), ['0', '2']);
  });

  test('a sink that attaches while another is called gets each unit once', () => {
    const hub = newHub();
    const [viewer, recorder] = [new Notes(), new Notes()];
    let once = false;
    const opener: Sink = {
      unit() {
        if (once) return;
        once = true;
        hub.attach(viewer, { who: 'viewer', from: 'keyframe' });
        hub.attach(recorder, { who: 'recorder', from: 'next' });
      },
      gap: () => {},
    };
    hub.attach(opener, { who: 'opener', from: 'next' });
    feed(hub, '1:0!', '1:40', '1:80!');
    assert.deepEqual(viewer.got, ['1:0!', '1:40', '1:80!']);
    assert.deepEqual(recorder.got, ['1:80!']);
  });

  test('leaving twice is leaving once; a closed hub has no one', () => {
    const hub = newHub();
    const a = hub.attach(new Notes(), { who: 'a', from: 'next' });
    hub.attach(new Notes(), { who: 'b', from: 'keyframe' });
    assert.deepEqual([hub.size, hub.viewers], [2, 1]);
    a.close();
    a.close();
    assert.deepEqual([hub.size, hub.viewers], [1, 1]);
    hub.close();
    assert.equal(hub.size, 0);
  });
});
