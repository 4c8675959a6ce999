/**
 * JSON text (RFC 8259) to a value that remembers where in the text each part of it stands.
 *
 * Strict JSON, except that an initial BOM is skipped. Of a property given twice the last one
 * wins and both are listed. Any text may come: the answer is a value or one syntax error,
 * never a throw. Nesting and the length of names are limited, so that pointers into the
 * text stay short and walking the value by recursion is safe.
 *
 * Places are kept as one offset per value and name beside their container, not as a table
 * of pointers: memory stays proportional to the text whatever its shape.
 */
import { own, type Path, setOwn } from '#core/json-value';

/** Levels of arrays and objects; hand-written configurations have about eight. */
const depthLimit = 100;
/** Characters of a property name. */
const nameLimit = 1000;

export interface Position {
  /** 1-based. */
  readonly line: number;
  /** 1-based, in UTF-16 code units, as editors count. */
  readonly column: number;
}

export interface SyntaxFault {
  readonly reason: string;
  readonly position: Position;
  /** The innermost value that was being read. */
  readonly path: Path;
}

export class JsonText {
  /** Undefined if there is a `fault`. */
  readonly value: unknown;
  readonly fault: SyntaxFault | undefined;
  /** Properties that stand a second time in their object, in order of the text. */
  readonly duplicates: readonly { readonly path: Path; readonly position: Position }[];
  readonly #text: string;
  readonly #marks: ReadonlyMap<object, Marks>;
  readonly #start: number;
  #lineStarts: number[] | undefined;

  constructor(text: string) {
    const reader = new Reader(text);
    const read = reader.document();
    this.#text = reader.text;
    this.#marks = reader.marks;
    this.#start = read.start;
    this.value = read.value;
    this.fault = read.fault && { ...read.fault, position: this.#position(read.fault.offset) };
    this.duplicates = reader.duplicates.map(({ path, offset }) => ({ path, position: this.#position(offset) }));
  }

  /** Of the value at a path; of its nearest ancestor where the text has no such value. */
  valuePosition(path: Path): Position {
    return this.#position(this.#find(path).value);
  }

  /** Of the name of the property that a path ends in; of the value where it is no property. */
  namePosition(path: Path): Position {
    const { name, value } = this.#find(path);
    return this.#position(name ?? value);
  }

  /** The number at a path as it is written: more digits than a `number` holds survive. Undefined if it is no number. */
  numberText(path: Path): string | undefined {
    let value = this.value;
    for (const step of path) value = own(value, step);
    if (typeof value !== 'number') return undefined;
    return numberAt(this.#text, this.#find(path).value);
  }

  #find(path: Path): { readonly value: number; readonly name: number | undefined } {
    let container = this.value;
    let found: { value: number; name: number | undefined } = { value: this.#start, name: undefined };
    for (const step of path) {
      const marks = typeof container === 'object' && container !== null ? this.#marks.get(container) : undefined;
      const next = marks instanceof Map ? marks.get(String(step)) : marks?.[Number(step)];
      if (next === undefined) break;
      found = typeof next === 'number' ? { value: next, name: undefined } : next;
      container = own(container, step);
    }
    return found;
  }

  #position(offset: number): Position {
    this.#lineStarts ??= [0, ...[...this.#text.matchAll(/\r\n|\n|\r/g)].map(m => m.index + m[0].length)];
    let [low, high] = [0, this.#lineStarts.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#lineStarts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (this.#lineStarts[low] ?? 0) + 1 };
  }
}

/** Where the members of an object begin, and their names; where the items of an array do. */
type Marks = Map<string, { readonly value: number; readonly name: number }> | number[];

/** How the reader unwinds; never leaves `document`. */
class Stop {
  readonly reason: string;
  readonly offset: number;
  constructor(reason: string, offset: number) {
    this.reason = reason;
    this.offset = offset;
  }
}

const numberPattern = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const plainPattern = /[^"\\\u0000-\u001f]*/y;
const spacePattern = /[ \t\r\n]*/y;
const escapes: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

function numberAt(text: string, offset: number): string | undefined {
  numberPattern.lastIndex = offset;
  return numberPattern.exec(text)?.[0];
}

class Reader {
  readonly text: string;
  readonly marks = new Map<object, Marks>();
  readonly duplicates: { path: Path; offset: number }[] = [];
  readonly #path: (string | number)[] = [];
  #at = 0;

  constructor(text: string) {
    this.text = text.startsWith('\ufeff') ? text.slice(1) : text;
  }

  document(): { value: unknown; start: number; fault?: Omit<SyntaxFault, 'position'> & { offset: number } } {
    this.#space();
    const start = this.#at;
    const result = this.#value();
    if (result instanceof Stop) return this.#failed(start, result);
    this.#space();
    if (this.#at < this.text.length) return this.#failed(start, this.#unexpected('the end of the text'));
    return { value: result.value, start };
  }

  #failed(start: number, { reason, offset }: Stop) {
    return { value: undefined, start, fault: { reason, offset, path: [...this.#path] } };
  }

  #value(): { value: unknown } | Stop {
    switch (this.text[this.#at]) {
      case '{':
        return this.#object();
      case '[':
        return this.#array();
      case '"': {
        const string = this.#string();
        return string instanceof Stop ? string : { value: string };
      }
      case 't':
        return this.#word('true', true);
      case 'f':
        return this.#word('false', false);
      case 'n':
        return this.#word('null', null);
      default:
        return this.#number();
    }
  }

  #word(word: string, value: unknown): { value: unknown } | Stop {
    if (!this.text.startsWith(word, this.#at) || /\w/.test(this.text[this.#at + word.length] ?? ''))
      return this.#unexpected('a value');
    this.#at += word.length;
    return { value };
  }

  #number(): { value: unknown } | Stop {
    const digits = numberAt(this.text, this.#at);
    if (digits === undefined) return this.#unexpected('a value');
    const next = this.text[this.#at + digits.length] ?? '';
    if (/[\w.+-]/.test(next)) return new Stop('malformed number', this.#at);
    const value = Number(digits);
    if (!Number.isFinite(value)) return new Stop('number is too large', this.#at);
    this.#at += digits.length;
    return { value };
  }

  #array(): { value: unknown } | Stop {
    const array: unknown[] = [];
    const tooDeep = this.#open();
    if (tooDeep) return tooDeep;
    if (this.#take(']')) return { value: array };
    const marks: number[] = [];
    this.marks.set(array, marks);
    for (;;) {
      const start = this.#at;
      this.#path.push(array.length);
      const item = this.#value();
      if (item instanceof Stop) return item;
      this.#path.pop();
      marks.push(start);
      array.push(item.value);
      this.#space();
      if (this.#take(']')) return { value: array };
      if (!this.#take(',')) return this.#unexpected('"," or "]"');
      this.#space();
      if (this.text[this.#at] === ']') return new Stop('a comma before "]"', this.#at);
    }
  }

  #object(): { value: unknown } | Stop {
    const object = {};
    const tooDeep = this.#open();
    if (tooDeep) return tooDeep;
    if (this.#take('}')) return { value: object };
    const marks = new Map<string, { value: number; name: number }>();
    this.marks.set(object, marks);
    for (;;) {
      const nameStart = this.#at;
      if (this.text[nameStart] !== '"') return this.#unexpected('a property name in double quotes');
      const name = this.#string();
      if (name instanceof Stop) return name;
      if (name.length > nameLimit)
        return new Stop(`property name of ${name.length} characters, at most ${nameLimit} are allowed`, nameStart);
      this.#path.push(name);
      this.#space();
      if (!this.#take(':')) return this.#unexpected('":"');
      this.#space();
      const start = this.#at;
      const member = this.#value();
      if (member instanceof Stop) return member;
      if (marks.has(name)) this.duplicates.push({ path: [...this.#path], offset: nameStart });
      this.#path.pop();
      marks.set(name, { value: start, name: nameStart });
      setOwn(object, name, member.value);
      this.#space();
      if (this.#take('}')) return { value: object };
      if (!this.#take(',')) return this.#unexpected('"," or "}"');
      this.#space();
      if (this.text[this.#at] === '}') return new Stop('a comma before "}"', this.#at);
    }
  }

  #open(): Stop | undefined {
    if (this.#path.length >= depthLimit) return new Stop(`nested deeper than ${depthLimit} levels`, this.#at);
    this.#at++;
    this.#space();
    return undefined;
  }

  #string(): string | Stop {
    const start = this.#at++;
    let string = '';
    for (;;) {
      plainPattern.lastIndex = this.#at;
      const plain = plainPattern.exec(this.text)?.[0] ?? '';
      string += plain;
      this.#at += plain.length;
      const next = this.text[this.#at];
      if (next === undefined) return new Stop('text without its closing quote', start);
      if (next === '"') {
        this.#at++;
        return string;
      }
      if (next !== '\\') return new Stop('a line break or control character inside a text', this.#at);
      const escaped = this.#escape();
      if (escaped instanceof Stop) return escaped;
      string += escaped;
    }
  }

  #escape(): string | Stop {
    const letter = this.text[this.#at + 1] ?? '';
    const plain = own(escapes, letter);
    const digits = this.text.slice(this.#at + 2, this.#at + 6);
    if (typeof plain === 'string') {
      this.#at += 2;
      return plain;
    }
    if (letter !== 'u' || !/^[0-9a-fA-F]{4}$/.test(digits)) return new Stop('unknown escape in a text', this.#at);
    this.#at += 6;
    return String.fromCharCode(Number.parseInt(digits, 16));
  }

  #take(character: string): boolean {
    if (this.text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #space(): void {
    spacePattern.lastIndex = this.#at;
    this.#at += spacePattern.exec(this.text)?.[0].length ?? 0;
  }

  /** Names one character only: what stands in a broken text may be a password. */
  #unexpected(wanted: string): Stop {
    const code = this.text.codePointAt(this.#at);
    const got = code === undefined ? 'the end of the text' : JSON.stringify(String.fromCodePoint(code));
    return new Stop(`expected ${wanted}, got ${got}`, this.#at);
  }
}

export const parseJson = (text: string): JsonText => new JsonText(text);
