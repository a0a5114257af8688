import { readFileSync } from 'node:fs';

/** Processes looked at in one tree: what dies is counted in tens. */
const MAX_LOOKED_AT = 64;

/**
 * Tells a process that dies slowly, because the machine is busy, from one that something holds: of its tree, or of `helpers`,
 * a process wants a CPU or waits for a disk. Returns false when it cannot be told.
 */
export function isMoving(pidfd: number, helpers: readonly number[]): boolean {
  const seen = [...helpers, pidOf(pidfd)].filter((pid) => pid > 0);
  for (let i = 0; i < seen.length && i < MAX_LOOKED_AT; i += 1) {
    const pid = seen[i] ?? 0;
    if (/^[RD]$/.test(stateOf(pid))) return true;
    if (i >= helpers.length) seen.push(...childrenOf(pid));
  }
  return false;
}

/** As this process's namespace numbers it; -1 once it is reaped. */
const pidOf = (pidfd: number): number => Number(/^Pid:\s*(-?\d+)/m.exec(read(`/proc/self/fdinfo/${pidfd}`))?.[1] ?? -1);

/** The name, in parentheses, may hold anything. */
const stateOf = (pid: number): string => / (\S) [^)]*$/.exec(read(`/proc/${pid}/stat`))?.[1] ?? '';

const childrenOf = (pid: number): number[] =>
  (read(`/proc/${pid}/task/${pid}/children`).match(/\d+/g) ?? []).map(Number);

/** Empty for a process that is gone. */
function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
