/** When a new file begins (config.md 11). Pure. */

export interface FileSoFar {
  readonly runId: number;
  readonly beginMs: number;
  readonly bytes: number;
  /** Where its last fragment ends. */
  readonly endMs: number;
}

export interface NextFragment {
  readonly runId: number;
  readonly beginMs: number;
  readonly keyframe: boolean;
}

export interface RotationLimits {
  readonly fileBytes: number;
  readonly fileSeconds: number;
}

/** A hole longer than this ends a file, milliseconds. */
export const holeMs = 1000;

export type Rotation = 'first' | 'run' | 'hole' | 'size' | 'time';

/** Why the next fragment begins a new file; undefined when it does not. */
export function rotation(
  file: FileSoFar | undefined,
  next: NextFragment,
  limits: RotationLimits,
): Rotation | undefined {
  if (!file) return 'first';
  if (next.runId !== file.runId) return 'run';
  if (next.beginMs - file.endMs > holeMs) return 'hole';
  if (!next.keyframe) return undefined;
  if (file.bytes >= limits.fileBytes) return 'size';
  return next.beginMs - file.beginMs >= limits.fileSeconds * 1000 ? 'time' : undefined;
}
