import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkConfiguration, neededFiles } from '#core/check';
import type { Checked } from '#core/configuration';
import { toyTypes } from '#fake/types';
import { SeededRandom } from '#fake/world';

type Options = Partial<Parameters<typeof checkConfiguration>[0]>;

const check = (objects: unknown, links: unknown = [], options: Options = {}): Checked =>
  checkConfiguration({
    documents: [{ name: 'c.json', text: typeof objects === 'string' ? objects : JSON.stringify({ objects, links }) }],
    types: toyTypes,
    ...options,
  });
const codes = ({ problems }: Checked): string[] => problems.map(p => p.code);
const first = (checked: Checked) => checked.configuration?.objects[0];

const cam = { type: 'rtsp', name: 'cam1', host: 'a' };
const defaults = { port: 554, transport: ['tcp', 'udp'], stall_seconds: 10 };

test('an object comes out with its defaults, without type, name and meta, and with its place', () => {
  const checked = check('{\n "objects":[{"type":"rtsp","name":"cam1","host":"a","meta":{"name":"Yard"}}]}');
  assert.deepEqual(checked.problems, []);
  assert.deepEqual(first(checked), {
    name: 'cam1',
    type: 'rtsp',
    config: { host: 'a', ...defaults },
    meta: { name: 'Yard' },
    place: { file: 'c.json', line: 2, column: 13, pointer: '/objects/0' },
  });
});

test('an alias becomes the type', () => {
  assert.equal(first(check([{ type: 'storage.local', name: 's', folder: 'f' }]))?.type, 'storage');
});

test('the configuration is frozen throughout, and the variables are not', () => {
  const variables = { transport: ['udp'] };
  const { configuration } = check([{ ...cam, transport: '$(var@json.transport)', meta: { a: [1] } }], [], {
    variables,
  });
  const [object] = configuration?.objects ?? [];
  for (const part of [
    configuration,
    configuration?.objects,
    object?.config,
    object?.config['transport'],
    object?.meta?.['a'],
  ])
    assert.ok(Object.isFrozen(part));
  assert.ok(!Object.isFrozen(variables.transport));
});

test('documents are merged, and a link may name what a later document declares', () => {
  const documents = [
    { name: 'a.json', text: '{"links":[["cam1","stor0"]]}' },
    { name: 'b.json', text: '{"objects":[{"type":"rtsp","name":"cam1","host":"a"}]}' },
    { name: 'c.json', text: '{"objects":[{"type":"storage","name":"stor0","folder":"f"}],"links":[["stor0","cam1"]]}' },
    { name: 'd.json', text: '{}' },
  ];
  const { problems, configuration } = checkConfiguration({ documents, types: toyTypes });
  assert.deepEqual(problems, []);
  assert.deepEqual(configuration?.pairs, [['cam1', 'stor0']]);
  assert.deepEqual(configuration?.bindings, [{ consumer: 'stor0', need: 'sources', provider: 'cam1', slot: 'media' }]);
});

describe('comments', () => {
  test('are left out at any depth and never reported, whatever they hold', () => {
    const checked = check(`{"rem":1,"comment all":[],"objects":[{"type":"storage","name":"s","folder":"f",
      "rem tls":{"key":"$(file.gone)","key":"$(env.GONE)"},"comment":"x","rem":{},"rem":[],
      "limits":{"comment auth":1,"max_size_gb":1},"tracks":{"rem cam2":5,"cam1":{"limits":{"rem":0}}}}]}`);
    assert.deepEqual(checked.problems, []);
    const config = { folder: 'f', filesize: 16, limits: { max_size_gb: 1 }, tracks: { cam1: { limits: {} } } };
    assert.deepEqual(first(checked)?.config, config);
  });
  test('are data in meta and in free data', () => {
    const checked = check([{ ...cam, meta: { comment: 'c', 'rem x': { rem: 1 } }, init: { comment: ['d'] } }]);
    assert.deepEqual(first(checked)?.meta, { comment: 'c', 'rem x': { rem: 1 } });
    assert.deepEqual(first(checked)?.config['init'], { comment: ['d'] });
  });
  test('are only what begins with the whole word', () => {
    assert.deepEqual(codes(check([{ ...cam, remark: 1, comments: 2 }])), ['unknown-property', 'unknown-property']);
  });
});

test('variables reach every string of an object, its name and its links', () => {
  const env = { CAM: 'cam7', HOST: 'h' };
  const checked = check(
    [
      {
        type: '$(var.type)',
        name: '$(env.CAM)',
        host: '$(env.HOST)',
        meta: { d: '$(env.HOST)' },
        init: ['$(env.HOST)'],
      },
    ],
    [['$(env.CAM)', 'cam7']],
    { env, variables: { type: 'rtsp' } },
  );
  assert.deepEqual(checked.problems, []);
  assert.deepEqual(
    [first(checked)?.name, first(checked)?.meta, first(checked)?.config['init']],
    ['cam7', { d: 'h' }, ['h']],
  );
});

test('files are named by the documents and handed in', () => {
  const documents = [{ name: 'c.json', text: JSON.stringify({ objects: [{ ...cam, auth: ['a', '$(file.etc/p)'] }] }) }];
  assert.deepEqual(neededFiles(documents), ['etc/p']);
  assert.deepEqual(neededFiles([{ name: 'broken', text: '{' }]), []);
  const checked = checkConfiguration({ documents, types: toyTypes, files: new Map([['etc/p', 'pw\n']]) });
  assert.deepEqual(first(checked)?.config['auth'], ['a', 'pw']);
});

describe('numbers for credentials become text as they are written', () => {
  const rows: [written: string, auth: unknown][] = [
    ['["admin",12345]', ['admin', '12345']],
    ['[1,12345678901234567890]', ['1', '12345678901234567890']],
    ['["admin",1.50]', ['admin', '1.50']],
    ['["admin","$(env@json.PIN)"]', ['admin', '1234']],
    ['null', null],
    ['[null,null]', [null, null]],
  ];
  for (const [written, auth] of rows)
    test(written, () => {
      const text = `{"objects":[{"type":"rtsp","name":"c","host":"a","auth":${written}}]}`;
      const checked = check(text, [], { env: { PIN: '1234' } });
      assert.deepEqual([checked.problems, first(checked)?.config['auth']], [[], auth]);
    });
  test('at any depth, and nowhere else', () => {
    const accounts = [
      { type: 'password', login: 1, password: 2 },
      { type: 'apikey', key: 3, secret: 4 },
    ];
    assert.deepEqual(first(check([{ type: 'authnz', name: 'a', accounts }]))?.config['accounts'], [
      { type: 'password', login: '1', password: '2' },
      { type: 'apikey', key: '3', secret: '4' },
    ]);
    assert.deepEqual(codes(check([{ ...cam, host: 5 }])), ['bad-value']);
  });
});

describe('credentials inside a url', () => {
  const rows: [url: string, auth: unknown, becomes: unknown[]][] = [
    ['rtsp://admin:pw@h/x', undefined, ['rtsp://h/x', ['admin', 'pw']]],
    ['rtsp://admin:p%40%C3%A9@h', null, ['rtsp://h', ['admin', 'p@é']]],
    ['rtsp://admin:p@ss:w%rd@h:554/x?a@b', [null, null], ['rtsp://h:554/x?a@b', ['admin', 'p@ss:w%rd']]],
    ['rtsp://admin@h/', undefined, ['rtsp://h/', ['admin', '']]],
    ['rtsp://other:x@h/', ['admin', 'pw'], ['rtsp://h/', ['admin', 'pw']]],
  ];
  for (const [url, auth, becomes] of rows)
    test(url, () => {
      const checked = check([{ ...cam, url, auth }]);
      assert.deepEqual(codes(checked), ['url-credentials']);
      assert.deepEqual([first(checked)?.config['url'], first(checked)?.config['auth']], becomes);
    });
  test('an @ in the path is none', () => {
    const checked = check([{ ...cam, url: 'rtsp://h/a@b' }]);
    assert.deepEqual([codes(checked), first(checked)?.config['url']], [[], 'rtsp://h/a@b']);
  });
});

describe('servers and who guards them', () => {
  const guard = { type: 'authnz', name: 'auth0' };
  const web = { type: 'webserver', name: 'web0' };
  const rows: [name: string, web: object, links: unknown[], codes: string[]][] = [
    ['linked with an authnz', web, [['web0', 'auth0']], []],
    ['on loopback', { ...web, address: '127.0.0.1' }, [], []],
    ['on both loopbacks', { ...web, address: ['127.0.0.1', '::1'] }, [], []],
    ['on loopback by name', { ...web, address: 'localhost' }, [], []],
    ['on one address of many that is not loopback', { ...web, address: ['::1', '10.0.0.1'] }, [], ['open-to-everyone']],
    ['on every address', { ...web, address: '0.0.0.0' }, [], ['open-to-everyone']],
    ['on a name that only begins like loopback', { ...web, address: '127.0.0.1.example' }, [], ['open-to-everyone']],
    ['on an empty list of addresses', { ...web, address: [] }, [], ['open-to-everyone']],
  ];
  for (const [name, server, links, expected] of rows)
    test(name, () => assert.deepEqual(codes(check([server, guard], links)), expected));
  test('a link with a guard that the server would not ask is an error: it only looks like protection', () => {
    const deaf = { ...toyTypes.find(t => t.type === 'webserver')!, consumes: {} };
    const types = toyTypes.map(t => (t.type === 'webserver' ? deaf : t));
    assert.deepEqual(codes(check([web, guard], [['web0', 'auth0']], { types })), ['unsupported']);
    assert.deepEqual(codes(check([{ ...web, address: '127.0.0.1' }, guard], [], { types })), []);
  });
  test('a guard that this build lacks guards nevertheless: its absence is told once', () => {
    const types = toyTypes.filter(t => t.type !== 'authnz');
    assert.deepEqual(codes(check([web, guard], [['web0', 'auth0']], { types })), ['type-not-available']);
  });
});

test('names that objects inherit are neither properties nor types nor names of objects', () => {
  const text = `{"objects":[{"type":"rtsp","name":"constructor","host":"a","__proto__":{"port":1},"toString":1},
    {"type":"__proto__","name":"x"}],"links":[["toString","__proto__"]]}`;
  assert.deepEqual(codes(check(text)), [
    'unknown-property',
    'unknown-property',
    'unknown-type',
    'unknown-name',
    'unknown-name',
  ]);
  assert.deepEqual(first(check([{ ...cam, name: 'constructor' }]))?.config, { host: 'a', ...defaults });
});

describe('kept secrets', () => {
  const keep = { $secret: 'keep' };
  const running = check([
    { ...cam, auth: ['admin', 'pw'] },
    {
      type: 'authnz',
      name: 'auth0',
      secret: 'sixteen letters!',
      accounts: [
        { type: 'apikey', key: 'ci', secret: 's1' },
        { type: 'password', login: 'bo', password: 's2' },
      ],
    },
  ]).configuration;
  assert.ok(running);
  const rows: [name: string, object: Record<string, unknown>, codes: string[]][] = [
    ['same address and login', { ...cam, auth: ['admin', keep] }, []],
    ['another field may change', { ...cam, auth: ['admin', keep], stall_seconds: 3 }, []],
    ['another address', { ...cam, host: 'evil', auth: ['admin', keep] }, ['secret-not-kept']],
    ['an address that was not there', { ...cam, url: 'rtsp://evil/', auth: ['admin', keep] }, ['secret-not-kept']],
    ['another login', { ...cam, auth: ['root', keep] }, ['secret-not-kept']],
    ['another object', { ...cam, name: 'cam2', auth: ['admin', keep] }, ['bad-value']],
    ['another type', { type: 'authnz', name: 'cam1', secret: keep }, ['secret-not-kept']],
    ['no secret was there', { ...cam, auth: [keep, 'pw'] }, ['secret-not-kept']],
    [
      'in accounts',
      { type: 'authnz', name: 'auth0', secret: keep, accounts: [{ type: 'apikey', key: 'ci', secret: keep }] },
      [],
    ],
    [
      'of another account',
      { type: 'authnz', name: 'auth0', accounts: [{ type: 'apikey', key: 'x', secret: keep }] },
      ['secret-not-kept'],
    ],
  ];
  for (const [name, object, expected] of rows)
    test(name, () => {
      const checked = check([object], [], { running });
      assert.deepEqual(codes(checked), expected);
      if (expected.length === 0) assert.doesNotMatch(JSON.stringify(first(checked)), /\$secret/);
    });
  test('the present value comes back', () => {
    assert.deepEqual(first(check([{ ...cam, auth: ['admin', keep] }], [], { running }))?.config['auth'], [
      'admin',
      'pw',
    ]);
  });
});

/** A random value near what configurations hold. */
function someValue(random: SeededRandom, depth: number): unknown {
  const words = [
    'rtsp',
    'storage',
    'authnz',
    'webserver',
    'cam1',
    'cam2',
    'tcp',
    '$(env.A)',
    '$(var@json.B)',
    '$(env@json.A)',
    'rtsp://a:b@c/',
    '',
    'apikey',
    '__proto__',
    'x'.repeat(300),
  ];
  const names = [
    'type',
    'name',
    'host',
    'url',
    'auth',
    'port',
    'limits',
    'tracks',
    'accounts',
    'roles',
    'secret',
    'meta',
    'rem x',
    'objects',
    'scope',
    'address',
    'init',
    '__proto__',
    'max_size_gb',
    'frob',
    '$secret',
    'transport',
  ];
  switch (random.below(depth > 0 ? 8 : 6)) {
    case 0:
      return [null, true, false][random.below(3)];
    case 1:
      return [0, -1, 70000, 1.5, 1e300][random.below(5)];
    case 6:
      return Array.from({ length: random.below(4) }, () => someValue(random, depth - 1));
    case 7:
      return Object.fromEntries(
        Array.from({ length: random.below(6) }, () => [
          names[random.below(names.length)],
          someValue(random, depth - 1),
        ]),
      );
    default:
      return words[random.below(words.length)];
  }
}

test('any document is checked without a throw, and what comes out has no errors', () => {
  const seed = Date.now() % 1_000_000;
  const random = new SeededRandom(seed);
  const env = { A: '[{"__proto__":1}]' };
  const variables = { B: { host: 'x' } };
  let accepted = 0;
  for (let round = 0; round < 3000; round++) {
    const typed = ['rtsp', 'storage', 'webserver', 'authnz', 'webrtc', 'recctl', 'onvif'];
    const objects = Array.from({ length: random.below(3) }, (_, i) => ({
      ...(someValue(random, 3) as object),
      ...(random.below(5) > 0 ? { type: typed[random.below(typed.length)], name: `o${i}` } : {}),
      ...(random.below(2) > 0 ? { host: 'h', folder: 'f' } : {}),
    }));
    const links = random.below(3) > 0 ? [['o0', ['o1', 'o0']]] : someValue(random, 3);
    let text = JSON.stringify(random.below(10) > 0 ? { objects, links } : someValue(random, 4)) ?? '';
    if (random.below(4) === 0)
      text = text.slice(0, random.below(text.length + 1)) + text.slice(random.below(text.length + 1));
    const { problems, configuration } = check(text, [], { env, variables, types: toyTypes });
    const errors = problems.filter(p => p.severity === 'error');
    assert.equal(configuration === undefined, errors.length > 0, `seed ${seed}: ${text}`);
    if (configuration) accepted++;
    for (const p of problems) {
      assert.ok(p.line >= 1 && p.column >= 1 && p.line <= text.split('\n').length, `seed ${seed}: ${text}`);
      assert.ok(p.reason.length < 600, `seed ${seed}: ${p.reason}`);
    }
  }
  assert.ok(accepted > 100, `only ${accepted} configurations were accepted: the fuzz has become blunt`);
});
