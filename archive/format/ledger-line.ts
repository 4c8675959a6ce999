/**
 * Lines of the ledger (archive/DESIGN.md, "On disk"): one JSON object with one member each. Read
 * from files that anybody may have touched: what is none of ours is no entry.
 */
import { createHash } from 'node:crypto';
import { faultFrom } from '#core/errors';
import { type GapReason, gapReasons } from '#media/gap';
import { isTrackName } from './paths.ts';

/** Times: UTC milliseconds. */
export interface GapLine {
  readonly track: string;
  readonly begin: number;
  /** Null while it lasts. */
  readonly end: number | null;
  readonly reason: GapReason;
  /** When footage for it arrived from elsewhere. */
  readonly filled?: number;
}
export interface LockLine {
  readonly track: string;
  readonly id: string;
  readonly begin: number;
  readonly end: number;
  readonly reason: string;
  readonly until: number | null;
  readonly by: string | null;
  readonly created: number;
}
export interface UnlockLine {
  readonly track: string;
  readonly id: string;
  readonly by: string | null;
  readonly at: number;
}
export interface HashLine {
  readonly track: string;
  /** Path below the archive's folder. */
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly prev: string;
  readonly chain: string;
}

export type LedgerEntry =
  | { readonly gap: GapLine }
  | { readonly clock: { readonly track: string; readonly at: number; readonly offset_ms: number } }
  | { readonly lock: LockLine }
  | { readonly unlock: UnlockLine }
  | { readonly hash: HashLine }
  | { readonly chain: { readonly track: string; readonly chain: string } };

/** What a `hash` line begins with: most lines of a ledger are such, and most readers want the others. */
export const hashLineBegin = '{"hash":';

/** The next link of a chain. */
export const linkOf = (prev: string, { file, bytes, sha256 }: Pick<HashLine, 'file' | 'bytes' | 'sha256'>): string =>
  createHash('sha256').update(`${prev}\n${file}\n${bytes}\n${sha256}`).digest('hex');

export const ledgerLine = (entry: LedgerEntry): string => `${JSON.stringify(entry)}\n`;

type Unknown = Readonly<Record<string, unknown>>;

const isText = (v: unknown): v is string => typeof v === 'string';
const isTime = (v: unknown): v is number => typeof v === 'number' && Number.isFinite(v);
const isHash = (v: unknown): v is string => isText(v) && /^[0-9a-f]{64}$/.test(v);
const orNull = (v: unknown, is: (v: unknown) => boolean): boolean => v === null || is(v);

const checks: Readonly<Record<string, (e: Unknown) => boolean>> = {
  gap: e =>
    isTime(e['begin']) &&
    orNull(e['end'], isTime) &&
    (gapReasons as readonly unknown[]).includes(e['reason']) &&
    (e['filled'] === undefined || isTime(e['filled'])),
  clock: e => isTime(e['at']) && isTime(e['offset_ms']),
  lock: e =>
    isText(e['id']) &&
    isTime(e['begin']) &&
    isTime(e['end']) &&
    isText(e['reason']) &&
    orNull(e['until'], isTime) &&
    orNull(e['by'], isText) &&
    isTime(e['created']),
  unlock: e => isText(e['id']) && orNull(e['by'], isText) && isTime(e['at']),
  hash: e =>
    isText(e['file']) &&
    Number.isSafeInteger(e['bytes']) &&
    isHash(e['sha256']) &&
    (e['prev'] === '' || isHash(e['prev'])) &&
    isHash(e['chain']),
  chain: e => isHash(e['chain']),
};

/** The entry of a line; undefined for one that is torn, of a later version, or not ours. */
export function parseLedgerLine(line: string): LedgerEntry | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch (e) {
    // A line that a power cut left half written.
    if (e instanceof SyntaxError) return undefined;
    throw faultFrom(e);
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const [[name, content] = ['', undefined], more] = Object.entries(parsed);
  if (more || typeof content !== 'object' || content === null || !Object.hasOwn(checks, name)) return undefined;
  const { track } = content as Unknown;
  if (!isText(track) || !isTrackName(track) || !checks[name]?.(content as Unknown)) return undefined;
  return parsed as LedgerEntry;
}

/** What a ledger amounts to when all its lines are read, oldest month first. */
export class LedgerState {
  readonly gaps = new Map<string, GapLine>();
  readonly locks = new Map<string, LockLine>();
  /** Last link by track. */
  readonly chains = new Map<string, string>();

  take(entry: LedgerEntry): void {
    if ('gap' in entry) this.gaps.set(`${entry.gap.track} ${entry.gap.begin}`, entry.gap);
    else if ('lock' in entry) this.locks.set(`${entry.lock.track} ${entry.lock.id}`, entry.lock);
    else if ('unlock' in entry) this.locks.delete(`${entry.unlock.track} ${entry.unlock.id}`);
    else if ('hash' in entry) this.chains.set(entry.hash.track, entry.hash.chain);
    else if ('chain' in entry) this.chains.set(entry.chain.track, entry.chain.chain);
  }
}
