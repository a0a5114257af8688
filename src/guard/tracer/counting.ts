import { readFileSync } from 'node:fs';
import { Errno, errno, libcKill } from '../../os/libc.js';
import { Resource, setSoftLimit, softLimit } from '../../os/limits.js';
import { slackOf } from '../launch/limits.js';
import { type Census, createCensus, type ProcessSystem } from './census.js';
import type { Door, Traced } from './traced.js';

const SIGKILL = 9;
/** The isolating program and the namespace's first process. */
const LAUNCHERS = 2;

/** The census of a session; undefined where its number of processes has no limit. */
export function censusOf(
  session: Traced,
  { isTask, door }: { isTask(tid: number): boolean; door: Door },
): Census | undefined {
  const { processes } = session;
  if (processes === undefined) return undefined;
  return createCensus({
    limit: processes,
    slack: slackOf(processes),
    alive: () => session.tasks - LAUNCHERS,
    isTask,
    full: () => door.full(session, processes),
    system,
  });
}

const system: ProcessSystem = {
  kill: (tid) => void libcKill(tid, SIGKILL),
  exists: (tid) => libcKill(tid, 0) || errno() !== Errno.ESRCH,
  isZombie: (tid) => /^\d+ \(.*\) [ZX] /s.test(read(`/proc/${tid}/stat`)),
  processOf: (tid) => Number(/^Tgid:\t(\d+)/m.exec(read(`/proc/${tid}/status`))?.[1] ?? tid),
  cap(pid) {
    const before = softLimit(pid, Resource.processes);
    return before !== undefined && setSoftLimit(pid, Resource.processes, 0) ? before : undefined;
  },
  uncap: (pid, before) => void setSoftLimit(pid, Resource.processes, before),
};

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
