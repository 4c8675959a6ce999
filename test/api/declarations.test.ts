/** What every declaration of this build must keep, so that all faces can be made from it (docs/spec/config.md 7, api.md 1). */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe as suite, test } from 'node:test';
import { type Described, describe } from '#api/describe';
import { functionsOf } from '#api/method-table';
import { openApi } from '#api/openapi';
import { parseTemplate } from '#api/routes';
import type { ObjectType } from '#core/define';
import type { InterfaceDecl } from '#core/interface';
import { defineInterface } from '#core/interface';
import { keywordsOf, Type } from '#core/schema';
import { fakePublished } from '#fake/published';
import { Toy, toy } from '#fake/toy';

const root = new URL('../../', import.meta.url);

async function loaded(folder: string, pattern: RegExp): Promise<Record<string, unknown>[]> {
  const names = readdirSync(new URL(folder, root), { recursive: true }) as string[];
  return Promise.all(
    names
      .filter(n => pattern.test(n))
      .sort()
      .map(n => import(new URL(folder + n, root).href) as Promise<Record<string, unknown>>),
  );
}

const interfaces = (await loaded('src/interface/', /\.ts$/))
  .flatMap(m => Object.values(m))
  .filter((v): v is InterfaceDecl => typeof v === 'object' && v !== null && 'functions' in v && 'signals' in v);
const types = (await loaded('objects/', /^[^/]+\/index\.ts$/)).map(m => m['default'] as ObjectType);

/** Verb and shape of the path of each binding: two that are equal cannot be told apart. */
const bindings = (i: InterfaceDecl): string[] =>
  Object.values(i.functions).flatMap(f => {
    if (!f.http) return [];
    const shape = parseTemplate(f.http.path).map(p => ('word' in p ? p.word : 'rest' in p ? '{*}' : '{}'));
    return [`${f.http.verb} ${shape.join('/')}`];
  });

const clashes = (list: readonly InterfaceDecl[]): string[] => {
  const all = list.flatMap(bindings);
  return all.filter((b, at) => all.indexOf(b) !== at);
};

suite('interfaces', () => {
  test('a function is a stream only if its answer is one: the others are called over every face', () => {
    // api.md 1.1 rule 3, by the names that they have here.
    const streams = [
      'PushSource.publish',
      'VideoSource.playlist',
      'VideoSource.hls',
      'VideoStorage.playlist',
      'VideoStorage.hls',
      'VideoStorage.export',
      'VideoStorage.stream',
    ];
    const declared = interfaces.flatMap(i =>
      Object.entries(i.functions).flatMap(([name, f]) => (f.transport === 'stream' ? [`${i.name}.${name}`] : [])),
    );
    assert.deepEqual(
      declared.filter(name => !streams.includes(name)),
      [],
    );
  });
  test('there are some', () => assert.ok(interfaces.length >= 3 && types.length >= 1));
  for (const i of [...interfaces, Toy])
    test(`${i.name}: functions have a right, a sentence, and paths whose parameters are declared`, () => {
      assert.match(i.name, /^[A-Z][A-Za-z]+$/);
      assert.deepEqual(clashes([i]), []);
      for (const [name, f] of Object.entries(i.functions)) {
        assert.match(name, /^[a-z][a-z0-9_]*$/);
        assert.ok(['read', 'operate', 'administer'].includes(f.right), `${name} has no right`);
        assert.match(f.doc, /[.!]$/, `${name}: a sentence`);
        const names = Object.keys(f.params.properties);
        // Positional order is the order of the properties: names like "1" would be moved to the front.
        for (const n of names) assert.match(n, /^[a-zA-Z_]\w*$/);
        const required = (f.params as { required?: string[] }).required ?? [];
        const lastRequired = names.findLastIndex(n => required.includes(n));
        assert.ok(
          names.slice(0, lastRequired + 1).every(n => required.includes(n)),
          `${name}: what may be left out comes last`,
        );
        const pieces = parseTemplate(f.http?.path ?? '');
        for (const [at, p] of pieces.entries()) {
          if (!('word' in p)) assert.ok(names.includes('rest' in p ? p.rest : p.parameter), `${name}: ${f.http?.path}`);
          if ('rest' in p) assert.equal(at, pieces.length - 1);
        }
        if (f.transport === 'stream') assert.ok(f.http, `${name}: a stream is HTTP only and has no binding`);
        // api.md 1.3 rule 3: such a path would hide the generic form.
        const [first, second, third] = pieces;
        if (f.http?.verb === 'POST' && first && 'word' in first && second && !third)
          assert.ok(!interfaces.some(o => [o.name, ...o.snake].includes(first.word)), `${name}: ${f.http.path}`);
      }
    });
  test('no two share a name in either spelling', () => {
    const names = interfaces.flatMap(i => [i.name, ...i.snake]);
    assert.equal(new Set(names).size, names.length);
  });
});

suite('types', () => {
  for (const type of types)
    test(`${type.type}: no two interfaces bind the same verb and path, or share a function's name`, () => {
      assert.deepEqual(clashes(type.interfaces as readonly InterfaceDecl[]), []);
      const names = (type.interfaces as readonly InterfaceDecl[]).flatMap(i => functionsOf(i).map(([n]) => n));
      assert.equal(new Set(names).size, names.length);
    });
  test('a clash would be found', () => {
    const other = defineInterface('Other', {
      doc: '',
      functions: {
        x: {
          doc: '',
          right: 'read',
          params: Type.Object({ id: Type.String() }),
          result: Type.Unknown(),
          http: { verb: 'GET', path: '{id}' },
        },
      },
    });
    assert.deepEqual(clashes([Toy, other]), ['GET {}']);
  });
});

suite('describe and OpenAPI', () => {
  const described: Described = describe({
    version: '0',
    types,
    everyInterface: [...interfaces, Toy],
    houseInterfaces: [],
    objects: [toy('t1'), fakePublished('cam1', interfaces, {})],
  });
  test('describe is plain data and has every interface and type', () => {
    assert.deepEqual(JSON.parse(JSON.stringify(described)), described);
    assert.deepEqual(Object.keys(described.interfaces).sort(), [...interfaces, Toy].map(i => i.name).sort());
    assert.deepEqual(Object.keys(described.types).sort(), types.map(t => t.type).sort());
    assert.deepEqual(
      described.interfaces['ToyBox']?.functions['set']?.parameters.map(p => p.name),
      ['toy', 'on'],
    );
  });

  const api = openApi(described) as { paths: Record<string, Record<string, any>> };
  test('every function is in the document: by its path, and by the generic one unless it is a stream', () => {
    for (const [name, i] of Object.entries(described.interfaces))
      for (const [f, decl] of Object.entries(i.functions)) {
        const summaries = Object.values(api.paths).flatMap(p => Object.values(p).map(o => o.summary as string));
        assert.ok(
          summaries.some(s => s.split(', ').includes(`${name}.${f}`)),
          `${name}.${f}`,
        );
        const root = i.of === 'house' ? '/v1/env' : '/v1/svc/{object}';
        assert.equal(`${root}/${name}/${f}` in api.paths, decl.transport !== 'stream');
      }
  });
  test('no two templates are one and the same, and every parameter of a path is declared', () => {
    const shapes = Object.keys(api.paths).map(p => p.replace(/\{\w+\}/g, '{}'));
    assert.equal(new Set(shapes).size, shapes.length);
    for (const [path, verbs] of Object.entries(api.paths))
      for (const operation of Object.values(verbs)) {
        const wanted = [...path.matchAll(/\{(\w+)\}/g)].map(m => m[1]);
        const inPath = operation.parameters.filter((p: any) => p.in === 'path').map((p: any) => p.name);
        assert.deepEqual([...inPath].sort(), [...wanted].sort(), path);
      }
  });
  test('objects of this server are the examples', () => {
    const examples = api.paths['/v1/svc/{object}']?.['get'].parameters[0].examples;
    assert.deepEqual(Object.keys(examples).sort(), ['cam1', 't1']);
  });
  test('no default is a secret; that there is none may be one', () => {
    for (const t of types)
      for (const [name, s] of Object.entries(t.config.properties as Record<string, any>))
        if (keywordsOf(s).secret)
          assert.ok([undefined, '{}', '[]'].includes(JSON.stringify(keywordsOf(s).default)), `${t.type}.${name}`);
  });
});
