import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fakeContext } from '#fake/context';
import { FakeFiles } from '#fake/files';
import { fakeWorld } from '#fake/world';
import type { AccessUnit } from '#media/access-unit';
import plugin from '#objects/mediasourceplugin/index';

const init = { file: '/v/clip.mp4', loop: true, speed: 1 };
const config = {
  library: 'libvnxvideo.so',
  factory: 'create_file_media_source',
  init,
  dynamic: false,
  enable: ['video' as const, 'audio' as const],
  linger_seconds: 10,
};

describe('mediasourceplugin', () => {
  const cases: [name: string, library: string, factory: string, pointer: string | undefined][] = [
    ['the built-in file source', 'libvnxvideo.so', 'create_file_media_source', undefined],
    ['its name of old', 'libvnxvideo.so', 'create_media_file_live_source', undefined],
    ['in a folder', '/usr/lib/libvnxvideo.so', 'create_file_media_source', undefined],
    ['of Windows', 'C:\\Viinex\\vnxvideo.dll', 'create_file_media_source', undefined],
    ['another library', './plugin.mjs', 'create_file_media_source', '/library'],
    ['a library with a longer name', 'notlibvnxvideo.so', 'create_file_media_source', '/library'],
    ['another factory', 'vnxvideo.dll', 'create_json_renderer', '/factory'],
  ];
  for (const [name, library, factory, pointer] of cases)
    test(name, () => {
      const found = plugin.check?.({ ...config, library, factory }) ?? [];
      assert.deepEqual(
        found.map(p => [p.severity, p.code, p.pointer]),
        pointer === undefined ? [] : [['error', 'unsupported', pointer]],
      );
    });

  test('plays the file of init', async () => {
    const files = new FakeFiles();
    files.put('/v/clip.mp4', new Uint8Array(readFileSync(new URL('../fixture/media/clip.mp4', import.meta.url))));
    const world = fakeWorld({ files });
    const context = fakeContext(plugin, 'file1', config, world);
    const object = await plugin.create(context as never);
    const units: AccessUnit[] = [];
    object.provides.media.attach({ unit: u => void units.push(u), gap: () => {} }, { who: 'test', from: 'next' });
    await object.start();
    await world.clock.pass(1990);
    assert.equal(units.filter(u => u.track === 0).length, 50);
    await context.scope.close();
    assert.deepEqual([context.scope.open, files.openCount], [[], 0]);
  });
});
