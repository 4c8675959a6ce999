/** When a device is asked for what a storage lacks, and when no more: with a clock of the test's own. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { MediaStorage, MissingFootage } from '#capability/media-storage';
import { Fault } from '#core/errors';
import { fakeContext } from '#fake/context';
import { fakeWorld, settle } from '#fake/world';
import { Backfill } from '../../objects/onvif/backfill.ts';
import onvif from '../../objects/onvif/index.ts';
import type { Recordings, Source } from '../../objects/onvif/recordings.ts';

type T = { after(f: () => Promise<void> | void): void };

const gapOf = (beginMs: number, endMs: number): MissingFootage => ({
  beginMs,
  endMs,
  reason: 'network-loss',
  lead: null,
});

/** A storage that lacks `gaps`, a device that answers `best`, and at what second what was asked for. */
function bench(t: T, gaps: () => MissingFootage[], best: (gap: MissingFootage) => Promise<Source | undefined>) {
  const world = fakeWorld();
  const context = fakeContext(onvif, 'cam', { url: 'http://cam/', enable: ['video'], archive: 'backfill' }, world);
  t.after(() => context.scope.close());
  const asked: string[] = [];
  const beganMs = world.clock.monotonicMs();
  const second = (): number => Math.round((world.clock.monotonicMs() - beganMs) / 1000);
  let forgotten = 0;
  const access = {
    context: context as never,
    device: () => assert.fail('not asked'),
    profile: () => assert.fail('not asked'),
    failed: () => void forgotten++,
  };
  const recordings = {
    best: (gap: MissingFootage) => {
      asked.push(`${second()}: ${gap.endMs}`);
      return best(gap);
    },
  };
  const backfill = new Backfill(access as never, {
    recordings: recordings as unknown as Recordings,
    pictureClockMs: () => undefined,
  });
  const storage: MediaStorage = {
    open: () => assert.fail('not for this'),
    missing: async track => (track === 'cam' ? gaps() : assert.fail(track)),
    fill: () => assert.fail('there is nothing to fill it with'),
  };
  const pass = async (seconds: number): Promise<void> => {
    for (let s = 0; s < seconds; s++) {
      await world.clock.pass(1000);
      await settle();
    }
  };
  const told = (): string[] => world.log.lines.map(l => l.event);
  return { backfill, storage, asked, pass, told, forgotten: () => forgotten };
}

const nothing = async (): Promise<undefined> => undefined;

describe('what a storage lacks', () => {
  test('is asked for newest first, later and later, and in the end not any more', async t => {
    const b = bench(t, () => [gapOf(1, 2), gapOf(5, 6)], nothing);
    b.backfill.link(new Map([['stor', b.storage]]));
    b.backfill.start();
    await b.pass(100);
    assert.deepEqual(b.asked, ['5: 6', '5: 2', '35: 6', '35: 2', '95: 6', '95: 2']);
    await b.pass(6 * 3600);
    assert.equal(b.asked.length, 20);
    assert.deepEqual(b.told().filter(e => e === 'gap-not-in-device').length, 2);
    assert.deepEqual(b.told().filter(e => e === 'gap-not-filled').length, 2);
    assert.equal(b.asked.at(-1), `${5 + 30 * 511}: 2`);
  });

  test('is asked for soon after media flow again', async t => {
    const gaps: MissingFootage[] = [];
    const b = bench(t, () => gaps, nothing);
    b.backfill.link(new Map([['stor', b.storage]]));
    b.backfill.start();
    await b.pass(60);
    gaps.push(gapOf(1, 2));
    await b.pass(60);
    assert.deepEqual(b.asked, []);
    b.backfill.flowing();
    await b.pass(10);
    assert.deepEqual(b.asked, ['125: 2']);
  });

  test('is found within five minutes without that', async t => {
    const gaps: MissingFootage[] = [];
    const b = bench(t, () => gaps, nothing);
    b.backfill.link(new Map([['stor', b.storage]]));
    b.backfill.start();
    await b.pass(60);
    gaps.push(gapOf(1, 2));
    await b.pass(300);
    assert.equal(b.asked[0], '305: 2');
  });

  test('of a storage that does not work is asked for when it does', async t => {
    let works = false;
    const b = bench(
      t,
      () => {
        if (!works) throw new Fault('storage', 'unavailable', 'not open');
        return [gapOf(1, 2)];
      },
      nothing,
    );
    b.backfill.link(new Map([['stor', b.storage]]));
    b.backfill.start();
    await b.pass(30);
    works = true;
    await b.pass(10);
    assert.deepEqual(b.asked, ['35: 2']);
  });

  const failures: [name: string, fault: Fault, asked: number[], forgotten: boolean][] = [
    ['a device that cannot be reached', new Fault('transport', 'connect-failed', 'x'), [5, 35, 95, 215], true],
    ['a login that is refused', new Fault('refused', 'onvif-login', 'x'), [5, 305], true],
    ['a device without recordings', new Fault('unsupported', 'onvif-unsupported', 'x'), [5], true],
  ];
  for (const [name, fault, seconds, forgotten] of failures)
    test(`is left for a while, and told once: ${name}`, async t => {
      const b = bench(
        t,
        () => [gapOf(1, 2)],
        async () => {
          throw fault;
        },
      );
      b.backfill.link(new Map([['stor', b.storage]]));
      b.backfill.start();
      await b.pass(400);
      assert.deepEqual(
        b.asked.map(a => Number.parseInt(a, 10)),
        seconds,
      );
      assert.equal(b.told().filter(e => e === 'backfill-failed').length, 1);
      assert.equal(b.forgotten() > 0, forgotten);
    });

  test('is forgotten with what was tried when it is not missing any more', async t => {
    let gaps = [gapOf(1, 2)];
    const b = bench(t, () => gaps, nothing);
    b.backfill.link(new Map([['stor', b.storage]]));
    b.backfill.start();
    await b.pass(20);
    gaps = [];
    await b.pass(100);
    gaps = [gapOf(1, 2)];
    b.backfill.flowing();
    await b.pass(40);
    assert.equal(b.asked.length, 3, `${b.asked}`);
  });
});
