import { fchownSync } from 'node:fs';
import { closeFd, pipe, setNonblocking } from '../../os/fd.js';
import { libc } from '../../os/libc.js';
import { openPty } from '../../pty/open.js';
import type { FdName, LaunchOrder } from '../../wire/guard.js';

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
  /** True while some process of the session could still write output. */
  held(): boolean;
  close(): void;
}

export function openStdio(order: LaunchOrder): Stdio {
  return order.pty ? ptyStdio(order, order.pty) : pipeStdio(order);
}

function ptyStdio(order: LaunchOrder, size: { cols: number; rows: number }): Stdio {
  const pty = openPty(size, order.account);
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
  const watched = [output.read, errors.read];
  return {
    child: [input.read, output.write, errors.write],
    door: [
      ['stdin', input.write],
      ['stdout', output.read],
      ['stderr', errors.read],
    ],
    handOver: () => [input.read, input.write, output.write, errors.write].forEach(closeFd),
    complaint: () => readSome(errors.read),
    held: () => watched.some((fd) => !hungUp(fd)),
    close: () => watched.forEach(closeFd),
  };
}

function readSome(fd: number): string {
  const bytes = Buffer.alloc(1024);
  setNonblocking(fd);
  const size = libc.read(fd, bytes, bytes.length);
  return size > 0 ? bytes.toString('utf8', 0, size).trim().replaceAll(/\s+/g, ' ') : '';
}

const pollfd = Buffer.alloc(8);
const POLLHUP = 0x10;

/** True when nobody has the other end of a pipe open. */
function hungUp(fd: number): boolean {
  pollfd.writeInt32LE(fd, 0);
  pollfd.writeInt32LE(0, 4);
  return libc.poll(pollfd, 1, 0) > 0 && (pollfd.readInt16LE(6) & POLLHUP) !== 0;
}
