/**
 * The product's source as text: which files there are, what they export and with which
 * comment, which codes they use. Reading text is enough, because the formatter keeps one
 * shape for each thing and codes are written out as literals so that they can be found.
 */
import { readdirSync, readFileSync } from 'node:fs';

export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** TypeScript files below some folders, in order of their paths. */
export const sourceFiles = (...folders: string[]): SourceFile[] =>
  folders
    .flatMap(folder =>
      (readdirSync(folder, { recursive: true }) as string[]).filter(f => f.endsWith('.ts')).map(f => `${folder}/${f}`),
    )
    .sort()
    .map(path => ({ path, text: readFileSync(path, 'utf8') }));

export interface Export {
  readonly name: string;
  readonly line: number;
  readonly kind: 'function' | 'class' | 'interface' | 'type' | 'const';
  readonly documented: boolean;
  /** The declaration itself, to the line on which it ends. */
  readonly text: string;
}

/** What a file exports by a declaration; a comment counts if it ends on the line above. */
export function exportsOf({ text }: SourceFile): Export[] {
  const lines = text.split('\n');
  return lines.flatMap((line, at) => {
    const found = /^export (?:default )?(?:async )?(function|class|interface|type|const)\*? (\w+)/.exec(line);
    if (!found) return [];
    const [, word = '', name = ''] = found;
    // One line; or an expression, which the formatter indents by two; or a block, which ends at the margin.
    const isExpression = /[=>]$/.test(line);
    const end = lines.findIndex(
      (l, n) =>
        n >= at &&
        (n === at ? /[;}]$/.test(l) : isExpression ? /;$/.test(l) : /^[)}\]]/.test(l) && !/^\).*\{$/.test(l)),
    );
    const declaration = lines.slice(at, end + 1).join('\n');
    const isArrow = word === 'const' && /^export const \w+ =\s*(async )?(<[^=]*>\s*)?\([\s\S]*?=>/.test(declaration);
    return [
      {
        name,
        line: at + 1,
        kind: (isArrow ? 'function' : word) as Export['kind'],
        documented: /(\*\/|^\/\/ .*)$/.test(lines[at - 1] ?? ''),
        text: declaration,
      },
    ];
  });
}

const withoutComments = (text: string): string => text.replaceAll(/\/\*[\s\S]*?\*\/|(?<![:'"`])\/\/.*$/gm, '');

/** Texts in quotes, and templates with each placeholder as the last word of what fills it. */
const literals = (expression: string): string[] => [
  ...[...expression.matchAll(/'([^'\n]*)'/g)].map(m => m[1] ?? ''),
  ...[...expression.matchAll(/`([^`\n]*)`/g)].map(m => (m[1] ?? '').replaceAll(/\$\{(?:\w+[.?]*)*?(\w+)\}/g, '$1')),
];

/** The arguments of a call that begins at `open`, the place of its parenthesis. */
function argumentsAt(text: string, open: number): string[] {
  const found: string[] = [];
  let [depth, begin, quote] = [0, open + 1, ''];
  for (let at = open; at < text.length; at++) {
    const c = text[at] ?? '';
    if (quote !== '') {
      if (c === '\\') at++;
      else if (c === quote) quote = '';
    } else if (`'"\``.includes(c)) quote = c;
    else if ('([{'.includes(c)) depth++;
    else if (')]}'.includes(c)) {
      if (--depth > 0) continue;
      found.push(text.slice(begin, at));
      return found.map(a => a.trim());
    } else if (c === ',' && depth === 1) {
      found.push(text.slice(begin, at));
      begin = at + 1;
    }
  }
  return found;
}

/** Where a function of this file takes a code: its name, and which parameter it is. */
function codeTakers(text: string): [name: string, index: number][] {
  const found: [string, number][] = [];
  for (const m of text.matchAll(/(#?\w+)(?: = )?\(([^()]*\bcode: string\b[^()]*)\)/g)) {
    const index = (m[2] ?? '').split(',').findIndex(p => /\bcode: string\b/.test(p));
    if (m[1] !== 'constructor' && m[1] !== 'Fault') found.push([m[1] ?? '', index]);
  }
  return found;
}

/** What an expression can be, where it is a name that this file gives a value to. */
function resolved(expression: string, text: string): string[] {
  const direct = literals(expression);
  const bare = expression.replaceAll(/'[^'\n]*'|`[^`\n]*`/g, '');
  const names = [...bare.matchAll(/(?<![.\w])[a-z]\w*/g)].map(m => m[0]);
  const values = names.flatMap(name => {
    const declaration = new RegExp(`const ${name}\\b[^=]*= ([^;]*);`).exec(text)?.[1] ?? '';
    return literals(declaration);
  });
  return [...direct, ...values].filter(isCodeLike);
}

const isCodeLike = (text: string): boolean => /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(text);

/** Codes of faults, by how they are written: `new Fault(kind, code, …)`, or handed to a function that takes a `code`. */
export function faultCodesIn(file: SourceFile): string[] {
  const text = withoutComments(file.text);
  const found: string[] = [];
  for (const m of text.matchAll(/new Fault\(/g))
    found.push(...resolved(argumentsAt(text, m.index + 'new Fault'.length)[1] ?? '', text));
  if (!/ProblemText/.test(text))
    for (const [name, index] of codeTakers(text))
      for (const m of text.matchAll(new RegExp(`(?<!function )${name.replace('#', 'this\\.#')}\\(`, 'g')))
        found.push(...resolved(argumentsAt(text, m.index + m[0].length - 1)[index] ?? '', text));
  return [...new Set(found)];
}

/** Codes of findings: a member `code` beside a severity, or handed to a function that makes a `ProblemText`. */
export function problemCodesIn(file: SourceFile): string[] {
  const text = withoutComments(file.text);
  const found: string[] = [];
  for (const m of text.matchAll(/\bcode: (?!\{)([^\n]*)/g))
    found.push(...literals((m[1] ?? '').split(/\breason\b|\bexpected\b/)[0] ?? '').filter(isCodeLike));
  if (/ProblemText/.test(text))
    for (const [name, index] of codeTakers(text))
      for (const m of text.matchAll(new RegExp(`\\b${name}\\(`, 'g')))
        found.push(...literals(argumentsAt(text, m.index + m[0].length - 1)[index] ?? '').filter(isCodeLike));
  return [...new Set(found)];
}
