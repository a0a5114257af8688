import { addressOf, Errno, errno, libc } from '../os/libc.js';

/**
 * A fork and exec is six reports and one answer, each a few microseconds after the last step of ours, while a trip
 * through the event loop costs tens. So after work the guard waits in poll(2) for a moment, which the door's answer
 * or a SIGCHLD ends at once. It sleeps there; it does not spin.
 */
export interface LingerOptions {
  /** The door link's descriptor. */
  fd: number;
  /** Bytes the door sent. */
  feed(bytes: Buffer): void;
  /** Handles reports; true when there may be more. */
  turn(): boolean;
  /** Monotonic, ms. */
  mono(): number;
}

/** How long nothing may happen before the event loop gets its turn, ms. */
const QUIET_MS = 1;
/** How long the event loop waits at most, ms. */
const LONGEST_MS = 8;

const POLLIN = 1;
const pollfd = Buffer.alloc(8);
const pollAddress = addressOf(pollfd);
const incoming = Buffer.alloc(64 * 1024);
const incomingAddress = addressOf(incoming);

/** Works until nothing happens for a moment; true when it stopped only because the event loop is due. */
export function linger({ fd, feed, turn, mono }: LingerOptions): boolean {
  const until = mono() + LONGEST_MS;
  pollfd.writeInt32LE(fd, 0);
  pollfd.writeInt16LE(POLLIN, 4);
  for (;;) {
    const ready = libc.poll(pollAddress, 1, QUIET_MS);
    if (ready === 0) return turn();
    if (ready < 0 && errno() !== Errno.EINTR) return turn();
    if (ready > 0) {
      const size = libc.read(fd, incomingAddress, incoming.length);
      // End of file and errors are the event loop's to find.
      if (size <= 0) return turn();
      // A copy: the link keeps what is not a whole message yet.
      feed(Buffer.from(incoming.subarray(0, size)));
    }
    while (turn()) if (mono() >= until) return true;
    if (mono() >= until) return true;
  }
}
