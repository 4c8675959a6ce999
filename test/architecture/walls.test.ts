/** The walls between the rooms (docs/design/architecture.md 1): who may import whom, and who may touch the world outside. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

/** Rooms that a room may enter, besides itself. A room not listed is a wall. */
const doors: Readonly<Record<string, readonly string[]>> = {
  media: [],
  core: [],
  sdp: ['media'],
  rtp: ['media'],
  rtsp: ['rtp', 'sdp', 'media'],
  onvif: ['core', 'rtsp'],
  mp4: ['core', 'demux', 'media'],
  multipart: ['media'],
  demux: ['media'],
  mpegts: ['demux', 'media'],
  matroska: ['demux', 'mp4', 'media'],
  hub: ['media'],
  hls: ['core', 'hub', 'mp4', 'mpegts', 'media'],
  interface: ['core', 'media'],
  capability: ['core', 'hub', 'media'],
  source: ['core', 'interface', 'capability', 'hub', 'hls', 'mp4', 'media'],
  player: ['core', 'interface', 'capability', 'source', 'hub', 'mp4', 'mpegts', 'matroska', 'demux', 'media'],
  camera: ['core', 'interface', 'capability', 'source', 'hub', 'rtsp', 'rtp', 'sdp', 'media'],
  api: ['core', 'interface'],
  host: ['core'],
  playback: ['capability', 'media'],
  archive: ['core', 'interface', 'capability', 'hub', 'hls', 'mp4', 'mpegts', 'media'],
  objects: [
    'core',
    'interface',
    'capability',
    'api',
    'archive',
    'camera',
    'source',
    'hub',
    'hls',
    'mp4',
    'multipart',
    'mpegts',
    'onvif',
    'playback',
    'matroska',
    'demux',
    'player',
    'rtp',
    'rtsp',
    'sdp',
    'media',
  ],
  command: ['core'],
};

/** Composition roots: entry files of the process and its threads, which may enter every room. */
const roots = /^src\/[a-z-]+\.ts$/;

/** Only `host` (and the roots) touch the outside. */
const outside =
  /^(node:)?(net|tls|dgram|http|http2|https|fs|fs\/promises|child_process|worker_threads|cluster|timers|timers\/promises|process|os|readline|sqlite|dns|perf_hooks)$/;

/** Packages, and the rooms that may import them. */
const packages: Readonly<Record<string, readonly string[]>> = {
  typebox: ['core'],
  ajv: ['core'],
  fastify: ['host'],
  '@fastify/send': ['host'],
  pino: ['host'],
  saxes: ['onvif'],
};

/** Pure Node modules that any room may use; hashing is arithmetic, not world. */
const pure = /^node:(util|crypto|path|buffer|url|string_decoder|zlib|assert)$/;

/** Names of the outside that need no import. */
const globals =
  /(?<![.\w#'"`])(process\.(env|argv|exit|hrtime|stdout|stderr|on|pid|memoryUsage|cpuUsage)|console\.|Date\.now\(|new Date\(\)|performance\.now|setTimeout\(|setInterval\(|setImmediate\(|Math\.random\(|fetch\()/;

/** Static imports and exports, imports for effect, and dynamic ones. */
const imports =
  /(?:^import\s*|^(?:import|export)\s(?:type\s)?(?:[\w*]+|\{[^}]*\}|[\w*]+,\s*\{[^}]*\}|\*\s+as\s+\w+)\s+from\s*|\bimport\s*\(\s*)['"]([^'"\n]+)['"]/gm;

const files = ['src', 'objects', 'archive'].flatMap(top =>
  (readdirSync(top, { recursive: true }) as string[]).filter(f => f.endsWith('.ts')).map(f => `${top}/${f}`),
);
const roomOf = (file: string): string => (file.startsWith('src/') ? file.split('/')[1]! : file.split('/')[0]!);
const code = (file: string): string => readFileSync(file, 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*$/gm, '');

function complaints(file: string, text = code(file)): string[] {
  if (roots.test(file)) return [];
  const room = roomOf(file);
  const wrong: string[] = [];
  if (!doors[room]) wrong.push(`${file}: room "${room}" has no row in the table of doors`);
  for (const [, target = ''] of text.matchAll(imports)) {
    const [head = ''] = target.split('/');
    if (target.startsWith('#')) {
      const other = head.slice(1);
      if (other !== room && !doors[room]?.includes(other))
        wrong.push(`${file}: ${room} may not enter ${other} (${target})`);
      if (room === 'objects' && other === 'objects')
        wrong.push(`${file}: one object type may not know another (${target})`);
    } else if (target.startsWith('.')) {
      if (target.startsWith('../..') || (target.startsWith('..') && file.split('/').length <= 3 && room !== 'archive'))
        wrong.push(`${file}: climbs out of its room (${target})`);
    } else if (outside.test(target)) {
      if (room !== 'host') wrong.push(`${file}: only src/host may use ${target}; take it from World`);
    } else if (target.startsWith('node:')) {
      if (room !== 'host' && !pure.test(target)) wrong.push(`${file}: ${target} is not among the pure modules`);
    } else {
      const name = target.startsWith('@') ? target.split('/').slice(0, 2).join('/') : head;
      if (!packages[name]?.includes(room)) wrong.push(`${file}: package ${name} does not belong in ${room}`);
    }
  }
  if (room !== 'host')
    for (const [found] of text.matchAll(new RegExp(globals, 'g')))
      wrong.push(`${file}: "${found}" is the outside; take it from World`);
  if (room !== 'host')
    for (const [found] of text.matchAll(/throw new (?!Fault\b)\w+/g))
      wrong.push(`${file}: "${found}": product code throws Faults`);
  return wrong;
}

test('rooms are entered by their doors only, and only host sees the outside', () => {
  assert.ok(files.length > 50);
  assert.deepEqual(
    files.flatMap(f => complaints(f)),
    [],
  );
});

test('the environment and the command line are read in main.ts alone', () => {
  const readers = files.filter(f => f !== 'src/main.ts' && /process\.(env|argv)\b/.test(code(f)));
  assert.deepEqual(readers, []);
});

test('there is no dump for what has no room', () => {
  assert.deepEqual(
    files.filter(f => /\/(utils?|common|misc|helpers?)(\/|\.ts$)/.test(f)),
    [],
  );
});

/** A sign to look (style.md, sizes), with room to breathe; tables of constants are exempt. */
test('no file is a hall', () => {
  const long = files.map(f => [f, readFileSync(f, 'utf8').split('\n').length] as const).filter(([, n]) => n > 450);
  assert.deepEqual(long, []);
});

/** `any` is for the generic plumbing of core (style.md 11). The number may fall, not rise. */
test('any appears in the plumbing of core only', () => {
  const count = (f: string): number => [...code(f).matchAll(/(?<![\w-])any(?![\w-])(?!\s*:)/g)].length;
  const outsideCore = files.filter(
    f => !f.startsWith('src/core/') && /[:<,(|&]\s*any\b|as any\b|any\[\]/.test(code(f)),
  );
  assert.deepEqual(outsideCore, []);
  const inCore = files.filter(f => f.startsWith('src/core/')).reduce((n, f) => n + count(f), 0);
  assert.ok(inCore <= 40, `core has ${inCore} of them`);
});

test('the wall sees what it is there to see', () => {
  const offences = [
    "import net from 'node:net';",
    "import { x } from '#api/http/face';",
    'const t = Date.now();',
    "throw new Error('x');",
    "import left from 'left-pad';",
  ];
  for (const offence of offences) assert.equal(complaints('src/rtp/x.ts', offence).length, 1, offence);
  assert.deepEqual(complaints('src/rtp/x.ts', "import type { Run } from '#media/track';"), []);
});
