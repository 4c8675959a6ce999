/** Why there is no media: the closed list of docs/spec/api.md 6.5. */
export const gapReasons = [
  'camera-unreachable',
  'no-media',
  'network-loss',
  'disk-slow',
  'disk-full',
  'overload',
  'clock-step',
  'not-scheduled',
  'restart',
  'config-change',
  'removed',
] as const;

export type GapReason = (typeof gapReasons)[number];

/** Media has stopped; it ends with the next access unit. */
export interface Gap {
  readonly reason: GapReason;
  /** Wall clock at which media stopped, UTC milliseconds. */
  readonly atMs: number;
}
