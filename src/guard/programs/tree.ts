import { setImmediate } from 'node:timers/promises';
import { MAX_TREE, type TreeProcess } from '../../wire/guard.js';
import type { Task } from '../tracer/tasks.js';
import { statusOf } from './proc.js';

/** Threads looked at for one tree; the rest are counted, not shown. */
const MAX_LOOKS = 10_000;
/** Processes looked at before execs get their turn: about a millisecond. */
const PIECE = 50;

/** The processes of a session, the isolating program and its first child left out; `more` were not looked at. */
export async function treeOf(
  tasks: ReadonlyMap<number, Task>,
  sid: string,
): Promise<{ processes: TreeProcess[]; more: number }> {
  const mine = [...tasks.values()].filter(
    ({ tid, session, image }) => session.sid === sid && image.id >= 0 && tid !== session.outer && tid !== session.init,
  );
  const processes: TreeProcess[] = [];
  let looked = 0;
  for (const task of mine) {
    if (looked === MAX_LOOKS || processes.length === MAX_TREE) break;
    looked += 1;
    if (looked % PIECE === 0) await setImmediate();
    const status = statusOf(task.tid);
    if (status?.tgid !== task.tid) continue;
    const { id, argv } = task.image;
    const { ppid, inner } = status;
    processes.push({ pid: task.tid, ppid, inner, image: id, ...(id === 0 ? { argv: [...argv] } : {}) });
  }
  return { processes, more: mine.length - looked };
}
