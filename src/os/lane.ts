import { closeFd } from './fd.js';
import { addressOf, check, Errno, errno, libc, SyscallError } from './libc.js';

/**
 * A lane carries descriptors between two of our processes, beside the link that carries messages. It is a raw
 * SOCK_SEQPACKET socket that libuv never sees: a packet is sent before the message that announces it, and
 * received, without blocking, when that message arrives. Both sides name the packet by a token.
 */

const AF_UNIX = 1;
const SOCK_SEQPACKET = 5;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x40000000;
const MSG_CTRUNC = 0x8;

/** Most descriptors in one packet. */
export const MAX_FDS = 8;
/** Longest token, bytes of UTF-8. */
export const MAX_TOKEN = 64;

const CMSG_HEADER = 16;
const CONTROL_SIZE = CMSG_HEADER + MAX_FDS * 4;

// struct msghdr on 64-bit Linux: name, namelen, iov, iovlen, control, controllen, flags.
const header = Buffer.alloc(56);
const iovec = Buffer.alloc(16);
const control = Buffer.alloc(CONTROL_SIZE);
const body = Buffer.alloc(MAX_TOKEN + 1);

function point(bodySize: number, controlSize: number): void {
  header.fill(0);
  iovec.writeBigUInt64LE(BigInt(addressOf(body)), 0);
  iovec.writeBigUInt64LE(BigInt(bodySize), 8);
  header.writeBigUInt64LE(BigInt(addressOf(iovec)), 16);
  header.writeBigUInt64LE(1n, 24);
  header.writeBigUInt64LE(BigInt(addressOf(control)), 32);
  header.writeBigUInt64LE(BigInt(controlSize), 40);
}

/** Two ends of a new lane, close-on-exec. Give one to a child as a plain descriptor number in `stdio`. */
export function socketpair(): [number, number] {
  const pair = Buffer.alloc(8);
  check('socketpair', libc.socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
  return [pair.readInt32LE(0), pair.readInt32LE(4)];
}

/** Sends copies of `fds` under `token`; the caller still owns its own. Throws when the lane is full or closed. */
export function sendFds(lane: number, token: string, fds: readonly number[]): void {
  const size = Buffer.byteLength(token);
  if (size === 0 || size > MAX_TOKEN) throw new RangeError('lane token: 1 to 64 bytes');
  if (fds.length === 0 || fds.length > MAX_FDS) throw new RangeError('lane packet: 1 to 8 descriptors');
  body.write(token, 0);
  control.fill(0);
  control.writeBigUInt64LE(BigInt(CMSG_HEADER + fds.length * 4), 0);
  control.writeInt32LE(SOL_SOCKET, 8);
  control.writeInt32LE(SCM_RIGHTS, 12);
  fds.forEach((fd, i) => {
    control.writeInt32LE(fd, CMSG_HEADER + i * 4);
  });
  point(size, CMSG_HEADER + Math.ceil((fds.length * 4) / 8) * 8);
  check('sendmsg', libc.sendmsg(lane, header, MSG_DONTWAIT | MSG_NOSIGNAL));
}

/** One received packet. The descriptors are close-on-exec and belong to the caller. */
export interface Packet {
  token: string;
  fds: number[];
}

/** The next packet, or undefined when none waits or the other end is gone. */
export function recvPacket(lane: number): Packet | undefined {
  control.fill(0);
  point(body.length, CONTROL_SIZE);
  const size = libc.recvmsg(lane, header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (size === -1) {
    const code = errno();
    if (code === Errno.EAGAIN || code === Errno.EINTR) return undefined;
    throw new SyscallError('recvmsg', code);
  }
  const fds = receivedFds();
  if (size === 0 && fds.length === 0) return undefined;
  if ((header.readInt32LE(48) & MSG_CTRUNC) !== 0) {
    fds.forEach(closeFd);
    throw new SyscallError('recvmsg: descriptors cut off', Errno.EINVAL);
  }
  return { token: body.toString('utf8', 0, size), fds };
}

function receivedFds(): number[] {
  const length = Number(control.readBigUInt64LE(0));
  if (Number(header.readBigUInt64LE(40)) < CMSG_HEADER || length < CMSG_HEADER) return [];
  if (control.readInt32LE(8) !== SOL_SOCKET || control.readInt32LE(12) !== SCM_RIGHTS) return [];
  const count = Math.min(MAX_FDS, Math.floor((length - CMSG_HEADER) / 4));
  return Array.from({ length: count }, (_, i) => control.readInt32LE(CMSG_HEADER + i * 4));
}

/**
 * The descriptors sent under `token`, which must be the next packet. Anything else is a broken peer: what came is
 * closed and this throws.
 */
export function recvFds(lane: number, token: string): number[] {
  const packet = recvPacket(lane);
  if (packet?.token === token) return packet.fds;
  packet?.fds.forEach(closeFd);
  throw new SyscallError(`lane: expected ${token}, found ${packet ? 'another packet' : 'nothing'}`, Errno.EINVAL);
}
