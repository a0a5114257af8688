import { fchownSync, readdirSync } from 'node:fs';
import { closeFd, pipe, setNonblocking } from '../../os/fd.js';
import { readLink } from '../../os/files.js';
import { libc } from '../../os/libc.js';
import { openPty } from '../../pty/open.js';
import type { FdName, LaunchOrder } from '../../wire/guard.js';
import type { PtyRequest } from '../../wire/pty.js';

/** A session's three standard descriptors, seen from all sides. */
export interface Stdio {
  /** For the child, as 0, 1 and 2: a descriptor, or a path to open. */
  child: (number | string)[];
  /** For the door, with their names. */
  door: [FdName, number][];
  /** Called when the child has its copies and the door was sent its own. */
  handOver(): void;
  /** What the launcher complained of, when it ended before the session began: at most a few lines. */
  complaint(): string;
  /** True while one of these processes could still write output. */
  held(pids: readonly number[]): boolean;
  close(): void;
}

export function openStdio(order: LaunchOrder): Stdio {
  return order.pty ? ptyStdio(order, order.pty) : pipeStdio(order);
}

function ptyStdio(order: LaunchOrder, asked: PtyRequest): Stdio {
  const pty = openPty(asked, order.account);
  return {
    child: [pty.path, pty.path, pty.path],
    door: [['master', pty.master]],
    handOver: () => closeFd(pty.master),
    complaint: () => readSome(pty.master),
    held: () => false,
    // The slave stays open until nothing runs: the master then still has every byte to read.
    close: () => closeFd(pty.slave),
  };
}

function pipeStdio(order: LaunchOrder): Stdio {
  const pipes = [pipe(), pipe(), pipe()] as const;
  const [input, output, errors] = pipes;
  // So that the account may open /dev/stdin, /dev/stdout and /dev/stderr.
  if (process.getuid?.() !== order.account.uid) {
    for (const fd of [input.read, output.write, errors.write]) fchownSync(fd, order.account.uid, order.account.gid);
  }
  const outputs = new Set([output.write, errors.write].map((fd) => readLink(`/proc/self/fd/${fd}`)));
  return {
    child: [input.read, output.write, errors.write],
    door: [
      ['stdin', input.write],
      ['stdout', output.read],
      ['stderr', errors.read],
    ],
    handOver: () => [input, output, errors].flatMap((p) => [p.read, p.write]).forEach(closeFd),
    complaint: () => readSome(errors.read),
    held: (pids) => pids.length > MANY || pids.some((pid) => holds(pid, outputs)),
    close: () => {},
  };
}

function readSome(fd: number): string {
  const bytes = Buffer.alloc(1024);
  setNonblocking(fd);
  const size = libc.read(fd, bytes, bytes.length);
  return size > 0 ? bytes.toString('utf8', 0, size).trim().replaceAll(/\s+/g, ' ') : '';
}

/** Processes looked at; of more than these some surely writes. */
const MANY = 100;

/** True when a process has one of these files open. */
function holds(pid: number, files: ReadonlySet<string | undefined>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => files.has(readLink(`/proc/${pid}/fd/${fd}`) ?? ''));
  } catch {
    return false;
  }
}
