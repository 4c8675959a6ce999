/**
 * Variables in the string values of a document (docs/spec/config.md 2.3). Pure: values and
 * file texts are handed in. What cannot be substituted stays as it is and is a fault at
 * its place; substituted text is not scanned again. Faults never show a value.
 */
import { parseJson } from '#core/json-text';
import { deepCopy, isObject, own, type Path, setOwn } from '#core/json-value';

export interface Sources {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly variables: Readonly<Record<string, unknown>>;
  /** Text by path as written in the document; a missing one could not be read. */
  readonly files: ReadonlyMap<string, string>;
}

export interface InterpolationFault {
  readonly path: Path;
  readonly code: 'no-variable' | 'no-file' | 'bad-json' | 'too-large';
  readonly reason: string;
}

/** `$$(` first: it is the escape of what follows it. Other `$(…)` belong to scripts. */
const form = /\$\$\(|\$\((env|var|file|env@json|var@json)\.([^()]*)\)/g;

/** Characters that one document may gain: a small text can name a large file any number of times. */
const gainLimit = 64 * 1024 * 1024;

/** Whether a text is changed by substitution, so that what it became must not be shown. */
export const hasVariables = (text: string): boolean => text.search(form) >= 0;

/** Paths of every `$(file.PATH)` in the strings of a value. */
export function filesIn(value: unknown, found = new Set<string>()): Set<string> {
  if (typeof value === 'string') {
    for (const [, source, name] of value.matchAll(form)) if (source === 'file') found.add(name ?? '');
  } else if (typeof value === 'object' && value !== null) {
    for (const member of Object.values(value)) filesIn(member, found);
  }
  return found;
}

/** A value like the one given, with every form in its strings substituted. The one given is not changed. */
export function interpolate(value: unknown, sources: Sources): { value: unknown; faults: InterpolationFault[] } {
  const faults: InterpolationFault[] = [];
  const lookup = new Lookup(sources);
  const path: (string | number)[] = [];
  const visit = (part: unknown): unknown => {
    if (typeof part === 'string') return substitute(part, lookup, path, faults);
    if (Array.isArray(part)) return part.map((item, index) => below(index, item));
    if (!isObject(part)) return part;
    const copy = {};
    for (const name of Object.keys(part)) setOwn(copy, name, below(name, part[name]));
    return copy;
  };
  const below = (step: string | number, part: unknown): unknown => {
    path.push(step);
    const result = visit(part);
    path.pop();
    return result;
  };
  return { value: visit(value), faults };
}

function substitute(text: string, lookup: Lookup, path: Path, faults: InterpolationFault[]): unknown {
  const found = [...text.matchAll(form)];
  const fault = (failed: Failed): void => void faults.push({ path: [...path], ...failed });
  const [only] = found;
  if (only && only[0] === text && only[1]?.endsWith('@json')) {
    const got = lookup.find(only[1], only[2] ?? '');
    if ('value' in got) return got.value;
    fault(got);
    return text;
  }
  let result = '';
  let end = 0;
  for (const match of found) {
    result += text.slice(end, match.index);
    end = match.index + match[0].length;
    const got = match[1] === undefined ? { text: '$(' } : lookup.find(match[1], match[2] ?? '');
    if ('text' in got) result += got.text;
    else {
      result += match[0];
      fault(got);
    }
  }
  return result + text.slice(end);
}

type Failed = Pick<InterpolationFault, 'code' | 'reason'>;
type Found = { readonly text: string; readonly value: unknown };

class Lookup {
  readonly #sources: Sources;
  /** What a name stands for is worked out once, however often it is used. */
  readonly #known = new Map<string, Found | Failed>();
  #gained = 0;

  constructor(sources: Sources) {
    this.#sources = sources;
  }

  find(source: string, name: string): Found | Failed {
    const key = `${source}.${name}`;
    const found = this.#known.get(key) ?? this.#find(source, name);
    this.#known.set(key, found);
    if ('text' in found && (this.#gained += found.text.length) > gainLimit)
      return { code: 'too-large', reason: `variables make this document larger than ${gainLimit} characters` };
    return found;
  }

  #find(source: string, name: string): Found | Failed {
    const quoted = JSON.stringify(name);
    if (source === 'file') {
      const text = this.#sources.files.get(name)?.replace(/\r?\n$/, '');
      return text === undefined ? { code: 'no-file', reason: `file ${quoted} cannot be read` } : { text, value: text };
    }
    if (source.startsWith('env')) {
      const text = own(this.#sources.env, name);
      if (typeof text !== 'string') return { code: 'no-variable', reason: `environment variable ${quoted} is not set` };
      if (source === 'env') return { text, value: text };
      const { value, fault } = parseJson(text);
      if (fault)
        return { code: 'bad-json', reason: `environment variable ${quoted} is not JSON: it is used as ${source}` };
      return { text: JSON.stringify(value), value };
    }
    // A copy, because what is substituted gets frozen with the configuration.
    const value = deepCopy(own(this.#sources.variables, name));
    if (value === undefined) return { code: 'no-variable', reason: `no variables file has ${quoted}` };
    return { text: source === 'var' && typeof value === 'string' ? value : JSON.stringify(value), value };
  }
}
