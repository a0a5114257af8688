import type { Clock } from '../core/clock.js';
import { messageOf } from '../core/errors.js';
import { closeFd } from '../os/fd.js';
import { recvFds, sendFds } from '../os/lane.js';
import {
  ASK_TIMEOUT_MS,
  BEAT_MS,
  type DoorToGuard,
  type GuardToDoor,
  type GuardToKeeper,
  type KeeperToGuard,
  type LaunchOrder,
} from '../wire/guard.js';
import { createHoldUp } from './holdup.js';
import { findTools, type Tools } from './launch/tools.js';
import { holdsTerminalOf } from './programs/proc.js';
import { createPrograms } from './programs/programs.js';
import { type GuardSession, startSession } from './session.js';
import { askedWords, shownWords } from './tracer/show.js';
import type { Door } from './tracer/traced.js';
import { createTracer, type Drained } from './tracer/tracer.js';
import { createTwins } from './tracer/twins.js';

/** How the guard speaks; the links and lanes behind it are the caller's. */
export interface GuardPorts {
  clock: Clock;
  keeper(message: GuardToKeeper): void;
  door(message: GuardToDoor): void;
  keeperLane: number;
  doorLane: number;
  /** Ends this process, and with it every session. */
  die(reason: string): void;
}

export interface Guard {
  onKeeper(message: KeeperToGuard): void;
  onDoor(message: DoorToGuard): void;
  /** Handles reports of processes, at most a bound of them. */
  turn(): Drained;
}

/** Sessions one guard runs at most. */
const MAX_SESSIONS = 2_000;
/** Reports handled before other work gets its turn. */
const TURN = 256;
/** No report is begun after this: one exec with a huge argv takes tens of milliseconds, and beats must go out. ms */
const TURN_MS = 10;
/** How often overdue asks, and sessions with room again, are looked for, ms. */
const SWEEP_MS = 250;
/** How long a question may stand at a terminal that its program has left to another. Unit: ms. */
const FRONT_MS = 50;

export function createGuard(ports: GuardPorts, wake: () => void): Guard {
  const { clock } = ports;
  const sessions = new Map<string, GuardSession>();
  let hello: Extract<KeeperToGuard, { type: 'hello' }> | undefined;
  let tools: Tools | undefined;
  let lastQ = 0;

  const door: Door = {
    ask({ session, pid, part, plan, image, children, first }) {
      lastQ += 1;
      programs.asked(lastQ, session.sid);
      const asked = askedWords(part.argv);
      ports.door({
        // The numbers first: the rest is often as it was before.
        ...{ type: 'ask', q: lastQ, pid, image: first ?? lastQ, under: image.id },
        sid: session.sid,
        program: part.program,
        ...asked,
        parent: [...image.argv],
        children,
        fromShell: image.fromShell,
        hooks: plan.hooks,
        part: part.part,
        ...(plan.script ? { script: plan.script } : {}),
      });
      return lastQ;
    },
    ended: (session, image) =>
      ports.door({ type: 'images-ended', sid: session.sid, n: 0, images: [image], front: false }),
    lost: ({ sid }, q) => ports.door({ type: 'lost', sid, q }),
    full: ({ sid }, processes) => ports.door({ type: 'full', sid, processes }),
    note: ({ session, tid, image }, kind, argv) =>
      ports.door({
        type: 'note',
        sid: session.sid,
        pid: tid,
        kind,
        argv: shownWords(argv),
        parent: [...image.argv],
      }),
  };

  const tracer = createTracer({
    door,
    twins: createTwins(clock),
    holdUp: createHoldUp(),
    onChild: (pid, status) => {
      for (const session of sessions.values()) if (session.childEnded(pid, status)) return;
    },
  });

  const programs = createPrograms(tracer, ports.door);
  clock.every(SWEEP_MS, programs.sweep);
  sweepAsks(clock, () => lastQ, tracer.expire);
  clock.every(SWEEP_MS, tracer.relax);

  const fail = ({ sid }: LaunchOrder, reason: string) => {
    const failed = { type: 'failed', sid, message: reason.slice(0, 1000) } as const;
    ports.keeper(failed);
    ports.door(failed);
  };

  const launch = (order: LaunchOrder) => {
    // Whatever becomes of it: the next packet on the lane is the next order's.
    const handed = order.administration ? recvFds(ports.keeperLane, order.administration.token) : [];
    try {
      if (!hello || !tools) throw new Error('not greeted yet');
      if (sessions.has(order.sid)) throw new Error('this session runs already');
      if (sessions.size >= MAX_SESSIONS) throw new Error('too many sessions');
      const { sid } = order;
      const context = {
        clock,
        isolation: hello.isolation,
        home: hello.home,
        tools,
        tracer: hello.gate === 'exec' ? tracer : undefined,
        cgroup: hello.cgroup,
        wake,
      };
      let launched = false;
      const session = startSession(context, order, handed, {
        launched(pidfd, fds) {
          launched = true;
          const token = `l-${sid}`;
          sendFds(ports.keeperLane, token, [pidfd]);
          ports.keeper({ type: 'launched', sid, token });
          sendFds(
            ports.doorLane,
            token,
            fds.map(([, fd]) => fd),
          );
          ports.door({ type: 'started', sid, token, names: fds.map(([name]) => name) });
        },
        exited: (status) => ports.door({ type: 'exited', sid, status }),
        gone(complaint) {
          sessions.delete(sid);
          if (!launched) return fail(order, `the session could not be set up: ${complaint || 'bwrap ended'}`);
          ports.door({ type: 'gone', sid });
          ports.keeper({ type: 'gone', sid });
        },
      });
      sessions.set(sid, session);
    } catch (error) {
      fail(order, messageOf(error));
    } finally {
      handed.forEach(closeFd);
    }
  };

  /** Held in the foreground: the door asks about one of them there. */
  const fronts = new Map<number, string>();
  const hold = ({ sid, q }: Extract<DoorToGuard, { type: 'hold' }>) => {
    const task = tracer.hold(q);
    if (task?.session.sid !== sid) return ports.door({ type: 'lost', sid, q });
    const front = holdsTerminalOf(task.session.command, task.tid);
    if (front) fronts.set(q, sid);
    ports.door({ type: 'held', sid, q, front });
  };
  clock.every(FRONT_MS, () => {
    for (const [q, sid] of fronts) {
      const task = tracer.hold(q);
      if (task && holdsTerminalOf(task.session.command, task.tid)) continue;
      fronts.delete(q);
      if (task) ports.door({ type: 'held', sid, q, front: false });
    }
  });

  return {
    onKeeper(message) {
      if (message.type === 'launch') launch(message);
      else if (message.type === 'end') sessions.get(message.sid)?.end();
      else if (hello) ports.die('greeted twice');
      else {
        const found = findTools();
        if ('missing' in found) return ports.die(`missing programs: ${found.missing.join(', ')}`);
        tools = found.tools;
        hello = message;
        ports.keeper({ type: 'ready' });
        clock.every(BEAT_MS, () => ports.keeper({ type: 'beat' }));
      }
    },
    onDoor(message) {
      if (message.type === 'verdict') tracer.answer(message.q, message.allow, message.children);
      else if (message.type === 'hold') hold(message);
      else if (message.type === 'end-images') programs.end(message);
      else if (message.type === 'tree') void programs.tree(message);
      else sessions.get(message.sid)?.end();
    },
    turn() {
      const until = clock.mono() + TURN_MS;
      const drained = tracer.drain(TURN, () => clock.mono() >= until);
      programs.settle();
      return drained;
    },
  };
}

/** Refuses every ask that is older than it may be, in steps of the sweep. */
function sweepAsks(clock: Clock, newest: () => number, expire: (before: number) => void): void {
  const marks: number[] = [];
  clock.every(SWEEP_MS, () => {
    marks.push(newest() + 1);
    if (marks.length > ASK_TIMEOUT_MS / SWEEP_MS) expire(marks.shift() ?? 0);
  });
}
