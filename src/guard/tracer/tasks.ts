import { libcKill } from '../../os/libc.js';
import type { Children } from '../../policy/types.js';
import type { Plan } from './plan.js';
import type { Traced } from './traced.js';

/** What a process runs and under which word; shared by its threads and by what it forks. Never changed in place. */
export interface Image {
  /** The number of the first question about it; 0 before any: the launcher's and the session's own shell. */
  id: number;
  /** As shown to people: bounded. */
  argv: readonly string[];
  children: Children;
  /** True for the session's own shell and its forks. */
  fromShell: boolean;
}

/** An exec let go: what the image must be, and what it will run under. */
export interface Approval {
  plan: Plan;
  image: Image;
  /** The launcher's own step, not a session's program. */
  launcher: boolean;
  /** Taken back since: should the image begin, it is killed at its first stop. */
  revoked?: true;
}

/** A question on its way, about the exec a task is stopped at. */
export interface Pending {
  plan: Plan;
  /** Index into plan.parts of the part being asked about. */
  part: number;
  children: Children;
  /** The image's id, should it come to be. */
  image: number;
  q: number;
  /** It waits for a person: no answer is late. */
  held?: true;
}

/** One traced thread. */
export interface Task {
  readonly tid: number;
  readonly session: Traced;
  image: Image;
  approved: Approval | undefined;
  pending: Pending | undefined;
  /** Inherited the stop at exit from the session's command; taken off at its first stop. */
  stopsAtExit: boolean;
  /** A vfork's child before its exec: the stop signal kept from it until then, or 0. */
  heldStop?: number | undefined;
}

const SIGCONT = 18;
/** SIGTSTP, SIGTTIN, SIGTTOU: what a terminal stops a job with. */
const JOB_STOPS = new Set([20, 21, 22]);

/**
 * The signal, or 0 when it is not to be delivered now. A vfork's child that stops leaves its parent waiting where nothing
 * stops or ends it, and the shell with it; the time from vfork to exec, short by itself, is longer under a gate. So ^Z
 * reaches the child after its exec.
 */
export function deliverable(task: Task, signal: number): number {
  if (task.heldStop === undefined) return signal;
  if (signal === SIGCONT) task.heldStop = 0;
  if (!JOB_STOPS.has(signal)) return signal;
  task.heldStop = signal;
  return 0;
}

/** At the exec of a vfork's child: what was kept from it is sent. */
export function stopAtLast(task: Task): void {
  const signal = task.heldStop;
  task.heldStop = undefined;
  if (signal) libcKill(task.tid, signal);
}

/** The child of a program that was ended before the fork was reported: nobody can say which, and it is killed unrun. */
export const ORPHAN: Image = Object.freeze({ id: -1, argv: [], children: 'none', fromShell: false });
/** Before the first program of a session: it may start nothing but the launcher's own steps. */
export const LAUNCHER: Image = Object.freeze({ id: 0, argv: [], children: 'none', fromShell: false });

export function newTask(tid: number, session: Traced, image: Image): Task {
  return { tid, session, image, approved: undefined, pending: undefined, stopsAtExit: false };
}
