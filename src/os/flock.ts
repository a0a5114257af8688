import { Errno, errno, SyscallError, self } from './libc.js';

const LOCK_EX = 2;
const LOCK_NB = 4;

const flock = self.func('int flock(int, int)') as (fd: number, operation: number) => number;

/**
 * Takes an exclusive flock(2) on an open file, without waiting: false when another open file holds it, in this process
 * or any other. The kernel gives it back when the last descriptor of this open file closes, so a dead holder never
 * blocks anyone; node opens files close-on-exec, so no child keeps it.
 */
export function tryFlock(fd: number): boolean {
  for (;;) {
    if (flock(fd, LOCK_EX | LOCK_NB) === 0) return true;
    const code = errno();
    if (code === Errno.EAGAIN) return false;
    if (code !== Errno.EINTR) throw new SyscallError('flock', code);
  }
}
