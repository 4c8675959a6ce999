/**
 * The specific bindings of one object: templates of docs/spec/api.md 1.3 below
 * `/v1/svc/NAME`, matched against decoded segments. Where several templates fit, words win
 * over `{p}` and `{p}` over `{p*}`, from left to right, because track and session names
 * share the path with fixed words.
 */
import { Fault } from '#core/errors';
import type { HttpBinding } from '#core/interface';

type Piece = { readonly word: string } | { readonly parameter: string } | { readonly rest: string };

export interface Route<T> {
  readonly verb: HttpBinding['verb'];
  readonly pieces: readonly Piece[];
  readonly target: T;
}

/** `{p}` is one segment, a final `{p*}` the rest. */
export function parseTemplate(path: string): readonly Piece[] {
  const trimmed = path.startsWith('/') ? path.slice(1) : path;
  if (trimmed === '') return [];
  return trimmed.split('/').map(text => {
    const m = /^\{(\w+)(\*?)\}$/.exec(text);
    if (!m?.[1]) return { word: text };
    return m[2] === '*' ? { rest: m[1] } : { parameter: m[1] };
  });
}

/** 0 before 1: the order in which templates are tried. */
const rank = (piece: Piece | undefined): number => (!piece ? 3 : 'word' in piece ? 0 : 'parameter' in piece ? 1 : 2);

function compare(a: readonly Piece[], b: readonly Piece[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = rank(a[i]) - rank(b[i]);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Parameters from the path, or undefined when it does not fit. A `{p}` is never empty, a `{p*}` may be. */
function fit(pieces: readonly Piece[], segments: readonly string[]): Record<string, string> | undefined {
  const found: Record<string, string> = {};
  for (const [i, piece] of pieces.entries()) {
    const segment = segments[i];
    if (segment === undefined) return undefined;
    if ('rest' in piece) {
      found[piece.rest] = segments.slice(i).join('/');
      return found;
    }
    if ('word' in piece ? piece.word !== segment : segment === '') return undefined;
    if ('parameter' in piece) found[piece.parameter] = segment;
  }
  return segments.length === pieces.length ? found : undefined;
}

export type Match<T> =
  | { readonly target: T; readonly parameters: Readonly<Record<string, string>> }
  /** Some template fits the path, none this verb; `allow` is empty when none fits at all. */
  | { readonly allow: readonly string[] };

export class Routes<T> {
  readonly #routes: readonly Route<T>[];

  constructor(bindings: readonly { readonly http: HttpBinding; readonly target: T }[]) {
    this.#routes = bindings
      .map(({ http, target }) => ({ verb: http.verb, pieces: parseTemplate(http.path), target }))
      .sort((a, b) => compare(a.pieces, b.pieces));
  }

  match(verb: string, segments: readonly string[]): Match<T> {
    const wanted = verb === 'HEAD' ? 'GET' : verb;
    const allow = new Set<string>();
    for (const route of this.#routes) {
      const parameters = fit(route.pieces, segments);
      if (!parameters) continue;
      if (route.verb === wanted || route.verb === 'ANY') return { target: route.target, parameters };
      allow.add(route.verb);
      if (route.verb === 'GET') allow.add('HEAD');
    }
    return { allow: [...allow] };
  }
}

/** 405, with the verbs that would do. */
export const notAllowed = (verb: string, allow: readonly string[]): Fault => {
  const verbs = [...allow, 'OPTIONS'].join(', ');
  return new Fault('unsupported', 'method-not-allowed', `expected one of ${verbs} here, got ${verb.slice(0, 20)}`, {
    allow: verbs,
  });
};
