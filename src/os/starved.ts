import { readFileSync } from 'node:fs';

/** Of the time since the last look, the share of a CPU below which a process that wants to run is kept from it. */
const STARVED_SHARE = 0.25;

/**
 * Tells a process that hangs from one that does not get to run: one that waits for a CPU and had little of any since the
 * last call. Looks at the first thread. Returns false when it cannot be told, and the first time.
 */
export function starvation(pid: number, mono: () => number): () => boolean {
  let ranMs = Number.NaN;
  let at = mono();
  return () => {
    const now = mono();
    const ran = ranOf(pid);
    const starved = ran - ranMs < STARVED_SHARE * (now - at) && isRunnable(pid);
    ranMs = ran;
    at = now;
    return starved;
  };
}

/** Time on a CPU, ms; NaN where the kernel does not count it. */
const ranOf = (pid: number): number => Number(/^\d+/.exec(read(`/proc/${pid}/schedstat`))?.[0] ?? Number.NaN) / 1e6;

/** The name, in parentheses, may hold anything. */
const isRunnable = (pid: number): boolean => / R [^)]*$/.test(read(`/proc/${pid}/stat`));

/** Empty for a process that is gone. */
function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
