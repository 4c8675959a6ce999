/** Several who record one track on command: what reaches it (docs/spec/config.md 10.2 rule 5). */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { epochMs, fakeRun, fakeUnit } from '#fake/media';
import type { AccessUnit } from '#media/access-unit';
import type { Gap } from '#media/gap';
import { Inlets } from '#objects/storage/inlets';

function track() {
  const got: (AccessUnit | Gap)[] = [];
  const left: string[] = [];
  let permanent = false;
  const inlets = new Inlets({
    sink: () => (permanent ? undefined : { unit: u => void got.push(u), gap: g => void got.push(g) }),
    wallMs: () => epochMs,
    left: name => void left.push(name),
  });
  const told = (): (number | string)[] => got.splice(0).map(i => ('pts' in i ? i.pts / 90 : i.reason));
  return { inlets, told, left, permanent: (is: boolean) => void (permanent = is) };
}

const run = fakeRun(1);
const unit = (ms: number) => fakeUnit(run, ms, { keyframe: ms % 1000 === 0 });
const notScheduled: Gap = { reason: 'not-scheduled', atMs: epochMs };

describe('a track that is recorded on command', () => {
  test('has a reason from the start', () => {
    const t = track();
    t.inlets.open('cam');
    assert.deepEqual(t.told(), ['not-scheduled']);
  });

  test('by two: stores once, and goes on without a gap while one of them records', () => {
    const t = track();
    const [a, b] = [t.inlets.open('cam'), t.inlets.open('cam')];
    t.told();
    for (const ms of [0, 40, 80]) a.unit(unit(ms));
    for (const ms of [0, 40, 80, 120]) b.unit(unit(ms));
    a.unit(unit(120));
    a.gap(notScheduled);
    b.unit(unit(160));
    b.gap(notScheduled);
    assert.deepEqual(t.told(), [0, 40, 80, 120, 160, 'not-scheduled']);
  });

  test('does not take the end of an old run from a late one', () => {
    const t = track();
    const [a, b] = [t.inlets.open('cam'), t.inlets.open('cam')];
    const next = fakeRun(2);
    t.told();
    a.unit(unit(0));
    a.unit(fakeUnit(next, 0, { keyframe: true }));
    b.unit(unit(0));
    b.unit(unit(40));
    b.unit(fakeUnit(next, 0, { keyframe: true }));
    b.unit(fakeUnit(next, 40));
    assert.deepEqual(t.told(), [0, 0, 40]);
  });

  test('that is recorded permanently too takes nothing from here, and is told how it is once that ends', () => {
    const t = track();
    t.permanent(true);
    const inlet = t.inlets.open('cam');
    inlet.unit(unit(0));
    inlet.gap(notScheduled);
    assert.deepEqual(t.told(), []);
    t.permanent(false);
    t.inlets.settle('cam');
    assert.deepEqual(t.told(), ['not-scheduled']);
  });

  test('is left when the last one closes, and an inlet that is closed says nothing', () => {
    const t = track();
    const [a, b] = [t.inlets.open('cam'), t.inlets.open('cam')];
    a.close();
    a.unit(unit(0));
    a.close();
    assert.deepEqual(t.left, []);
    b.close();
    assert.deepEqual([t.left, t.inlets.has('cam')], [['cam'], false]);
  });
});
