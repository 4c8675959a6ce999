import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Scope } from '#core/scope';

test('a task that waits for the end of a child scope it opened at once does not hold up the closing', async () => {
  const scope = new Scope('object', e => assert.fail(String(e)));
  const ended: string[] = [];
  scope.run('task', async () => {
    const child = scope.child('attempt');
    await new Promise<void>(done => child.signal.addEventListener('abort', () => done(), { once: true }));
    ended.push('task');
  });
  await scope.close();
  assert.deepEqual([ended, scope.open], [['task'], []]);
});
