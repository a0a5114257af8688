/** When processes died, to a fraction of a ms, as seen by a process of its own that sleeps until they do. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { onCleanup, stopTree } from './cleanup.mjs';
import { benchFile } from './paths.mjs';
import { until } from './stats.mjs';

export function startDeathWatch() {
  const child = spawn(process.execPath, [benchFile('lib/death-watch.mjs')], { stdio: ['pipe', 'pipe', 'inherit'] });
  onCleanup(() => stopTree(child));
  const deaths = new Map();
  const seen = new Set();
  let orders = 0;
  createInterface({ input: child.stdout }).on('line', (line) => {
    const { pids, at, watching } = JSON.parse(line);
    if (watching !== undefined) seen.add(watching);
    else for (const pid of pids) deaths.set(pid, at);
  });
  return {
    /** Resolves when they are watched. */
    async watch(pids) {
      // Numbers are used again.
      for (const pid of pids) deaths.delete(pid);
      const id = ++orders;
      child.stdin.write(`${JSON.stringify({ pids, id })}\n`);
      await until(() => seen.has(id) || undefined, 'death watch', { every: 2 });
    },
    /** Resolves with the ms at which the last of them died. */
    lastDeath: (pids, timeout = 30_000) =>
      until(
        () => (pids.every((pid) => deaths.has(pid)) ? Math.max(...pids.map((pid) => deaths.get(pid))) : undefined),
        `death of ${pids.filter((pid) => !deaths.has(pid)).join(', ')}`,
        { timeout, every: 5 },
      ),
  };
}
