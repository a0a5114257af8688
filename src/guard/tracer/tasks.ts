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
}

/** Before the first program of a session: it may start nothing but the launcher's own steps. */
export const LAUNCHER: Image = Object.freeze({ id: 0, argv: [], children: 'none', fromShell: false });

export function newTask(tid: number, session: Traced, image: Image): Task {
  return { tid, session, image, approved: undefined, pending: undefined, stopsAtExit: false };
}
