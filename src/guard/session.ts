import type { Clock, Timer } from '../core/clock.js';
import { closeFd } from '../os/fd.js';
import { groupsOf } from '../os/files.js';
import { libcKill } from '../os/libc.js';
import { pidfdGone, pidfdOpen, pidfdSignal } from '../os/process.js';
import type { ExitStatus, FdName, LaunchOrder } from '../wire/guard.js';
import { bwrapArguments, commandLine, type Isolation } from './launch/arguments.js';
import { sessionEnv } from './launch/env.js';
import { closeQuietly, createRecording, ensurePrivateHome, type LineGate, openLineGate } from './launch/files.js';
import { createInfoPipe, type InfoPipe } from './launch/info.js';
import { BLOCK_FD, INFO_FD, SECCOMP_FD, startBwrap } from './launch/start.js';
import { openStdio } from './launch/stdio.js';
import { identityOf, type Tools } from './launch/tools.js';
import type { Traced } from './tracer/traced.js';
import { closeRoot, type Tracer } from './tracer/tracer.js';
import { createTrust } from './tracer/trust.js';

/** What one session tells the guard; each at most once, `gone` last. */
export interface SessionEvents {
  /** Descriptors belong to the session still; they are copied before this returns. */
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
  /** Called with what one process or its parent killed; runs the wait loop soon. */
  wake(): void;
}

const SIGKILL = 9;
/** How long output of what an exec left behind is waited for, and how often it is looked at, ms. */
const DRAIN_MS = 1_000;
const LOOK_MS = 20;
/** A session whose deadline the keeper and the door both missed by this much is ended here, ms. */
const DEADLINE_GRACE_MS = 5_000;

/** Starts a session as ordered. Throws, with nothing left behind, when it cannot be. */
export function startSession(context: SessionContext, order: LaunchOrder, events: SessionEvents): GuardSession {
  const { clock, tracer } = context;
  refuseRoot(order, context.isolation);
  if (order.privateHome !== undefined) ensurePrivateHome(order.privateHome, order.account);
  const groups = context.isolation === 'account' ? groupsOf(order.account.name, order.account.gid) : [];
  const undo: (() => void)[] = [];
  const cleanup = () => {
    for (const step of undo.splice(0).reverse()) step();
  };
  try {
    return launch();
  } catch (error) {
    cleanup();
    throw error;
  }

  function launch(): GuardSession {
    const recording = createRecording(order.recording);
    const ours: (() => void)[] = [() => closeQuietly(recording)];
    /** What the door gets copies of is closed here once it has them, or with everything else. */
    const handOver = () => {
      for (const close of ours.splice(0)) close();
    };
    undo.push(handOver);
    const lineGate: LineGate | undefined =
      order.lineGate && order.pty && order.kind === 'shell'
        ? openLineGate(context.home, order.sid, order.account)
        : undefined;
    if (lineGate) {
      undo.push(lineGate.remove);
      ours.push(() => [lineGate.q, lineGate.a].forEach(closeQuietly));
    }
    const stdio = openStdio(order);
    undo.push(stdio.close);
    ours.push(stdio.handOver);
    const info: InfoPipe | undefined = tracer ? undefined : createInfoPipe();
    if (info) undo.push(info.close);

    const input = {
      order,
      isolation: context.isolation,
      tools: context.tools,
      env: sessionEnv(order, context.isolation),
      groups,
      seccompFd: SECCOMP_FD,
      ...(info ? { infoFd: INFO_FD, blockFd: BLOCK_FD } : {}),
      ...(lineGate ? { lineGate: lineGate.files } : {}),
    };
    const waiting = startBwrap(context.tools, stdio.child, bwrapArguments(input), commandLine(input), {
      traced: tracer !== undefined,
      ...(info ? { info } : {}),
    });

    let pidfd = -1;
    let ended = false;
    let over = false;
    const timers: Timer[] = [];
    undo.push(() => timers.forEach((t) => t.cancel()));
    undo.push(() => {
      if (pidfd >= 0) closeFd(pidfd);
      pidfd = -1;
    });

    const kill = () => {
      if (over) return;
      if (pidfd >= 0) pidfdSignal(pidfd, SIGKILL);
      libcKill(waiting.pid, SIGKILL);
      context.wake();
    };

    const gone = () => {
      if (over) return;
      over = true;
      closeRoot(traced);
      const complaint = ours.length > 0 ? stdio.complaint() : '';
      cleanup();
      events.gone(complaint);
    };

    const announce = (pid: number) => {
      try {
        pidfd = pidfdOpen(pid);
      } catch {
        kill();
        return;
      }
      const fds: [FdName, number][] = [...stdio.door, ['recording', recording]];
      if (lineGate) fds.push(['lineQ', lineGate.q], ['lineA', lineGate.a]);
      try {
        events.launched(pidfd, fds);
      } catch {
        ended = true;
      }
      handOver();
      if (ended) kill();
    };

    const exit = (status: ExitStatus) => {
      events.exited(status);
      if (order.pty || ended) return kill();
      lingerForOutput(clock, timers, () => stdio.held(tracer?.others(traced) ?? []), kill);
    };

    const steps = launcherSteps(context, order);
    const traced: Traced = {
      sid: order.sid,
      trust: createTrust({ uid: order.account.uid, gids: new Set([order.account.gid, ...groups]) }, clock),
      steps,
      ...{ step: 0, outer: 0, init: 0, command: 0, root: undefined, tasks: 0 },
      onInit: announce,
      onShell: () => {},
      onExit: exit,
      onGone: gone,
    };

    try {
      if (tracer) tracer.attach(traced, waiting.pid);
      waiting.release();
    } catch (error) {
      waiting.abandon();
      libcKill(waiting.pid, SIGKILL);
      throw error;
    }
    if (info) {
      info.onPid((pid) => {
        if (pid === undefined) return kill();
        announce(pid);
        info.go();
      });
    }
    if (order.deadline !== undefined) {
      timers.push(clock.after(order.deadline - clock.now() + DEADLINE_GRACE_MS, kill));
    }

    return {
      end() {
        ended = true;
        kill();
      },
      childEnded(pid, status) {
        if (tracer || pid !== waiting.pid || over) return false;
        events.exited(status);
        waitForNamespace(clock, () => pidfd < 0 || pidfdGone(pidfd), gone);
        return true;
      },
    };
  }
}

function refuseRoot(order: LaunchOrder, isolation: Isolation): void {
  const uid = process.getuid?.();
  if (order.account.uid === 0 || order.account.gid === 0) throw new Error('account 0 is never launched');
  if (isolation === 'sandbox' && order.account.uid !== uid) throw new Error('the sandbox has no other accounts');
  if (isolation === 'account' && uid !== 0) throw new Error('only root can launch other accounts');
}

/** The images the launcher itself goes through, the account's shell last. */
function launcherSteps({ tools, isolation }: SessionContext, { account }: LaunchOrder): string[] {
  const programs = [tools.setsid, ...(isolation === 'account' ? [tools.setpriv] : []), account.shell];
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
  else clock.after(2, () => waitForNamespace(clock, isGone, done));
}
