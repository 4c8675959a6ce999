/**
 * Adding an object type touches one folder and one line: done in a copy of the tree, and
 * everything that is derived from the declaration is there, told by the real program.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, test } from 'node:test';
import { Daemon, freePort, temporaryFolder, until } from '#fake/daemon';

interface Look {
  readonly born: string;
  readonly turns: number;
  readonly colour: string;
  readonly word: string;
}

/** The tree, as far as the program needs it, with the toy in it: one folder, one line. */
function treeWithToy(t: { after(f: () => void): void }): string {
  const tree = temporaryFolder(t);
  for (const part of ['package.json', 'src', 'objects', 'archive', 'tools'])
    cpSync(part, join(tree, part), { recursive: true });
  symlinkSync(resolve('node_modules'), join(tree, 'node_modules'));
  for (const folder of ['docs', 'etc']) mkdirSync(join(tree, folder));
  cpSync('test/fixture/toy', join(tree, 'objects/toy'), { recursive: true });
  const list = join(tree, 'objects/index.ts');
  const before = readFileSync(list, 'utf8');
  const after = before.replace(/^(.*)import\('\.\/webserver\/index\.ts'\)(.*)$/m, "$1import('./toy/index.ts')$2\n$&");
  assert.equal(after.split('\n').length, before.split('\n').length + 1);
  writeFileSync(list, after);
  return tree;
}

const site = (port: number, toy: Readonly<Record<string, unknown>> = {}) => ({
  objects: [
    { type: 'toy', name: 'top1', colour: 'red', ...toy },
    { type: 'webserver', name: 'web', address: '127.0.0.1', port },
  ],
  links: [['web', 'top1']],
});

describe('a type that is one folder and one line more', () => {
  let tree = '';
  const run = (...words: string[]) =>
    spawnSync(join(tree, 'tools/ocellus'), words, { encoding: 'utf8', timeout: 60_000, cwd: tree });
  const json = <T>(...words: string[]): T => {
    const { status, stdout, stderr } = run(...words);
    assert.equal(status, 0, stderr);
    return JSON.parse(stdout) as T;
  };

  test('is checked, described, in the JSON Schema and in the reference', t => {
    tree = treeWithToy(t);
    const file = join(tree, 'site.json');
    const check = (toy: object): string => {
      writeFileSync(file, JSON.stringify(site(1, { ...toy })));
      const { status, stdout } = run('check', file);
      return `${status} ${stdout.replaceAll(tree, '')}`;
    };
    assert.equal(check({}), '0 ');
    assert.equal(check({ type: 'spinning.top' }), '0 ');
    assert.match(check({ colour: 5 }), /^1 \/site\.json:1:\d+: error: property colour of "top1": expected a text/);
    assert.match(check({ wort: 'x' }), /^0 .*warning: property "wort" of "top1" is unknown and ignored \(word\)/);
    assert.match(check({ word: 'red' }), /^0 .*warning: a top that says its colour says nothing/);

    const described = json<{ types: Record<string, object>; interfaces: Record<string, { functions: object }> }>(
      'describe',
    );
    assert.ok(described.types['toy']);
    assert.deepEqual(Object.keys(described.interfaces['SpinningTop']?.functions ?? {}), ['look', 'spin']);

    const schema = json<{
      properties: {
        objects: { items: { properties: { type: { enum: string[] } }; allOf: { then: { properties: object } }[] } };
      };
    }>('schema');
    const { properties, allOf } = schema.properties.objects.items;
    assert.ok(['toy', 'spinning.top'].every(name => properties.type.enum.includes(name)));
    assert.ok(allOf.some(({ then }) => 'most_turns' in then.properties));

    const { status, stderr } = spawnSync(join(tree, 'tools/node'), ['tools/generate.ts'], {
      cwd: tree,
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
    const reference = readFileSync(join(tree, 'docs/reference.md'), 'utf8');
    assert.match(reference, /^### `toy`\n\nA top that spins when it is told to\.$/m);
    assert.match(reference, /^\| `word` \| text \| `"whirr"` \| {2}\| live \| what it says \|$/m);
    assert.match(reference, /^#### SpinningTop\.spin$/m);
  });

  test('is served over HTTP and the control socket, and its live field applies to the living object', async t => {
    tree = treeWithToy(t);
    const port = await freePort();
    const daemon = new Daemon(temporaryFolder(t), port, join(tree, 'tools/ocellus'));
    t.after(async () => void (await daemon.stop()));
    daemon.configure(site(port));
    await daemon.start();
    const post = async (path: string, body: unknown): Promise<string> => {
      const answer = await fetch(`${daemon.url}${path}`, { method: 'POST', body: JSON.stringify(body) });
      return `${answer.status} ${await answer.text()}`;
    };
    const call = (...words: string[]) => run('call', '--state', join(daemon.folder, 'state'), ...words);

    assert.deepEqual(await daemon.get('/v1/svc'), [['SpinningTop', 'top1']]);
    assert.equal(await post('/v1/svc/top1/turns', { times: 2 }), '200 2');
    assert.equal(await post('/v1/svc/top1/SpinningTop/spin', [3]), '200 5');
    assert.equal(await post('/v1/svc/top1/spinning_top/spin', { times: 1 }), '200 6');
    assert.match(await post('/v1/svc/top1/turns', { times: 0 }), /^400 \{"code":"bad-argument"/);
    assert.match(await post('/v1/svc/top1/turns', { times: 'x' }), /^400 /);
    assert.equal(call('top1', 'SpinningTop.spin', '[4]').stdout.trim(), '10');
    const first = await daemon.get<Look>('/v1/svc/top1');
    assert.deepEqual({ ...first, born: '' }, { born: '', turns: 10, colour: 'red', word: 'whirr' });
    assert.deepEqual(JSON.parse(call('top1', 'SpinningTop.look').stdout), first);

    const { paths } = await daemon.get<{ paths: Record<string, Record<string, unknown>> }>('/v1/openapi.json');
    assert.ok(paths['/v1/svc/{object}/turns']?.['post']);
    assert.ok(paths['/v1/svc/{object}/SpinningTop/spin']?.['post']);

    const file = join(daemon.folder, 'site.json');
    const plan = () =>
      json<{ steps: { op: string; object: string; because: string[] }[] }>(
        'plan',
        '--state',
        join(daemon.folder, 'state'),
        file,
      ).steps;
    daemon.configure(site(port, { word: 'brr' }));
    assert.deepEqual(plan(), [{ op: 'apply', object: 'top1', because: ['/word'] }]);
    daemon.signal('SIGHUP');
    const second = await until('the new word', async () => {
      const look = await daemon.get<Look>('/v1/svc/top1');
      return look.word === 'brr' && look;
    });
    assert.deepEqual(second, { ...first, word: 'brr' });

    daemon.configure(site(port, { word: 'brr', colour: 'blue' }));
    assert.deepEqual(
      plan()
        .filter(s => s.op === 'recreate')
        .map(({ object, because }) => [object, because]),
      [['top1', ['/colour']]],
    );
    daemon.signal('SIGHUP');
    const third = await until('a blue top', async () => {
      const look = await daemon.get<Look>('/v1/svc/top1');
      return look.colour === 'blue' && look;
    });
    assert.deepEqual([third.turns, third.born === first.born], [0, false]);
    assert.equal(await daemon.stop(), 0);
  });
});
