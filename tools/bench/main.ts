/** `npm run bench -- NAME [options]`: runs one benchmark. Each prints a table and, with `--json FILE`, writes it as JSON. */
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';

const folder = fileURLToPath(new URL('.', import.meta.url));
const [name, ...words] = process.argv.slice(2);
const parts = new Set(['main', 'process-tree', 'load', 'table', 'rtsp-viewers', 'recorders', 'archive-maker']);
const names = readdirSync(folder)
  .map(f => f.replace(/\.ts$/, ''))
  .filter(n => !parts.has(n));
if (name === undefined || !names.includes(name) || !existsSync(`${folder}${name}.ts`)) {
  process.stderr.write(`usage: npm run bench -- NAME [options]; NAME is one of ${names.join(', ')}\n`);
  process.exit(2);
}
process.argv.splice(2, process.argv.length, ...words);
await import(pathToFileURL(`${folder}${name}.ts`).href);
