/**
 * Documents as they were read, and what is found about them: every problem at once, each
 * with its place in the original text (docs/spec/config.md 3.2).
 */
import type { Document, Place } from '#core/configuration';
import { hasVariables, interpolate, type Sources } from '#core/interpolate';
import { type JsonText, type Position, parseJson } from '#core/json-text';
import { own, type Path, pointerOf } from '#core/json-value';
import type { Problem } from '#core/problem';
import { withoutCredentials } from '#core/secret';
import { isComment } from '#core/shape';

/** A document with variables substituted; `value` is undefined where the text could not be read. */
export class ReadDocument {
  readonly name: string;
  readonly value: unknown;
  readonly #json: JsonText;
  /** Pointers of strings that kept a variable because it could not be substituted: told already. */
  readonly #unsolved: ReadonlySet<string>;

  constructor({ name, text }: Document, sources: Sources, findings: Findings) {
    this.name = name;
    this.#json = parseJson(text);
    const { fault, duplicates } = this.#json;
    if (fault)
      findings.add(this, fault.path, { severity: 'error', code: 'syntax', reason: fault.reason }, fault.position);
    const { value, faults } = interpolate(this.#json.value, sources);
    this.value = value;
    const told = faults.filter(f => !inComment(f.path));
    for (const { path, code, reason } of told) findings.add(this, path, { severity: 'error', code, reason });
    this.#unsolved = new Set(told.map(f => pointerOf(f.path)));
    for (const { path, position } of duplicates) {
      if (inComment(path)) continue;
      const reason = `property ${quoted(path.at(-1))} stands twice in one object; the last one counts`;
      findings.add(this, path, { severity: 'warning', code: 'duplicate-property', reason }, position);
    }
  }

  place(path: Path): Place {
    return { file: this.name, ...this.valuePosition(path), pointer: pointerOf(path) };
  }
  valuePosition(path: Path): Position {
    return this.#json.valuePosition(path);
  }
  namePosition(path: Path): Position {
    return this.#json.namePosition(path);
  }
  numberText(path: Path): string | undefined {
    return this.#json.numberText(path);
  }
  /** A variable of this string could not be substituted, so nothing else about it is worth telling. */
  isUnsolved(path: Path): boolean {
    return this.#unsolved.has(pointerOf(path));
  }

  /** For a text from a variable where another type is wanted: the form that keeps the type. */
  typedForm(path: Path): string | undefined {
    const [, source, name] = /^\$\((env|var)\.([^()]*)\)$/.exec(String(this.#written(path))) ?? [];
    return source === undefined ? undefined : `$(${source}@json.${name}) gives a value that is not a text`;
  }

  /** A value for a sentence. What came from a variable is not shown but named: it may be a secret. */
  shown(path: Path, value: unknown): string {
    const written = this.#written(path);
    if (typeof written === 'string' && hasVariables(written)) return `${kindShown(value)} from ${quoted(written)}`;
    return typeof value === 'object' && value !== null ? kindShown(value) : quoted(value);
  }

  /** What stands in the text at a path, or at the variable that the path leads into. */
  #written(path: Path): unknown {
    let written: unknown = this.#json.value;
    for (const step of path) {
      if (typeof written !== 'object' || written === null) break;
      written = own(written, step);
    }
    return written;
  }
}

export type Finding = Omit<Problem, 'file' | 'line' | 'column' | 'pointer'>;

/** Problems that are listed; configurations that have more are not configurations. */
const problemLimit = 1000;

export class Findings {
  readonly #problems: Problem[] = [];
  readonly #strict: boolean;
  #left = 0;

  constructor(strict: boolean) {
    this.#strict = strict;
  }

  /** `position` where the finding is not about the value at `path`: the name of a property, a place in broken text. */
  add(document: ReadDocument, path: Path, finding: Finding, position = document.valuePosition(path)): void {
    if (this.#problems.length >= problemLimit) {
      this.#left++;
      return;
    }
    const { severity, code, reason, hint } = finding;
    this.#problems.push({
      severity: this.#strict && severity === 'warning' ? 'error' : severity,
      code,
      file: document.name,
      ...position,
      pointer: pointerOf(path),
      reason,
      ...(hint === undefined ? {} : { hint }),
    });
  }

  has(document: ReadDocument, path: Path, code: string): boolean {
    const pointer = pointerOf(path);
    return this.#problems.some(p => p.code === code && p.file === document.name && p.pointer === pointer);
  }

  /** In order of the documents and of the places in each. */
  list(documents: readonly Document[]): readonly Problem[] {
    const order = new Map(documents.map((d, index) => [d.name, index]));
    const sorted = this.#problems.sort(
      (a, b) => (order.get(a.file) ?? 0) - (order.get(b.file) ?? 0) || a.line - b.line || a.column - b.column,
    );
    const last = sorted.at(-1);
    if (this.#left === 0 || !last) return sorted;
    const reason = `${this.#left} further problems are not listed`;
    return [...sorted, { ...last, severity: 'error', code: 'too-many-problems', reason }];
  }
}

/** What stands inside a comment is not reported; `meta` has no comments, only members (config.md 3.1, 4.2). */
function inComment(path: Path): boolean {
  const own = path[0] === 'objects' && path[2] === 'meta' ? path.slice(0, 2) : path;
  return own.some(step => typeof step === 'string' && isComment(step));
}

/** A scalar of the configuration in a sentence: short, and without credentials. */
export function quoted(value: unknown): string {
  const text = withoutCredentials(String(value));
  const short = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  return typeof value === 'string' ? JSON.stringify(short) : short;
}

/** What kind of value it is, for sentences that must not show it. */
export function kindShown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'object') return 'an object';
  return typeof value === 'string' ? 'a text' : `a ${typeof value}`;
}
