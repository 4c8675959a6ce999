/** A capture of the fake camera, played back, gives what was played live: both tools and their file fit together. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '#fake/daemon';
import { startFakeCamera } from '../../tools/fake-camera/fake-camera.ts';
import { marksIn } from '../../tools/fake-camera/mark.ts';
import { replay } from '../../tools/replay.ts';

test('a captured session replays to the same pictures, every time, and holds no password', async t => {
  const camera = await startFakeCamera({ login: { user: 'admin', password: 'topsecret', schemes: ['MD5'] } });
  t.after(() => camera.stop());
  const file = join(temporaryFolder(t), 'session.jsonl');
  const child = spawn(process.execPath, ['tools/capture.ts', camera.url(), file, '2'], { stdio: 'ignore' });
  assert.deepEqual(await once(child, 'exit'), [0, null]);
  const text = readFileSync(file, 'utf8');
  const said = text
    .split('\n')
    .slice(1, -1)
    .map(l => Buffer.from(JSON.parse(l)[2], 'base64').toString('latin1'));
  assert.ok(!text.includes('topsecret') && !said.some(s => s.includes('admin') || s.includes('response=')));
  const first = replay(text);
  const numbers = first.units.filter(u => u.track === 0).flatMap(u => marksIn(u.data).map(m => m.unit));
  assert.ok(numbers.length > 20 && numbers.every((n, i) => i === 0 || n === numbers[i - 1]! + 1));
  assert.deepEqual([first.failures, first.gaps, first.stats?.faults], [[], [], 0]);
  const again = replay(text);
  assert.deepEqual(
    again.units.map(u => [u.track, u.pts, u.wallMs]),
    first.units.map(u => [u.track, u.pts, u.wallMs]),
  );
  assert.throws(() => replay('{}'));
});
