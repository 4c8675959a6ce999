/** What a process and its children cost: CPU time and memory, from /proc (proc(5)). */
import { readdirSync, readFileSync } from 'node:fs';

/** USER_HZ: 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;

interface Cpu {
  readonly userSeconds: number;
  readonly systemSeconds: number;
}

function statOf(pid: number): { parent: number; cpu: Cpu } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name may hold spaces and brackets: fields are counted from its closing bracket; the next one is field 3.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const ticks = (n: number): number => Number(fields[n - 3]) / ticksPerSecond;
    return {
      parent: Number(fields[1]),
      cpu: { userSeconds: ticks(14) + ticks(16), systemSeconds: ticks(15) + ticks(17) },
    };
  } catch {
    return undefined; // ended meanwhile
  }
}

/** The process and all its descendants. */
export function treeOf(root: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    const found = Number.isInteger(pid) ? statOf(pid) : undefined;
    if (found) parents.set(pid, found.parent);
  }
  const tree = [root];
  for (const pid of tree) for (const [child, parent] of parents) if (parent === pid) tree.push(child);
  return tree;
}

/** User and system time of the tree so far, with children that have ended. */
export function cpuOf(pids: readonly number[]): Cpu {
  const all = pids.flatMap(root => treeOf(root)).map(pid => statOf(pid)?.cpu ?? { userSeconds: 0, systemSeconds: 0 });
  return {
    userSeconds: all.reduce((n, c) => n + c.userSeconds, 0),
    systemSeconds: all.reduce((n, c) => n + c.systemSeconds, 0),
  };
}

/** Proportional set size of the tree, bytes. */
export function pssBytesOf(pids: readonly number[]): number {
  let kilobytes = 0;
  for (const pid of pids.flatMap(root => treeOf(root))) {
    try {
      kilobytes += Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))?.[1] ?? 0);
    } catch {
      // ended meanwhile
    }
  }
  return kilobytes * 1024;
}
