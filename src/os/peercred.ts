import type { Socket } from 'node:net';
import { fdOf } from './fd.js';
import { check, Errno, libc, SyscallError } from './libc.js';

const SOL_SOCKET = 1;
const SO_PEERCRED = 17;

/** Who connected, as the kernel noted it at connect(2). */
export interface PeerCredentials {
  pid: number;
  uid: number;
  gid: number;
}

/** The other end of a connected unix socket. Throws when the socket is closed or not a unix one. */
export function peerCredentials(socket: Socket | number): PeerCredentials {
  const fd = typeof socket === 'number' ? socket : fdOf(socket);
  if (fd === undefined) throw new SyscallError('getsockopt(SO_PEERCRED): socket closed', Errno.EBADF);
  const value = Buffer.alloc(12);
  const size = Buffer.alloc(4);
  size.writeUInt32LE(value.length);
  check('getsockopt(SO_PEERCRED)', libc.getsockopt(fd, SOL_SOCKET, SO_PEERCRED, value, size));
  const pid = value.readInt32LE(0);
  // A TCP socket answers with pid 0 and uid -1 rather than an error.
  if (pid === 0) throw new SyscallError('getsockopt(SO_PEERCRED): not a unix socket', Errno.EINVAL);
  return { pid, uid: value.readUInt32LE(4), gid: value.readUInt32LE(8) };
}
