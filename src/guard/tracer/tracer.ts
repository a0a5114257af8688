import { readdirSync, readFileSync } from 'node:fs';
import { machine } from '../../os/arch.js';
import { closeFd } from '../../os/fd.js';
import { openPath } from '../../os/files.js';
import { libcKill } from '../../os/libc.js';
import * as pt from '../../os/ptrace.js';
import { signalName } from '../../os/signals.js';
import type { Children } from '../../policy/types.js';
import type { ExitStatus } from '../../wire/guard.js';
import type { HoldUp } from '../holdup.js';
import { censusOf } from './counting.js';
import { createExecGate } from './exec.js';
import { createForsaken } from './forsaken.js';
import { deliverable, LAUNCHER, newTask, ORPHAN, stopAtLast, type Task } from './tasks.js';
import type { Door, Traced } from './traced.js';
import type { Twins } from './twins.js';

/** What was handled of the reports there were. */
export type Drained = 'nothing' | 'all' | 'some';

/**
 * Follows every process of every session. Stops are handled one at a time, in the order the kernel reports them;
 * any of them may find its process gone, which its death, reported later, clears up.
 */
export interface Tracer {
  /** Attaches to the isolating program, which waits for its arguments. Throws when the kernel forbids it. */
  attach(session: Traced, pid: number): void;
  /** Handles at most `bound` reports, and no more once `due` says so. */
  drain(bound: number, due: () => boolean): Drained;
  answer(q: number, allow: boolean, children: Children): void;
  /** Keeps the process of a question waiting past that; the task, or undefined when nothing waits on it. */
  hold(q: number): Task | undefined;
  /** Refuses what has waited for an answer since before question number `q`, and is not held. */
  expire(q: number): void;
  /** Lets sessions fork again that have room again, and whom it held back go on. */
  relax(): void;
  /** Lets a command held at its exit go on. */
  release(session: Traced): void;
  /** Questions without an answer. */
  readonly waiting: number;
  /** Sees to children whose parent was killed before it could announce them. */
  adoptOrphans(): void;
  /** Every traced thread, by its number. */
  readonly tasks: ReadonlyMap<number, Task>;
  /** Threads of the session alive, the isolating programs' not among them. */
  others(session: Traced): number[];
}

const SIGKILL = 9;
const SIGSTOP = 19;
const SIGTSTP = 20;
const SIGTTIN = 21;
const SIGTTOU = 22;
const FORKS: ReadonlySet<number> = new Set([pt.Event.fork, pt.Event.vfork, pt.Event.clone]);
const GROUP_STOPS = new Set([SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU]);

export interface TracerOptions {
  door: Door;
  twins: Twins;
  holdUp: HoldUp;
  /** A child that is not traced (line-only sessions) ended. */
  onChild(pid: number, status: ExitStatus): void;
}

export function createTracer({ door, twins, holdUp, onChild }: TracerOptions): Tracer {
  const tasks = new Map<number, Task>();
  /** Children that stopped before their parent's fork was reported: kept stopped until it is. */
  const strangers = new Map<number, number>();
  const forsaken = createForsaken(strangers);
  const waiting = new Map<number, Task>();
  const gate = createExecGate({ door, rootOf, twins, waiting });

  const sessions = new Set<Traced>();
  /** Held back at a fork until the next `relax`. */
  const paused = new Set<number>();

  /** True when the parent is to be held back. */
  const adopt = (tid: number, parent: Task, thread = false): boolean => {
    const { session } = parent;
    if (tasks.has(tid)) return false;
    tasks.set(tid, { ...newTask(tid, session, parent.image), stopsAtExit: parent.stopsAtExit });
    session.tasks += 1;
    const hold = session.census?.born(tid, parent.tid, thread) ?? false;
    if (parent.tid === session.outer && session.init === 0) {
      session.init = tid;
      session.onInit(tid);
    }
    const status = strangers.get(tid);
    if (status === undefined) return hold;
    strangers.delete(tid);
    onReport(tid, status);
    return hold;
  };

  const forget = (task: Task) => {
    tasks.delete(task.tid);
    task.session.tasks -= 1;
    const { pending } = task;
    if (pending) waiting.delete(pending.q);
    if (pending?.held) door.lost(task.session, pending.q);
    task.pending = undefined;
  };

  const onDeath = (tid: number, status: number) => {
    strangers.delete(tid);
    const task = tasks.get(tid);
    if (!task) {
      onChild(tid, statusOf(status));
      return;
    }
    forget(task);
    const { session } = task;
    session.census?.died(tid);
    if (tid === session.outer) session.onOuterGone();
    if (tid === session.command) {
      session.held = false;
      session.onExit(statusOf(status));
    }
    adoptOrphans();
    if (session.tasks > 0) return;
    sessions.delete(session);
    session.onGone();
  };

  /**
   * A parent killed between its fork and the report of it leaves a child nobody announces: it may start nothing, and is
   * killed where it may be a fork of a program that was ended.
   */
  const adoptOrphans = () => {
    for (const tid of [...strangers.keys()]) {
      const session = ownerOf(tid);
      if (!session) continue;
      if (session.programsEnded) libcKill(tid, SIGKILL);
      adopt(tid, newTask(0, session, session.programsEnded ? ORPHAN : LAUNCHER));
    }
  };

  const ownerOf = (tid: number): Traced | undefined => {
    const parent = tasks.get(parentOf(tid));
    return parent && parent.tid === parent.session.init ? parent.session : undefined;
  };

  /** An exec from a thread takes over the leader's number; the other threads are gone or going. */
  const onExec = (tid: number, task: Task | undefined) => {
    if (task) stopAtLast(task);
    // posix_spawn returns a little before the exec it waits for is over.
    if (task && tid === task.session.outer && task.session.init === 0) {
      pt.cont(tid);
      return;
    }
    const former = pt.eventMessage(tid);
    if (former === undefined || former === tid) {
      if (task) gate.onImage(task);
      return;
    }
    const thread = tasks.get(former);
    if (!thread) return;
    forget(thread);
    if (task) forget(task);
    const merged: Task = { ...newTask(tid, thread.session, thread.image), approved: thread.approved };
    tasks.set(tid, merged);
    merged.session.tasks += 1;
    if (tid === merged.session.command) merged.stopsAtExit = pt.stopAtExit(tid, true);
    gate.onImage(merged);
  };

  const onStop = (task: Task, event: number, signal: number) => {
    const { tid, session } = task;
    if (event === pt.Event.exit) return onExiting(task);
    if (task.stopsAtExit && tid !== session.command) task.stopsAtExit = !pt.stopAtExit(tid, false);
    if (event === pt.Event.seccomp) gate.onCall(task);
    else if (event === pt.Event.stop && GROUP_STOPS.has(signal)) pt.listen(tid);
    // Frozen for good: its exit would take the namespace along before the last output is out.
    else if (event === pt.Event.stop && tid === session.outer && session.command !== 0) return;
    else if (event === 0) pt.cont(tid, deliverable(task, signal));
    else if (FORKS.has(event)) onFork(task, event);
    else pt.cont(tid);
  };

  const onFork = (task: Task, event: number) => {
    const child = pt.eventMessage(task.tid);
    const hold = child !== undefined && adopt(child, task, event === pt.Event.clone);
    const born = tasks.get(child ?? 0);
    if (born && event === pt.Event.vfork) born.heldStop = 0;
    if (hold) paused.add(task.tid);
    else pt.cont(task.tid);
  };

  /** A process outlives its first thread when that one alone exits, and when another thread execs. */
  const livesOn = (tid: number): boolean => {
    const others = threadsOf(tid).filter((thread) => thread !== tid);
    if (others.length === 0) return false;
    // exit(2) ends one thread, exit_group(2) all.
    return pt.callOf(tid) === machine.calls.exit || others.some((thread) => tasks.get(thread)?.approved);
  };

  const onExiting = (task: Task) => {
    const { tid, session } = task;
    const status = pt.eventMessage(tid);
    if (tid === session.command && status !== undefined && !livesOn(tid)) {
      session.held = true;
      if (session.onExit(statusOf(status))) return;
      session.held = false;
    }
    pt.cont(tid);
  };

  const onReport = (tid: number, status: number) => {
    paused.delete(tid);
    if (pt.exited(status) || pt.signaled(status)) return onDeath(tid, status);
    const task = tasks.get(tid);
    const event = pt.stopEvent(status);
    if (event === pt.Event.exec) return onExec(tid, task);
    if (!task) strangers.set(tid, status);
    else onStop(task, event, pt.stopSignal(status));
  };

  /** One report; what holds the guard up with it ends. */
  const handle = (tid: number, status: number) => {
    const task = tasks.get(tid);
    holdUp.begin(task ? task.session.init || task.session.outer : 0);
    onReport(tid, status);
    if (holdUp.done() && task) door.note(task, 'held-up', []);
  };

  return {
    attach(session, pid) {
      pt.seize(pid);
      sessions.add(session);
      session.census = censusOf(session, { isTask: (tid) => tasks.has(tid), door });
      session.outer = pid;
      session.tasks = 1;
      tasks.set(pid, newTask(pid, session, LAUNCHER));
    },
    drain(bound, due) {
      for (let i = 0; i < bound; i += 1) {
        const more = pt.waitAny();
        forsaken.heard(!more);
        if (!more) return i === 0 ? 'nothing' : 'all';
        handle(pt.found.pid, pt.found.status);
        if (due()) return 'some';
      }
      return 'some';
    },
    answer(q, allow, children) {
      const task = waiting.get(q);
      if (task) gate.answer(task, allow, children);
    },
    hold(q) {
      const task = waiting.get(q);
      if (task?.pending) task.pending = { ...task.pending, held: true };
      return task;
    },
    expire(q) {
      for (const [number, task] of waiting) {
        if (number >= q) return;
        if (!task.pending?.held) gate.lost(task, 'timeout');
      }
    },
    relax() {
      for (const tid of forsaken.look()) libcKill(tid, SIGKILL);
      for (const { census } of sessions) census?.relax();
      for (const tid of paused) pt.cont(tid);
      paused.clear();
    },
    release(session) {
      if (!session.held) return;
      session.held = false;
      pt.cont(session.command);
    },
    adoptOrphans,
    tasks,
    get waiting() {
      return waiting.size;
    },
    others(session) {
      const { outer, init } = session;
      return [...tasks.values()]
        .filter((t) => t.session === session && t.tid !== outer && t.tid !== init)
        .map((t) => t.tid);
    },
  };
}

/** All processes of a session share one root: chroot and mount namespaces are denied to them. */
function rootOf(task: Task): number | undefined {
  const { session } = task;
  if (session.root === undefined) {
    const fd = openPath(`/proc/${task.tid}/root`);
    if (fd >= 0) session.root = fd;
  }
  return session.root;
}

export function closeRoot(session: Traced): void {
  if (session.root !== undefined) closeFd(session.root);
  session.root = undefined;
}

function statusOf(status: number): ExitStatus {
  return pt.exited(status) ? { code: pt.exitCode(status) } : { signal: signalName(pt.termSignal(status)) };
}

function threadsOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch {
    return [];
  }
}

function parentOf(tid: number): number {
  let text = '';
  try {
    text = readFileSync(`/proc/${tid}/status`, 'utf8');
  } catch {
    // Gone meanwhile.
  }
  return Number(/^PPid:\t(\d+)/m.exec(text)?.[1] ?? 0);
}
