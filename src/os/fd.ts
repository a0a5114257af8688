import type { Socket } from 'node:net';
import { check, libc } from './libc.js';

const F_GETFD = 1;
const F_SETFD = 2;
const F_GETFL = 3;
const F_SETFL = 4;
const FD_CLOEXEC = 1;
const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;

/** No child started later inherits `fd`. */
export function setCloexec(fd: number): void {
  check('fcntl(F_SETFD)', libc.fcntl(fd, F_SETFD, FD_CLOEXEC));
}

export function isCloexec(fd: number): boolean {
  return (check('fcntl(F_GETFD)', libc.fcntl(fd, F_GETFD, 0)) & FD_CLOEXEC) !== 0;
}

export function setNonblocking(fd: number, on = true): void {
  const flags = check('fcntl(F_GETFL)', libc.fcntl(fd, F_GETFL, 0));
  check('fcntl(F_SETFL)', libc.fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK));
}

/** Closes `fd`; whatever the call says, the number is free afterwards. */
export function closeFd(fd: number): void {
  libc.close(fd);
}

/** Writes what a non-blocking descriptor takes at once: how many bytes; 0 as well when it takes none any more. */
export function writeSome(fd: number, bytes: Buffer): number {
  return Math.max(0, libc.write(fd, bytes, bytes.length));
}

/** A close-on-exec pipe, blocking at both ends. */
export function pipe(): { read: number; write: number } {
  const pair = Buffer.alloc(8);
  check('pipe2', libc.pipe2(pair, O_CLOEXEC));
  return { read: pair.readInt32LE(0), write: pair.readInt32LE(4) };
}

/** The descriptor under a node socket or stream; undefined once it is closed. */
export function fdOf(socket: Socket): number | undefined {
  const handle = (socket as unknown as { _handle?: { fd?: unknown } | null })._handle;
  return typeof handle?.fd === 'number' && handle.fd >= 0 ? handle.fd : undefined;
}
