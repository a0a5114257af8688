import { closeFd } from './fd.js';
import { check, self } from './libc.js';

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const MSG_NOSIGNAL = 0x4000;
/** sockaddr_un: two bytes of family and a path that ends in a zero. */
const MAX_PATH = 107;

const socket = self.func('int socket(int, int, int)') as (domain: number, type: number, protocol: number) => number;
const connect = self.func('int connect(int, const void *, uint)') as (fd: number, to: Buffer, size: number) => number;
const send = self.func('long send(int, const void *, size_t, int)') as (
  fd: number,
  from: Buffer,
  size: number,
  flags: number,
) => number;

/** Sends each text as one datagram to a unix socket; never waits. Throws a SyscallError for the first that is not taken. */
export function sendDatagrams(path: string, texts: readonly string[]): void {
  const to = Buffer.alloc(2 + MAX_PATH + 1);
  if (Buffer.byteLength(path) > MAX_PATH) throw new RangeError(`${path}: longer than ${MAX_PATH} bytes`);
  to.writeUInt16LE(AF_UNIX, 0);
  to.write(path, 2);
  const fd = check('socket', socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  try {
    check(`connect to ${path}`, connect(fd, to, to.length));
    for (const text of texts) {
      const bytes = Buffer.from(text);
      check(`send to ${path}`, send(fd, bytes, bytes.length, MSG_NOSIGNAL));
    }
  } finally {
    closeFd(fd);
  }
}
