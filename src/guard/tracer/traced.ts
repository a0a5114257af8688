import type { Children } from '../../policy/types.js';
import type { ExitStatus, NoteKind } from '../../wire/guard.js';
import type { Census } from './census.js';
import type { Part, Plan } from './plan.js';
import type { Image, Task } from './tasks.js';
import type { Trust } from './trust.js';

/** A session as the tracer sees it. The callbacks may not throw. */
export interface Traced {
  readonly sid: string;
  readonly trust: Trust;
  /** Identities of the launcher's own images, in order: each is approved once, to the first process that execs. */
  readonly steps: readonly string[];
  /** After those it may start nothing. */
  readonly sealed: boolean;
  /** Steps taken so far. */
  step: number;
  /** The isolating program itself; 0 until started. Frozen once the session's command exists. */
  outer: number;
  /** First process of the namespace; 0 until it exists. */
  init: number;
  /** The process that became the session's command; 0 until its first exec. */
  command: number;
  /** The namespace's root directory, once known. */
  root: number | undefined;
  /** Threads alive, the isolating program's included. */
  tasks: number;
  /** Processes and threads there may be besides the isolating program's; undefined: any number. */
  readonly processes: number | undefined;
  /** Since it was attached, where there is such a limit. */
  census: Census | undefined;
  /** The namespace's first process exists, stopped or about to be. */
  onInit(pid: number): void;
  /** The isolating program was reaped: its pid means nothing any more. */
  onOuterGone(): void;
  /**
   * The command begins to exit. True: it is held there until `release`, because when the leader of a terminal's
   * session exits the kernel hangs the terminal up and drops the output nobody has read yet.
   */
  onExit(status: ExitStatus): boolean;
  /** Programs of it were ended by order: a child that nobody announces may be one of theirs. */
  programsEnded: boolean;
  /** The command is held at its exit. */
  held: boolean;
  /** The last task was reaped. */
  onGone(): void;
}

/** A question for the door. */
export interface Question {
  session: Traced;
  pid: number;
  part: Part;
  plan: Plan;
  image: Image;
  children: Children;
  /** The number of the first question about this exec; absent: this one's. */
  first: number | undefined;
}

/** Where the tracer's questions and news go. */
export interface Door {
  /** Sends the question; the number verdicts will name, or undefined when nobody can be asked. */
  ask(question: Question): number | undefined;
  /** An image begun after it was taken back was killed before it ran an instruction. */
  ended(session: Traced, image: number): void;
  /** The guard refused or killed by itself. `argv` is what was to run, as far as it is known. */
  note(task: Task, kind: NoteKind, argv: readonly Buffer[]): void;
  /** The task of a held question is gone. */
  lost(session: Traced, q: number): void;
  /** The session has as many processes as it may: no more are started. */
  full(session: Traced, processes: number): void;
}
