/** What the broker's processes themselves have used of the CPUs. */
import { readdirSync, readFileSync } from 'node:fs';
import { argvOf, treeOf } from './processes.mjs';

/** { keeper, door, guard, viewer } in ms, all threads; nothing for a contender that is not a broker. */
export function gateCpu(contender) {
  if (contender?.name !== 'sallyport') return undefined;
  const used = { keeper: 0, door: 0, guard: 0, viewer: 0 };
  for (const pid of treeOf(contender.pid)) {
    const argv = (argvOf(pid) ?? []).join(' ');
    if (pid === contender.pid) used.keeper += cpuOf(pid);
    else if (argv.includes('door/main.js')) used.door += cpuOf(pid);
    else if (argv.includes('guard/main.js')) used.guard += cpuOf(pid);
    else if (argv.includes('watch/main.js')) used.viewer += cpuOf(pid);
  }
  return used;
}

export const cpuSince = (now, then) =>
  Object.fromEntries(Object.entries(now ?? {}).map(([name, value]) => [name, value - then[name]]));

function cpuOf(pid) {
  let ns = 0;
  for (const tid of readdirSync(`/proc/${pid}/task`)) {
    try {
      ns += Number(readFileSync(`/proc/${pid}/task/${tid}/schedstat`, 'utf8').split(' ')[0]);
    } catch {}
  }
  return ns / 1e6;
}
