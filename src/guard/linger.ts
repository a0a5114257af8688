import { BELL_FD, silenceBell } from '../os/child-signal.js';
import { createEpoll } from '../os/epoll.js';
import { addressOf, libc } from '../os/libc.js';
import type { Drained } from './tracer/tracer.js';

/**
 * A fork and exec is six reports and one answer, each a few microseconds after the last step of ours, while a trip
 * through the event loop costs tens. So after work the guard waits in epoll_wait(2) for a moment, which the door's answer
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
 * How long nothing may happen before the event loop gets its turn, ms. Longer than the kernel's tick: a timer that is the
 * next to fire has to be set in the hardware and taken back, which inside a virtual machine costs 20 µs a wait.
 */
const QUIET_MS = 10;
/** How long the event loop waits at most while there is work, ms. */
const LONGEST_MS = 8;

const BELL = 1;
const DOOR = 2;
const incoming = Buffer.alloc(64 * 1024);
const incomingAddress = addressOf(incoming);

/** Returns a function that works until nothing happens for a moment; true: it stopped because the event loop is due. */
export function createLinger({ door, others, feed, turn, mono }: LingerOptions): () => boolean {
  const epoll = createEpoll({ edges: [BELL_FD], levels: [door, ...others] });

  /** False: end of file and errors are the event loop's to find. */
  const hear = (): boolean => {
    const size = libc.read(door, incomingAddress, incoming.length);
    if (size > 0) feed(incoming.subarray(0, size));
    return size > 0;
  };

  const untilQuiet = (): boolean => {
    const until = mono() + LONGEST_MS;
    for (;;) {
      const ready = epoll.wait(QUIET_MS);
      if (ready === 0) return false;
      if (ready > (BELL | DOOR) || ((ready & DOOR) !== 0 && !hear())) return true;
      if (turn() === 'some' || mono() >= until) return true;
    }
  };

  return () => {
    const due = untilQuiet();
    silenceBell();
    return turn() !== 'nothing' || due;
  };
}
