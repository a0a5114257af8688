import { check, libc } from './libc.js';

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2000000;

/** Two ends of a stream socket for a link between two children, close-on-exec. */
export function streamPair(): [number, number] {
  const pair = Buffer.alloc(8);
  check('socketpair', libc.socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
  return [pair.readInt32LE(0), pair.readInt32LE(4)];
}
