import { addressOf, check, Errno, errno, SyscallError, self } from './libc.js';

/** epoll(7) of a few descriptors, waited on in place: the event loop sleeps meanwhile. */
export interface Epoll {
  /**
   * Waits up to `ms`. A bit is set for each descriptor that has something to read, in the order they were named; 0: none
   * has. A signal that came meanwhile ends the wait too.
   */
  wait(ms: number): number;
}

const EPOLL_CTL_ADD = 1;
const EPOLLIN = 1;
const EPOLLET = 0x8000_0000;
const EPOLL_CLOEXEC = 0o2000000;
/** struct epoll_event is packed on x86_64 alone. */
const DATA_AT = process.arch === 'x64' ? 4 : 8;
const EVENT = DATA_AT + 8;

const create = self.func('int epoll_create1(int)') as (flags: number) => number;
const control = self.func('int epoll_ctl(int, int, int, void *)') as (
  fd: number,
  operation: number,
  target: number,
  event: Buffer,
) => number;
const waitCall = self.func('int epoll_wait(int, void *, int, int)') as (
  fd: number,
  events: number,
  most: number,
  timeoutMs: number,
) => number;

/** `edges` are reported once for each time they become readable more, the others as long as they are. */
export function createEpoll(fds: { edges: readonly number[]; levels: readonly number[] }): Epoll {
  const fd = check('epoll_create1', create(EPOLL_CLOEXEC));
  const all = [...fds.edges, ...fds.levels];
  const events = Buffer.alloc(EVENT * all.length);
  const address = addressOf(events);
  all.forEach((target, at) => {
    const event = Buffer.alloc(EVENT);
    event.writeUInt32LE(at < fds.edges.length ? EPOLLIN + EPOLLET : EPOLLIN, 0);
    event.writeUInt32LE(at, DATA_AT);
    check('epoll_ctl', control(fd, EPOLL_CTL_ADD, target, event));
  });
  const read = (count: number): number => {
    let ready = 0;
    for (let i = 0; i < count; i += 1) ready |= 1 << events.readUInt32LE(i * EVENT + DATA_AT);
    return ready;
  };
  return {
    wait(ms) {
      const count = waitCall(fd, address, all.length, ms);
      if (count >= 0) return read(count);
      if (errno() !== Errno.EINTR) throw new SyscallError('epoll_wait', errno());
      return read(Math.max(0, waitCall(fd, address, all.length, 0)));
    },
  };
}
