/**
 * Documents say what is so: everything that is declared or exported is described, codes and
 * their meanings agree both ways, and pages name commands, files and packages that exist.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, test } from 'node:test';
import { functionsOf } from '#api/method-table';
import { commandNames } from '#command/options';
import type { Capability, Need } from '#core/capability';
import { faultCodes, problemCodes } from '#core/codes';
import { kinds } from '#core/errors';
import type { InterfaceDecl } from '#core/interface';
import { keywordsOf, type TSchema } from '#core/schema';
import { types } from '../../objects/index.ts';
import { everyInterface, houseInterfaces } from '../../src/daemon.ts';
import { isNumeric, type Member, membersOf, unitOf } from '../../tools/reference/members.ts';
import { exportsOf, faultCodesIn, problemCodesIn, sourceFiles } from './source-text.ts';

const product = sourceFiles('src', 'objects', 'archive');
const interfaces = [
  ...new Set([
    ...types.flatMap(t => [...(t.interfaces as readonly InterfaceDecl[])]),
    ...everyInterface,
    ...houseInterfaces,
  ]),
];

/** Schemas of everything that a user sees, by where they are declared. */
const seen: readonly (readonly [where: string, schema: TSchema])[] = [
  ...types.map(t => [t.type, t.config as TSchema] as const),
  ...interfaces.flatMap(i => [
    ...functionsOf(i).flatMap(([name, f]) => [
      [`${i.name}.${name} parameter`, f.params as TSchema] as const,
      [`${i.name}.${name} result`, f.result as TSchema] as const,
    ]),
    ...Object.entries(i.properties).map(([name, p]) => [`${i.name}.${name}`, p.schema] as const),
    ...Object.entries(i.signals).map(([name, s]) => [`${i.name} signal ${name}`, s.data] as const),
  ]),
];
const members: readonly (readonly [where: string, member: Member])[] = seen.flatMap(([where, schema]) =>
  membersOf(schema).map(m => [`${where}: ${m.path}`, m] as const),
);
const description = (m: Member): string => keywordsOf(m.schema).description ?? '';

describe('what is declared', () => {
  test('every property, parameter, result and signal has a description', () => {
    assert.ok(members.length > 80);
    assert.deepEqual(
      members.filter(([, m]) => description(m).length < 3).map(([where]) => where),
      [],
    );
  });

  /** What a number counts, where it is no quantity. */
  const counted = /\b(number of|port|factor|pixels|per second|bits?|bytes|seconds?|milliseconds|percent)\b/i;
  test('every number says its unit in its name, its schema or its description', () => {
    assert.deepEqual(
      members
        .filter(
          ([, m]) => isNumeric(m.schema) && unitOf(m.name, m.schema) === undefined && !counted.test(description(m)),
        )
        .map(([where]) => where),
      [],
    );
  });

  test('every type, interface, function, property, signal and capability says what it is, in a sentence', () => {
    const capabilities = types.flatMap(t => [
      ...(Object.values(t.provides) as Capability<unknown>[]),
      ...(Object.values(t.consumes) as Need<unknown, unknown>[]).map(n => n.capability),
    ]);
    const said: [string, string][] = [
      ...types.map((t): [string, string] => [t.type, t.summary]),
      ...capabilities.map((c): [string, string] => [c.id, c.doc]),
      ...interfaces.flatMap((i): [string, string][] => [
        [i.name, i.doc],
        ...[...functionsOf(i), ...Object.entries(i.properties), ...Object.entries(i.signals)].map(
          ([name, d]): [string, string] => [`${i.name}.${name}`, d.doc],
        ),
      ]),
    ];
    assert.deepEqual(
      said.filter(([, doc]) => !/^[A-Z].{3,}[.]$/s.test(doc)),
      [],
    );
  });
});

describe('codes', () => {
  const others = product.filter(f => f.path !== 'src/core/codes.ts');
  const faults = new Set([...others.flatMap(faultCodesIn), ...Object.values(kinds).map(k => k.code)]);
  const problems = new Set(others.filter(f => f.path !== 'src/core/errors.ts').flatMap(problemCodesIn));
  const isPublic = (code: string): boolean => faultCodes[code]?.isPublic === true;
  const missing = (these: Iterable<string>, table: object): string[] =>
    [...these].filter(code => !Object.hasOwn(table, code)).sort();

  test('every code of a failure has a meaning, and every meaning a failure or a place in the specification', () => {
    assert.deepEqual(missing(faults, faultCodes), []);
    assert.deepEqual(
      Object.keys(faultCodes).filter(code => !faults.has(code) && !isPublic(code)),
      [],
    );
  });

  test('every code of a finding has a meaning, and every meaning a finding', () => {
    assert.deepEqual(missing(problems, problemCodes), []);
    assert.deepEqual(
      Object.keys(problemCodes).filter(code => !problems.has(code)),
      [],
    );
  });

  test('codes are lower-case words with hyphens, and meanings are sentences', () => {
    for (const [code, doc] of [
      ...Object.entries(problemCodes),
      ...Object.entries(faultCodes).map(([c, f]) => [c, f.doc]),
    ])
      assert.match(`${code} = ${doc}`, /^[a-z][a-z0-9]*(-[a-z0-9]+)* = \S.*\.$/);
  });

  test('callers see exactly the codes of api.md 2.2', () => {
    const [, section = ''] = readFileSync('docs/spec/api.md', 'utf8').split('### 2.2 Errors');
    const rows = section.split('### 2.3')[0]?.match(/^\| `.*$/gm) ?? [];
    const listed = rows.flatMap(row => [...(row.split('|')[3] ?? '').matchAll(/`([a-z-]+)`/g)].map(m => m[1] ?? ''));
    const wanted = [...new Set(listed)].filter(code => code !== 'problems').sort();
    assert.deepEqual(Object.keys(faultCodes).filter(isPublic).sort(), wanted);
  });

  test('the search sees the ways in which codes are written', () => {
    const fault = (text: string): string[] => faultCodesIn({ path: 'x.ts', text });
    assert.deepEqual(fault("throw new Fault('absent', 'not-found', `no ${x('a', 'b')}`);"), ['not-found']);
    assert.deepEqual(fault("new Fault(\n  'transport',\n  taken ? 'address-in-use' : 'listen-refused',\n  text)"), [
      'address-in-use',
      'listen-refused',
    ]);
    assert.deepEqual(
      fault("#fail(kind: K, code: string, m: string) {}\nthis.#fail('refused', `rtsp-${r.status}`, 'x');"),
      ['rtsp-status'],
    );
    assert.deepEqual(fault("// new Fault('a', 'in-comment', '')"), []);
    const finding = (text: string): string[] => problemCodesIn({ path: 'x.ts', text });
    assert.deepEqual(finding("{ severity: 'error', code: 'link-count', reason: 'is too-many' }"), ['link-count']);
    assert.deepEqual(finding("const error = (code: string, p: string): ProblemText => x;\nerror('no-url', '')"), [
      'no-url',
    ]);
  });
});

describe('what is written', () => {
  test('every source file begins with a comment that says what is in it; tests say it in their names', () => {
    const files = [...product, ...sourceFiles('tools', 'test')].filter(f => !f.path.endsWith('.test.ts'));
    assert.deepEqual(
      files
        .filter(f => (/^(?:#!.*\n)?(?:\/\*\*([\s\S]*?)\*\/|\/\/ (.*))/.exec(f.text)?.[0] ?? '').length < 25)
        .map(f => f.path),
      [],
    );
  });

  /**
   * Functions and classes have a comment. It may be missing where the header of the file is
   * that comment, because the file is named after it; where the return type is the sentence
   * (`x is Y`); and where the whole function can be read at a glance, in two lines.
   */
  test('every exported function and class says what it promises', () => {
    const kebab = (name: string): string => name.replace(/([a-z0-9])([A-Z])/g, '$1-$2').toLowerCase();
    const silent = product.flatMap(file => {
      const door = file.path.split('/').at(-1)?.replace('.ts', '') ?? '';
      return exportsOf(file)
        .filter(e => !e.documented && (e.kind === 'class' || e.kind === 'function'))
        .filter(e => kebab(e.name) !== door && !kebab(e.name).endsWith(`-${door}`))
        .filter(e => !/\): \w+ is /.test(e.text) && (e.kind === 'class' || e.text.split('\n').length > 2))
        .map(e => `${file.path}:${e.line} ${e.name}`);
    });
    assert.deepEqual(silent, []);
  });

  test('the search for exports sees where each ends and whether it has a comment', () => {
    const text = [
      '/** Says. */\nexport const a = (x: number): number => x;',
      'export const b = (x: number): number =>\n  x + 1;',
      'export function c(\n  x: number,\n): number {\n  return x;\n}',
      'export class D {\n  e = 1;\n}',
    ].join('\n\n');
    assert.deepEqual(
      exportsOf({ path: 'x.ts', text }).map(e => [e.name, e.kind, e.documented, e.text.split('\n').length]),
      [
        ['a', 'function', true, 1],
        ['b', 'function', false, 2],
        ['c', 'function', false, 5],
        ['D', 'class', false, 3],
      ],
    );
  });
});

describe('pages', () => {
  const pages = [
    'README.md',
    'CHANGELOG.md',
    'archive/DESIGN.md',
    ...(readdirSync('docs', { recursive: true }) as string[]).filter(f => f.endsWith('.md')).map(f => `docs/${f}`),
  ];
  const textOf = (page: string): string => readFileSync(page, 'utf8');
  const scripts = (JSON.parse(textOf('package.json')) as { scripts: Record<string, string> }).scripts;
  const packages = JSON.parse(textOf('package.json')) as Record<
    'dependencies' | 'devDependencies' | 'optionalDependencies',
    Record<string, string>
  >;

  test('links lead to files that exist, and to headings that are there', () => {
    const slug = (heading: string): string =>
      heading
        .toLowerCase()
        .replaceAll(/[^\w\- ]/g, '')
        .trim()
        .replaceAll(' ', '-');
    const broken = pages.flatMap(page =>
      [...withoutCode(textOf(page)).matchAll(/\]\((?!https?:)([^)\s#]*)(?:#([^)\s]+))?\)/g)].flatMap(
        ([link, target = '', anchor]) => {
          const file = target === '' ? page : normalize(join(dirname(page), target));
          if (!existsSync(file)) return [`${page}: ${link}`];
          if (anchor === undefined) return [];
          const headings = [...textOf(file).matchAll(/^#+ (.+)$/gm)].map(m => slug(m[1] ?? ''));
          return headings.includes(anchor) ? [] : [`${page}: ${link}`];
        },
      ),
    );
    assert.deepEqual(broken, []);
  });

  test('commands of the README exist', () => {
    const readme = textOf('README.md');
    const wrong = [
      ...[...readme.matchAll(/\bnpm (?:run )?([\w:-]+)/g)]
        .map(m => m[1] ?? '')
        .filter(name => name !== 'ci' && scripts[name] === undefined),
      ...[...readme.matchAll(/tools\/ocellus (\w+)/g)]
        .map(m => m[1] ?? '')
        .filter(name => !(commandNames as readonly string[]).includes(name)),
      ...[...readme.matchAll(/(?<![\w/])(tools\/[\w./-]+)/g)].map(m => m[1] ?? '').filter(path => !existsSync(path)),
    ];
    assert.deepEqual(wrong, []);
  });

  test('the README and docs/design/dependencies.md name every package that is used, and the README no other', () => {
    const used = Object.values({
      ...packages.dependencies,
      ...packages.devDependencies,
      ...packages.optionalDependencies,
    });
    assert.ok(
      used.every(version => /^\d/.test(version)),
      'versions are exact',
    );
    const names = [packages.dependencies, packages.devDependencies, packages.optionalDependencies].flatMap(Object.keys);
    const inReadme = (textOf('README.md').split('## Dependencies')[1] ?? '').match(/^\| `.*$/gm) ?? [];
    const listed = inReadme.flatMap(row => [...(row.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map(m => m[1] ?? ''));
    const matches = (name: string, pattern: string): boolean =>
      pattern.endsWith('/*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
    assert.deepEqual(
      names.filter(n => !listed.some(l => matches(n, l))),
      [],
    );
    assert.deepEqual(
      listed.filter(l => !names.some(n => matches(n, l))),
      [],
    );
    const reasons = textOf('docs/design/dependencies.md');
    assert.deepEqual(
      names.filter(n => !n.startsWith('@types/') && !reasons.includes(`\`${n}\``)),
      [],
    );
  });

  test('no page or source names a place outside the tree and the system', () => {
    const outside = /(?<![\w.])\/(work|home|root|mnt|Users)\b[/\w.-]*|(?<![\w./])\.\.\/spec\//g;
    const files = [
      ...pages.map(path => ({ path, text: textOf(path) })),
      ...sourceFiles('src', 'objects', 'archive', 'tools'),
    ];
    assert.deepEqual(
      files.flatMap(({ path, text }) => [...text.matchAll(outside)].map(m => `${path}: ${m[0]}`)),
      [],
    );
  });

  test('places that the design names are in the tree', () => {
    const place =
      /`((?:src|objects|archive|test|tools|docs|etc|web|scripts|floors|example)\/(?:[\w./-]*(?:\.(?:ts|md|sh|py|json|c)|\/))?)`/g;
    const designs = [...pages.filter(p => p.startsWith('docs/design/')), 'archive/DESIGN.md'];
    assert.deepEqual(
      designs.flatMap(page =>
        [...withoutForeign(textOf(page)).matchAll(place)]
          .map(m => m[1] ?? '')
          .filter(path => !existsSync(path))
          .map(path => `${page}: ${path}`),
      ),
      [],
    );
  });

  test('the map of the house in architecture.md shows the rooms and files that there are', () => {
    const [, map = ''] = /^```\n(src\/\n[\s\S]*?)^```/m.exec(textOf('docs/design/architecture.md')) ?? [];
    const room = { src: '', objects: '', archive: '' };
    let top: keyof typeof room = 'src';
    for (const line of map.split('\n')) {
      const [, name] = /^(src|objects|archive)\/$/.exec(line) ?? [];
      if (name !== undefined) top = name as keyof typeof room;
      else room[top] += `${line}\n`;
    }
    for (const folder of ['src', 'objects', 'archive'] as const) {
      const there = readdirSync(folder, { withFileTypes: true });
      const folders = there.filter(e => e.isDirectory()).map(e => e.name);
      const shown = [...room[folder].matchAll(/(?<![\w/(])([a-z][\w-]*)\/(?= |$)/gm)].map(m => m[1] ?? '');
      assert.deepEqual([...new Set(shown)].filter(f => f !== 'http').sort(), folders.sort(), `folders of ${folder}`);
      for (const file of there.filter(e => e.name.endsWith('.ts')))
        assert.ok(room[folder].includes(` ${file.name} `), `${folder}/${file.name} is on the map`);
    }
    const core = readdirSync('src/core').sort();
    const [, shown = ''] = /^ {2}core\/([\s\S]*?)^ {2}\w/m.exec(room.src) ?? [];
    assert.deepEqual((shown.match(/[a-z-]+\.ts/g) ?? []).sort(), core);
  });

  /** The reading list of style.md names files of other projects. */
  const withoutForeign = (text: string): string => text.replace(/^\*\*An hour's reading\*\*[\s\S]*?\n\n/m, '');

  const withoutCode = (text: string): string => text.replaceAll(/^```[\s\S]*?^```/gm, '').replaceAll(/`[^`\n]*`/g, '');
});
