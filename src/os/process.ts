import { closeFd } from './fd.js';
import { check, Errno, errno, libc, SyscallError, syscall } from './libc.js';

const PR_SET_PDEATHSIG = 1;
const PR_SET_DUMPABLE = 4;
const PR_SET_NO_NEW_PRIVS = 38;
const SYS_PIDFD_OPEN = 434;
const SYS_PIDFD_SEND_SIGNAL = 424;

/**
 * The kernel kills this process when the thread that started it dies. A change of uid clears it: call again after
 * one. `parent` is the pid expected: when it is already gone this process exits at once.
 */
export function dieWithParent(parent: number, signal = 9): void {
  check('prctl(PR_SET_PDEATHSIG)', libc.prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0));
  if (process.ppid !== parent) process.exit(1);
}

/** A process that is not dumpable cannot be traced or read through /proc by others of its uid. */
export function setDumpable(on: boolean): void {
  check('prctl(PR_SET_DUMPABLE)', libc.prctl(PR_SET_DUMPABLE, on ? 1 : 0, 0, 0, 0));
}

/** For good, and for every later child: set-uid files have no effect. */
export function setNoNewPrivs(): void {
  check('prctl(PR_SET_NO_NEW_PRIVS)', libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

/** A close-on-exec descriptor that means this process and no later one with its number. */
export function pidfdOpen(pid: number): number {
  return check('pidfd_open', syscall(SYS_PIDFD_OPEN, pid, 0, 0, 0, 0, 0));
}

/** Signals the process behind `pidfd`; false when it is gone already. */
export function pidfdSignal(pidfd: number, signal: number): boolean {
  if (syscall(SYS_PIDFD_SEND_SIGNAL, pidfd, signal, 0, 0, 0, 0) === 0) return true;
  const code = errno();
  if (code === Errno.ESRCH) return false;
  throw new SyscallError('pidfd_send_signal', code);
}

const pollfd = Buffer.alloc(8);
const POLLIN = 1;

/** True once the process behind `pidfd` has exited (its reaping may be to come). */
export function pidfdGone(pidfd: number): boolean {
  pollfd.writeInt32LE(pidfd, 0);
  pollfd.writeInt32LE(POLLIN, 4);
  for (;;) {
    const count = libc.poll(pollfd, 1, 0);
    // A signal ends it, however short it is and whatever SA_RESTART says (signal(7)): a SIGCHLD is never far here.
    if (count >= 0 || errno() !== Errno.EINTR) return check('poll', count) > 0;
  }
}

/** Kills and closes; used where a descriptor's last word is the end of its process. */
export function pidfdKillAndClose(pidfd: number): void {
  try {
    pidfdSignal(pidfd, 9);
  } finally {
    closeFd(pidfd);
  }
}
