/** A finding about a configuration (docs/spec/config.md 3.2): one JSON object, one readable line, everywhere the same. */
export interface Problem {
  readonly severity: 'error' | 'warning' | 'hint';
  readonly code: string;
  readonly file: string;
  /** 1-based, of the original text, before interpolation. */
  readonly line: number;
  readonly column: number;
  /** JSON Pointer into that file. */
  readonly pointer: string;
  /** A sentence: what was expected, what came. Never a secret. */
  readonly reason: string;
  readonly hint?: string;
}

/** A finding before its place in the text is known. `pointer` is relative to the object. */
export type ProblemText = Omit<Problem, 'file' | 'line' | 'column'>;

export const problemLine = (p: Problem): string =>
  `${p.file}:${p.line}:${p.column}: ${p.severity}: ${p.reason}${p.hint === undefined ? '' : ` (${p.hint})`}`;
