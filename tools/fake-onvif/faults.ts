/** What goes wrong on purpose, as texts that the command line and tests share: `type=slow,op=GetProfiles,v=2000`. */

export const faultTypes = [
  'clock',
  'xaddr',
  'slow',
  'silent',
  'reset',
  'html500',
  'truncate',
  'huge',
  'forget',
  'prefixes',
  'sparse',
  'single',
  'denied',
  'redirect',
  'fault',
] as const;

export type FaultType = (typeof faultTypes)[number];

export interface FaultSpec {
  readonly type: FaultType;
  /** Of one operation (local name of the SOAP request), or of all. */
  readonly op?: string | undefined;
  /** Seconds, milliseconds, bytes or status: README.md. */
  readonly v?: number | undefined;
  readonly host?: string | undefined;
  /** Probability per call, 1 by default. */
  readonly p?: number | undefined;
  /** How often at most; no limit by default. */
  readonly count?: number | undefined;
  /** Of `fault`: the subcode, as `ActionNotSupported`. */
  readonly code?: string | undefined;
}

/** Throws an Error that says what was expected. */
export function parseFault(text: string): FaultSpec {
  const parts = text.split(',').map(p => {
    const at = p.indexOf('=');
    return [p.slice(0, at).trim(), p.slice(at + 1).trim()] as const;
  });
  const spec: Record<string, string | number> = {};
  for (const [key, value] of parts) {
    if (!['type', 'op', 'v', 'host', 'p', 'count', 'code'].includes(key))
      throw new Error(`--fault: expected type, op, v, host, p, count or code, got ${JSON.stringify(key)}`);
    const numeric = key === 'v' || key === 'p' || key === 'count';
    if (numeric && !Number.isFinite(Number(value === '' ? 'none' : value)))
      throw new Error(`--fault: ${key}: expected a number, got ${JSON.stringify(value)}`);
    spec[key] = numeric ? Number(value) : value;
  }
  if (!faultTypes.includes(spec['type'] as FaultType))
    throw new Error(`--fault: type: expected one of ${faultTypes.join(' ')}, got ${JSON.stringify(spec['type'])}`);
  return spec as unknown as FaultSpec;
}

export class FaultBook {
  readonly #random: () => number;
  #faults: { spec: FaultSpec; left: number }[] = [];

  constructor(random: () => number) {
    this.#random = random;
  }

  add(spec: FaultSpec): void {
    this.#faults.push({ spec, left: spec.count ?? Number.POSITIVE_INFINITY });
  }

  clear(): void {
    this.#faults = [];
  }

  /** The fault of this type that strikes this call, which is counted. */
  strikes(type: FaultType, op: string): FaultSpec | undefined {
    for (const fault of this.#faults) {
      const { spec } = fault;
      if (spec.type !== type || fault.left <= 0 || (spec.op !== undefined && spec.op !== op)) continue;
      if (spec.p !== undefined && this.#random() >= spec.p) continue;
      fault.left -= 1;
      return spec;
    }
    return undefined;
  }
}
