import koffi from 'koffi';

/**
 * The C library of this very process. Calls block the event loop for as long as they last, so everything called
 * from here returns at once or is given non-blocking descriptors. A call costs about 0.15 µs.
 */
const lib = koffi.load(null);

type Int = number;
/** A Buffer whose memory the call reads or writes while it runs, or an address. */
export type Memory = Buffer | number | bigint | null;

/** errno values this project tells apart. */
export const Errno = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  EINTR: 4,
  EIO: 5,
  E2BIG: 7,
  EBADF: 9,
  ECHILD: 10,
  EAGAIN: 11,
  EACCES: 13,
  EFAULT: 14,
  EEXIST: 17,
  EINVAL: 22,
  ENOSYS: 38,
  EPIPE: 32,
} as const;

/** A failed system call. `errno` is the number; the message names the call. */
export class SyscallError extends Error {
  readonly call: string;
  readonly errno: number;
  constructor(call: string, errno: number) {
    super(`${call}: ${errnoName(errno)}`);
    this.name = 'SyscallError';
    this.call = call;
    this.errno = errno;
  }
}

function errnoName(errno: number): string {
  for (const [name, value] of Object.entries(koffi.os.errno)) if (value === errno) return name;
  return `errno ${errno}`;
}

/** Taken out of koffi's module once: there it is behind a getter. */
const lastError = koffi.errno as () => number;
export const errno = (): number => lastError();

/** The result, or a throw when it is -1. */
export function check(call: string, result: number): number {
  if (result === -1) throw new SyscallError(call, lastError());
  return result;
}

/** syscall(2): every argument is a number, an address included. */
export const syscall = lib.func('long syscall(long, long, long, long, long, long, long)') as (
  nr: Int,
  a: number,
  b: number,
  c: number,
  d: number,
  e: number,
  f: number,
) => number;

export const libc = {
  fcntl: lib.func('int fcntl(int, int, long)') as (fd: Int, cmd: Int, arg: Int) => number,
  close: lib.func('int close(int)') as (fd: Int) => number,
  read: lib.func('long read(int, void *, size_t)') as (fd: Int, into: Memory, size: Int) => number,
  write: lib.func('long write(int, void *, size_t)') as (fd: Int, from: Memory, size: Int) => number,
  open: lib.func('int open(const char *, int, uint)') as (path: string, flags: Int, mode: Int) => number,
  socketpair: lib.func('int socketpair(int, int, int, void *)') as (d: Int, t: Int, p: Int, fds: Memory) => number,
  sendmsg: lib.func('long sendmsg(int, void *, int)') as (fd: Int, msg: Memory, flags: Int) => number,
  recvmsg: lib.func('long recvmsg(int, void *, int)') as (fd: Int, msg: Memory, flags: Int) => number,
  getsockopt: lib.func('int getsockopt(int, int, int, void *, void *)') as (
    fd: Int,
    level: Int,
    name: Int,
    value: Memory,
    size: Memory,
  ) => number,
  prctl: lib.func('int prctl(int, long, long, long, long)') as (option: Int, a: Int, b: Int, c: Int, d: Int) => number,
  ioctl: lib.func('int ioctl(int, ulong, void *)') as (fd: Int, request: Int, arg: Memory) => number,
  waitpid: lib.func('int waitpid(int, void *, int)') as (pid: Int, status: Memory, options: Int) => number,
  pipe2: lib.func('int pipe2(void *, int)') as (fds: Memory, flags: Int) => number,
  mkfifo: lib.func('int mkfifo(const char *, uint)') as (path: string, mode: Int) => number,
  poll: lib.func('int poll(void *, ulong, int)') as (fds: Memory, count: Int, timeoutMs: Int) => number,
};

const killCall = lib.func('int kill(int, int)') as (pid: Int, signal: Int) => number;

/** kill(2) for a process that cannot have been reaped: our own child, or a tracee that is stopped. */
export function libcKill(pid: number, signal: number): boolean {
  return pid > 0 && killCall(pid, signal) === 0;
}

/** The address of a Buffer's memory. Only for buffers that live as long as the address is used. */
export function addressOf(buffer: Buffer): number {
  return Number(koffi.address(buffer));
}

/** The library handle, for declarations that belong to one file. */
export const self = lib;
