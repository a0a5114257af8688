import { closeFd } from './fd.js';
import { check, libc, self } from './libc.js';

/**
 * SIGCHLD as a descriptor. Node's own handler writes to a pipe of its event loop, which costs some twenty system calls
 * for every process of a session, and a handler that does nothing loses the signal that comes just before a wait. So
 * the handler is eventfd_write(3): called with the signal's number and two addresses, it adds a number to the eventfd
 * whose descriptor is the signal's number.
 */

const SIGCHLD = 17;
/** The descriptor that rings. Whoever starts the process keeps the number free, or gives it away. */
export const BELL_FD = SIGCHLD;

/** struct sigaction of glibc and musl: handler, mask, flags, restorer. */
const SIZE = 152;
const FLAGS_AT = 136;
const SA_RESTART = 0x1000_0000;
const EFD_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;

const sigaction = self.func('int sigaction(int, void *, void *)') as (
  s: number,
  action: Buffer,
  former: null,
) => number;
const eventfd = self.func('int eventfd(uint, int)') as (value: number, flags: number) => number;
const dup3 = self.func('int dup3(int, int, int)') as (from: number, to: number, flags: number) => number;
const ring = self.symbol('eventfd_write') as bigint;

/**
 * From here on every SIGCHLD makes `BELL_FD` readable and is told to nobody else. What was open there is closed. A
 * ring is added to the count, an address: drain it before a hundred thousand came.
 */
export function hangBell(): void {
  const fd = check('eventfd', eventfd(0, EFD_NONBLOCK));
  check('dup3', dup3(fd, BELL_FD, O_CLOEXEC));
  closeFd(fd);
  const action = Buffer.alloc(SIZE);
  action.writeBigUInt64LE(ring, 0);
  action.writeInt32LE(SA_RESTART, FLAGS_AT);
  check('sigaction', sigaction(SIGCHLD, action, null));
}

const count = Buffer.alloc(8);

/** Makes the bell unreadable until the next ring: look for reports after it, never before. */
export function silenceBell(): void {
  libc.read(BELL_FD, count, count.length);
}
