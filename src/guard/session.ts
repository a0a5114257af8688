import type { Clock, Timer } from '../core/clock.js';
import type { CgroupRoot } from '../os/cgroup.js';
import { closeFd } from '../os/fd.js';
import { groupsOf } from '../os/files.js';
import { libcKill } from '../os/libc.js';
import { pidfdGone, pidfdOpen, pidfdSignal } from '../os/process.js';
import type { ExitStatus, FdName, LaunchOrder } from '../wire/guard.js';
import type { Isolation } from './launch/arguments.js';
import { ensurePrivateHome } from './launch/files.js';
import { limitProcesses } from './launch/limits.js';
import { type Prepared, prepare } from './launch/prepare.js';
import { identityOf, type Tools } from './launch/tools.js';
import type { Traced } from './tracer/traced.js';
import { closeRoot, type Tracer } from './tracer/tracer.js';
import { createTrust } from './tracer/trust.js';

/** What one session tells the guard; each at most once, `gone` last. */
export interface SessionEvents {
  /** The descriptors belong to the session still; they are copied before this returns. */
  launched(pidfd: number, fds: [FdName, number][]): void;
  exited(status: ExitStatus): void;
  /** `complaint` is what the launcher said when it ended before `launched`. */
  gone(complaint: string): void;
}

/** A running session. */
export interface GuardSession {
  /** Kills every process. Idempotent. */
  end(): void;
  /** Line-only sessions: the isolating program, our only child of theirs, ended. True when it was this one's. */
  childEnded(pid: number, status: ExitStatus): boolean;
}

export interface SessionContext {
  clock: Clock;
  isolation: Isolation;
  home: string;
  tools: Tools;
  /** Absent: line-only. */
  tracer: Tracer | undefined;
  /** Where groups of sessions are made; absent: nowhere. */
  cgroup: CgroupRoot | undefined;
  /** Has the reports of processes looked at soon. */
  wake(): void;
}

const SIGKILL = 9;
/** How long output of what an exec left behind is waited for, and how often it is looked at, ms. */
const DRAIN_MS = 1_000;
const LOOK_MS = 20;
/** A session whose deadline keeper and door both missed by this much is ended here, ms. */
const DEADLINE_GRACE_MS = 5_000;
/** How often the end of an untraced namespace is looked for, ms. */
const NAMESPACE_LOOK_MS = 2;

/**
 * Starts a session as ordered. `handed` are descriptors for its command, copied before this returns. Throws, with nothing left
 * behind, when it cannot be.
 */
export function startSession(
  context: SessionContext,
  order: LaunchOrder,
  handed: readonly number[],
  events: SessionEvents,
): GuardSession {
  refuseRoot(order, context.isolation);
  const steps = launcherSteps(context, order);
  const groups = context.isolation === 'account' ? groupsOf(order.account.name, order.account.gid) : [];
  if (order.privateHome !== undefined) ensurePrivateHome(order.privateHome, order.account);
  const prepared = prepare(context, order, groups, handed);
  const traced: Traced = {
    sid: order.sid,
    trust: createTrust({ uid: order.account.uid, gids: [order.account.gid, ...groups] }, context.clock),
    steps,
    sealed: order.administration !== undefined,
    ...{ step: 0, outer: 0, init: 0, command: 0, root: undefined, tasks: 0 },
    ...{ processes: order.limits.processes, census: undefined },
    ...{
      programsEnded: false,
      held: false,
      onInit: () => {},
      onExit: () => false,
      onGone: () => {},
      onOuterGone: () => {},
    },
  };
  const session = live(context, order, events, prepared, traced);
  try {
    context.tracer?.attach(traced, prepared.pid);
    prepared.release();
  } catch (error) {
    // Its death will be reported; nobody is told of it any more.
    libcKill(prepared.pid, SIGKILL);
    prepared.cleanup();
    session.silence();
    throw error;
  }
  return session;
}

/** The session's life from its start to `gone`. */
function live(
  context: SessionContext,
  order: LaunchOrder,
  events: SessionEvents,
  prepared: Prepared,
  traced: Traced,
): GuardSession & { silence(): void } {
  const { clock, tracer } = context;
  const timers: Timer[] = [];
  let pidfd = -1;
  let ended = false;
  let exited = false;
  let over = false;

  const kill = () => {
    if (over) return;
    if (pidfd >= 0) pidfdSignal(pidfd, SIGKILL);
    if (!prepared.reaped) libcKill(prepared.pid, SIGKILL);
    tracer?.release(traced);
    context.wake();
  };

  const finish = () => {
    over = true;
    for (const timer of timers) timer.cancel();
    closeRoot(traced);
    if (pidfd >= 0) closeFd(pidfd);
  };

  const gone = () => {
    if (over) return;
    const complaint = prepared.complaint();
    finish();
    prepared.cleanup();
    events.gone(complaint);
  };

  const announce = (pid: number) => {
    try {
      limitProcesses(pid, order.limits, { namespace: context.isolation === 'sandbox', traced: tracer !== undefined });
      pidfd = pidfdOpen(pid);
      events.launched(pidfd, prepared.fds);
    } catch {
      // Nobody could end it or hear it: it does not begin.
      ended = true;
    }
    prepared.handOver();
    if (ended) kill();
  };

  /** True: the command is to be held at its exit, until the door has read the terminal and says `end`. */
  const exit = (status: ExitStatus): boolean => {
    if (over || exited) return false;
    exited = true;
    events.exited(status);
    if (ended || (order.pty && !traced.held)) kill();
    else if (order.pty) timers.push(clock.after(DRAIN_MS, kill));
    else lingerForOutput(clock, timers, () => prepared.held(tracer?.others(traced) ?? []), kill);
    return order.pty !== undefined && !ended;
  };

  traced.onInit = announce;
  traced.onExit = exit;
  traced.onGone = gone;
  traced.onOuterGone = () => {
    prepared.reaped = true;
  };
  prepared.onPid((pid) => {
    if (over) return;
    if (pid === undefined) kill();
    else announce(pid);
  });
  if (order.deadline !== undefined) {
    timers.push(clock.after(order.deadline - clock.now() + DEADLINE_GRACE_MS, kill));
  }

  return {
    end() {
      ended = true;
      kill();
    },
    childEnded(pid, status) {
      if (tracer || pid !== prepared.pid || over) return false;
      prepared.reaped = true;
      if (pidfd >= 0) events.exited(status);
      waitForNamespace(clock, () => pidfd < 0 || pidfdGone(pidfd), gone);
      return true;
    },
    silence: finish,
  };
}

function refuseRoot(order: LaunchOrder, isolation: Isolation): void {
  const uid = process.getuid?.();
  if (order.account.uid === 0 || order.account.gid === 0) throw new Error('account 0 is never launched');
  if (isolation === 'sandbox' && order.account.uid !== uid) throw new Error('the sandbox has no other accounts');
  if (isolation === 'account' && uid !== 0) throw new Error('only root can launch other accounts');
}

/** The images the launcher itself goes through, last the account's shell or our own command line. */
function launcherSteps({ tools, isolation }: SessionContext, { account, administration }: LaunchOrder): string[] {
  const last = administration ? process.execPath : account.shell;
  const programs = [tools.setsid, ...(isolation === 'account' ? [tools.setpriv] : []), last];
  return programs.map(identityOf);
}

function lingerForOutput(clock: Clock, timers: Timer[], busy: () => boolean, done: () => void): void {
  const until = clock.mono() + DRAIN_MS;
  const look = () => {
    if (!busy() || clock.mono() >= until) done();
    else timers.push(clock.after(LOOK_MS, look));
  };
  look();
}

function waitForNamespace(clock: Clock, isGone: () => boolean, done: () => void): void {
  if (isGone()) done();
  else clock.after(NAMESPACE_LOOK_MS, () => waitForNamespace(clock, isGone, done));
}
