import { Errno, libcKill } from '../../os/libc.js';
import { cont, interrupt, skipCall, stopAtExit } from '../../os/ptrace.js';
import type { Children } from '../../policy/types.js';
import type { NoteKind } from '../../wire/guard.js';
import { readCall } from './call.js';
import { carriesHooks, imageMatches } from './image.js';
import { type Plan, planExec, stricter } from './plan.js';
import { shownWords } from './show.js';
import type { Image, Task } from './tasks.js';
import type { Door } from './traced.js';
import type { Twins } from './twins.js';

/** The life of one exec: asked at the seccomp stop, checked at the exec stop. */
export interface ExecGate {
  /** The task is stopped before execve or execveat. */
  onCall(task: Task): void;
  /** The task is stopped in its new image. */
  onImage(task: Task): void;
  /** The answer for the question the task waits on. */
  answer(task: Task, allow: boolean, children: Children): void;
  /** No answer came. */
  lost(task: Task, kind: NoteKind): void;
}

export interface ExecGateOptions {
  door: Door;
  /** The session's root directory, opened on first use. */
  rootOf(task: Task): number | undefined;
  twins: Twins;
  waiting: Map<number, Task>;
}

const SIGKILL = 9;

/** The environment may have become another since the question: what would not have been trusted is not. */
const wary = (image: Image): Image => ({ ...image, children: 'checked' });

export function createExecGate({ door, rootOf, twins, waiting }: ExecGateOptions): ExecGate {
  const refuse = (task: Task, code: number = Errno.EACCES) => {
    task.approved = undefined;
    if (skipCall(task.tid, code)) cont(task.tid);
  };

  const refuseNoting = (task: Task, kind: NoteKind, argv: readonly Buffer[] = [], code?: number) => {
    refuse(task, code);
    door.note(task, kind, argv);
  };

  const ask = (task: Task, plan: Plan, at: number, children: Children, first?: number) => {
    const part = plan.parts[at];
    const { session, tid, image } = task;
    const under = part?.part === 'interpreter' ? 'trusted' : image.children;
    const q = part && door.ask({ session, pid: tid, part, plan, image, children: under, first });
    if (q === undefined) {
      refuse(task);
      return;
    }
    task.pending = { plan, part: at, children, image: first ?? q, q };
    waiting.set(q, task);
  };

  const allow = (task: Task, plan: Plan, image: Image, launcher: boolean) => {
    task.approved = { plan, image, launcher };
    cont(task.tid);
  };

  /** The launcher's own images, each once and in order, before anything of the session's. */
  const launcherStep = (task: Task, plan: Plan) => {
    const { step, steps } = task.session;
    if (steps[step] !== plan.exe) return refuseNoting(task, 'launcher');
    const last = step === steps.length - 1;
    const argv = last ? shownWords(plan.parts[0]?.argv ?? []) : [];
    allow(task, plan, { id: 0, argv, children: last ? 'checked' : 'none', fromShell: last }, true);
  };

  const settle = (task: Task) => {
    const { pending } = task;
    task.pending = undefined;
    if (pending) waiting.delete(pending.q);
    return pending;
  };

  return {
    onCall(task) {
      task.approved = undefined;
      const { session, tid } = task;
      if (session.command === 0) {
        session.command = tid;
        interrupt(session.outer);
      }
      const call = readCall(tid, task.image.children === 'trusted');
      if (call === 'other') return refuse(task, Errno.ENOSYS);
      if (call === 'too-long') return refuseNoting(task, 'too-long', [], Errno.E2BIG);
      if (call === 'unreadable') return refuseNoting(task, 'unreadable');
      const root = rootOf(task);
      if (root === undefined) return refuseNoting(task, 'unreadable', call.argv);
      const plan = planExec({ root, pid: tid, trust: session.trust, twins }, call);
      if (plan === 'absent') {
        cont(tid);
        return;
      }
      if (typeof plan === 'string') return refuseNoting(task, plan, call.argv);
      if (tid === session.command && session.step < session.steps.length) launcherStep(task, plan);
      else if (session.sealed) refuseNoting(task, 'launcher', call.argv);
      else ask(task, plan, 0, 'trusted');
    },

    onImage(task) {
      const { approved, session, tid } = task;
      task.approved = undefined;
      if (approved?.revoked) {
        libcKill(tid, SIGKILL);
        door.ended(session, approved.image.id);
        return;
      }
      if (!approved || !imageMatches(tid, approved.plan)) {
        libcKill(tid, SIGKILL);
        door.note(task, 'mismatch', approved?.plan.parts[0]?.argv ?? []);
        return;
      }
      const before = task.image.children === 'trusted';
      const { image } = approved;
      task.image = image.children === 'trusted' && carriesHooks(tid, before) ? wary(image) : image;
      if (approved.launcher) {
        session.step += 1;
        if (session.step === session.steps.length && tid === session.command) task.stopsAtExit = stopAtExit(tid, true);
      }
      cont(tid);
    },

    answer(task, allowed, children) {
      const pending = settle(task);
      if (!pending) return;
      if (!allowed) return refuse(task);
      const { plan, part } = pending;
      // The interpreter's own word does not count: its rows were not asked for an allow.
      const word =
        plan.parts[part]?.part === 'interpreter'
          ? pending.children
          : part === 0
            ? children
            : stricter(pending.children, children);
      if (part + 1 < plan.parts.length) return ask(task, plan, part + 1, word, pending.image);
      const argv = shownWords(plan.parts[0]?.argv ?? []);
      allow(task, plan, { id: pending.image, argv, children: word, fromShell: false }, false);
    },

    lost(task, kind) {
      const pending = settle(task);
      if (pending) refuseNoting(task, kind, pending.plan.parts[0]?.argv);
    },
  };
}
