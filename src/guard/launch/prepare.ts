import { type CgroupRoot, enterCgroup, makeCgroup, removeCgroup } from '../../os/cgroup.js';
import { libcKill } from '../../os/libc.js';
import type { FdName, LaunchOrder } from '../../wire/guard.js';
import { bwrapArguments, commandLine, type Isolation } from './arguments.js';
import { sessionEnv } from './env.js';
import { closeQuietly, createRecording, type LineGate, openLineGate } from './files.js';
import { createInfoPipe } from './info.js';
import { cgroupLimits } from './limits.js';
import { ownProgram } from './own-program.js';
import { BLOCK_FD, INFO_FD, SECCOMP_FD, startBwrap } from './start.js';
import { openStdio } from './stdio.js';
import type { Tools } from './tools.js';

const SIGKILL = 9;

/** A session all set up, its isolating program started and waiting. */
export interface Prepared {
  readonly pid: number;
  /** True once the pid means nothing any more. */
  reaped: boolean;
  /** What the door gets. */
  readonly fds: [FdName, number][];
  release(): void;
  /** Closes what was copied to the door. */
  handOver(): void;
  /** True while one of these processes could still write output. */
  held(pids: readonly number[]): boolean;
  /** What the launcher said, when the session never began. */
  complaint(): string;
  /** Untraced sessions only: the namespace's first process, which runs no command before `use` returned. */
  onPid(use: (pid: number | undefined) => void): void;
  cleanup(): void;
}

export interface PrepareContext {
  isolation: Isolation;
  home: string;
  tools: Tools;
  tracer: unknown;
  cgroup: CgroupRoot | undefined;
}

/** Throws, with nothing left behind, when a part cannot be had. */
export function prepare(
  context: PrepareContext,
  order: LaunchOrder,
  groups: readonly number[],
  handed: readonly number[],
): Prepared {
  const undo: (() => void)[] = [];
  const cleanup = () => {
    for (const step of undo.splice(0).reverse()) step();
  };
  try {
    return assemble(context, order, { groups, handed }, undo, cleanup);
  } catch (error) {
    cleanup();
    throw error;
  }
}

function assemble(
  { isolation, home, tools, tracer, cgroup }: PrepareContext,
  order: LaunchOrder,
  { groups, handed }: { groups: readonly number[]; handed: readonly number[] },
  undo: (() => void)[],
  cleanup: () => void,
): Prepared {
  const recording = createRecording(order.recording);
  const ours: (() => void)[] = [() => closeQuietly(recording)];
  let copied = false;
  const handOver = () => {
    copied = true;
    for (const close of ours.splice(0)) close();
  };
  undo.push(handOver);
  const lineGate = lineGateFor(home, order);
  if (lineGate) {
    undo.push(lineGate.remove);
    ours.push(() => [lineGate.q, lineGate.a].forEach(closeQuietly));
  }
  const stdio = openStdio(order);
  undo.push(stdio.close);
  ours.push(stdio.handOver);
  const info = tracer ? undefined : createInfoPipe();
  if (info) undo.push(info.close);

  const input = {
    ...{ order, isolation, tools, groups },
    env: sessionEnv(order, isolation),
    seccompFd: SECCOMP_FD,
    ...(info ? { infoFd: INFO_FD, blockFd: BLOCK_FD } : {}),
    ...(lineGate ? { lineGate: lineGate.files } : {}),
    ...(order.administration ? { own: ownProgram(order.administration.words) } : {}),
  };
  const waiting = startBwrap(tools, stdio.child, bwrapArguments(input), commandLine(input), {
    traced: info === undefined,
    userNamespaces: order.userNamespaces,
    limits: order.limits,
    handed,
    ...(info ? { info } : {}),
  });
  undo.push(waiting.abandon);
  if (cgroup) undo.push(group(cgroup, order, waiting.pid));
  const fds: [FdName, number][] = [...stdio.door, ['recording', recording]];
  if (lineGate) fds.push(['lineQ', lineGate.q], ['lineA', lineGate.a]);
  return {
    pid: waiting.pid,
    reaped: false,
    fds,
    release: waiting.release,
    handOver,
    held: stdio.held,
    complaint: () => (copied ? '' : stdio.complaint()),
    onPid(use) {
      info?.onPid((pid) => {
        use(pid);
        info.go();
      });
    },
    cleanup,
  };
}

/** Puts the isolating program, and with it the session, into a group of its own; what removes it. */
function group(root: CgroupRoot, { sid, limits }: LaunchOrder, pid: number): () => void {
  const own = makeCgroup(root, sid, cgroupLimits(limits));
  try {
    enterCgroup(own, pid);
  } catch (error) {
    removeCgroup(own);
    libcKill(pid, SIGKILL);
    throw error;
  }
  return () => removeCgroup(own);
}

function lineGateFor(home: string, order: LaunchOrder): LineGate | undefined {
  if (!order.lineGate || !order.pty || order.kind !== 'shell') return undefined;
  return openLineGate(home, order.sid, order.account);
}
