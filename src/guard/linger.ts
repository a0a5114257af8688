import { muteChildSignal, restoreChildSignal } from '../os/child-signal.js';
import { addressOf, Errno, errno, libc } from '../os/libc.js';
import type { Drained } from './tracer/tracer.js';

/**
 * A fork and exec is six reports and one answer, each a few microseconds after the last step of ours, while a trip
 * through the event loop costs tens. So after work the guard waits in ppoll(2) for a moment, which the door's answer
 * or a SIGCHLD ends at once. It sleeps there; it does not spin.
 */
export interface LingerOptions {
  /** The door link's descriptor. */
  door: number;
  /** Descriptors whose bytes are the event loop's to read, at once. */
  others: readonly number[];
  /** Bytes the door sent; valid until this returns. */
  feed(bytes: Buffer): void;
  /** Handles reports, at most a bound of them. */
  turn(): Drained;
  /** Monotonic, ms. */
  mono(): number;
}

/**
 * Waits one after another until one of them ends with something to do; after the last the event loop gets its turn.
 * A SIGCHLD that comes between the look for reports and the wait ends none: hence short ones first. Microseconds.
 */
const WAITS_US = [600, 400];
/** How long the event loop waits at most, ms. */
const LONGEST_MS = 8;

const POLLIN = 1;
const POLLFD = 8;
const MAX_FDS = 4;
const pollfds = Buffer.alloc(POLLFD * MAX_FDS);
const pollAddress = addressOf(pollfds);
const timespecs = WAITS_US.map((us) => {
  const spec = Buffer.alloc(16);
  spec.writeUInt32LE(us * 1000, 8);
  return { spec, address: addressOf(spec) };
});
const incoming = Buffer.alloc(64 * 1024);
const incomingAddress = addressOf(incoming);

/** Works until nothing happens for a moment; true when it stopped only because the event loop is due. */
export function linger(options: LingerOptions): boolean {
  watch([options.door, ...options.others]);
  muteChildSignal();
  let due = true;
  try {
    due = untilQuiet(options);
  } finally {
    restoreChildSignal();
  }
  return options.turn() === 'some' || due;
}

function watch(fds: readonly number[]): void {
  fds.forEach((fd, i) => {
    pollfds.writeInt32LE(fd, i * POLLFD);
    pollfds.writeInt16LE(POLLIN, i * POLLFD + 4);
  });
}

function untilQuiet({ door, others, feed, turn, mono }: LingerOptions): boolean {
  const until = mono() + LONGEST_MS;
  for (let step = 0; step < timespecs.length; ) {
    const ready = libc.ppoll(pollAddress, 1 + others.length, timespecs[step]?.address ?? 0, 0);
    if (ready < 0 && errno() !== Errno.EINTR) return true;
    if (ready > 0) {
      // End of file and errors are the event loop's to find, and so is what others say.
      const size = revents(0) === 0 ? 0 : libc.read(door, incomingAddress, incoming.length);
      if (size <= 0) return true;
      feed(incoming.subarray(0, size));
    }
    const done = turn();
    step = ready > 0 || done !== 'nothing' ? 0 : step + 1;
    if (done === 'some' || (step === 0 && mono() >= until)) return true;
  }
  return false;
}

const revents = (at: number): number => pollfds.readInt16LE(at * POLLFD + 6);
