/**
 * `npm run matrix`: every peer, transport, medium and login together, recorded by the real
 * daemon and judged by ffprobe and ffmpeg (README.md beside this). A table for each peer, what
 * failed and why, what a peer cannot do and why; with `--json FILE` all of it as JSON.
 *
 *   npm run matrix [-- --peers gst,fake,push] [--only TEXT] [--few] [--seconds 4] [--batch 48] [--folder DIR] [--json FILE]
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { conditions } from '../bench/table.ts';
import { accessOf, allCells, type Cell, fewCells, logins, mediaOf, transports } from './cells.ts';
import { prepareMedia } from './media.ts';
import { fakeCamera, gstreamer, type Peer } from './peers.ts';
import { publisher } from './publisher.ts';
import { Ends, makeCertificate, type Result, runCells } from './run.ts';

const peers: Readonly<Record<string, Peer>> = { gst: gstreamer, fake: fakeCamera, push: publisher };

const { values } = parseArgs({
  options: {
    peers: { type: 'string', default: Object.keys(peers).join() },
    only: { type: 'string', default: '' },
    few: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '4' },
    batch: { type: 'string', default: '48' },
    folder: { type: 'string', default: `${tmpdir()}/ocellus-matrix` },
    json: { type: 'string' },
  },
});
const [seconds, batch] = [Number(values.seconds), Number(values.batch)];
const chosen = values.peers.split(',').map(name => {
  const peer = peers[name];
  if (peer === undefined) throw new Error(`--peers: expected some of ${Object.keys(peers).join()}, got ${name}`);
  return peer;
});
const cells = (values.few ? fewCells : allCells).filter(c => `${mediaOf(c)}-${accessOf(c)}`.includes(values.only));

const ends = new Ends();
const results: Result[] = [];
const beganMs = performance.now();
try {
  mkdirSync(values.folder, { recursive: true });
  // A batch waits for its slowest camera before it is recorded for `seconds`.
  const media = prepareMedia(values.folder, 60 + seconds);
  const setting = { media, tls: makeCertificate(values.folder) };
  for (const peer of chosen) {
    for (let at = 0; at < cells.length; at += batch) {
      const some = await runCells(setting, [{ peer, cells: cells.slice(at, at + batch) }], seconds);
      results.push(...some);
      const count = (r: Result['result']): number => some.filter(s => s.result === r).length;
      process.stderr.write(
        `${peer.name}: ${count('ok')} ok, ${count('failed')} failed, ${count('cannot')} cannot be; ` +
          `${((performance.now() - beganMs) / 1000).toFixed(0)} s\n`,
      );
    }
  }
} finally {
  await ends.close();
}

const where = { ...conditions(), ...Object.fromEntries(chosen.map(p => [p.name, p.version()])) };
const lines = [
  `Recorded for ${seconds} s or more, judged by ffprobe and ffmpeg`,
  Object.entries(where)
    .map(([k, v]) => `${k} ${v}`)
    .join(', '),
];
for (const peer of chosen) {
  const own = results.filter(r => r.peer === peer.name);
  lines.push('', peer.name, '', ...tableOf(own));
  for (const r of own.filter(o => o.result === 'failed'))
    lines.push(`failed: ${mediaOf(r)} ${accessOf(r)}: ${r.why ?? ''}`);
  for (const why of new Set(own.filter(r => r.result === 'cannot').map(r => r.why ?? ''))) {
    const number = own.filter(r => r.why === why).length;
    lines.push(`-: ${why} (${number} cells)`);
  }
}
const count = (r: Result['result']): number => results.filter(s => s.result === r).length;
const totals = { ok: count('ok'), failed: count('failed'), cannot: count('cannot') };
lines.push('', `${totals.ok} ok, ${totals.failed} failed, ${totals.cannot} that a peer cannot`);
process.stdout.write(`${lines.join('\n')}\n`);
if (values.json !== undefined)
  writeFileSync(values.json, `${JSON.stringify({ conditions: where, seconds, totals, results }, undefined, 1)}\n`);
process.exitCode = totals.failed === 0 && totals.ok > 0 ? 0 : 1;

/** A row for each medium, a column for each transport with its logins: `+` ok, `X` failed, `-` cannot, blank not asked. */
function tableOf(own: readonly Result[]): string[] {
  const media = [...new Set(cells.map(mediaOf))];
  const widths = [Math.max(...media.map(m => m.length)), ...transports.map(() => logins.join(' ').length)];
  const line = (texts: readonly string[]): string =>
    `| ${texts.map((text, i) => text.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  const sign = (r: Result | undefined): string =>
    r === undefined ? ' ' : { ok: '+', failed: 'X', cannot: '-' }[r.result];
  const rows = media.map(medium => {
    const cell = (transport: Cell['transport']): string =>
      logins
        .map(login => {
          const found = own.find(r => mediaOf(r) === medium && r.transport === transport && r.login === login);
          return sign(found).padEnd(login.length);
        })
        .join(' ');
    return line([medium, ...transports.map(cell)]);
  });
  return [
    line(['', ...transports]),
    line(['', ...transports.map(() => logins.join(' '))]),
    line(widths.map(w => '-'.repeat(w))),
    ...rows,
    '',
  ];
}
