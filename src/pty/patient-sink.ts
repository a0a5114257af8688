import type { Clock, Timer } from '../core/clock.js';
import { Errno, errno, libc } from '../os/libc.js';
import { INPUT_HIGH, INPUT_MAX, type Sink } from './flow.js';

/** A program that reads again is noticed after the first of these; one that never does costs 50 looks a second. ms. */
const FIRST_WAIT_MS = 1;
const LONGEST_WAIT_MS = 20;

/**
 * Writes to a non-blocking terminal by write(2). libuv is not asked: for the master of a terminal it falls back to writes
 * that block, and with them the whole process stands still while one program does not read.
 */
export function createPatientSink(fd: number, clock: Clock): Sink & { close(): void } {
  const queue: Buffer[] = [];
  let queued = 0;
  let open = true;
  let full = false;
  let timer: Timer | undefined;
  let wait = FIRST_WAIT_MS;
  let drained = () => {};

  const flush = () => {
    timer = undefined;
    while (open && queue.length > 0) {
      const first = queue[0] as Buffer;
      const size = libc.write(fd, first, first.length);
      if (size < 0 && errno() === Errno.EINTR) continue;
      if (size < 0 && errno() === Errno.EAGAIN) {
        timer = clock.after(wait, flush);
        wait = Math.min(LONGEST_WAIT_MS, wait * 2);
        return;
      }
      // EIO: nobody has the other side open any more; what was typed is for nobody.
      if (size < 0) queue.length = queued = 0;
      else take(first, size);
      wait = FIRST_WAIT_MS;
    }
    if (!full || !open) return;
    full = false;
    drained();
  };
  const take = (first: Buffer, size: number) => {
    queued -= size;
    if (size === first.length) queue.shift();
    else queue[0] = first.subarray(size);
  };
  return {
    write(chunk) {
      if (!open || chunk.length === 0) return true;
      if (queued + chunk.length > INPUT_MAX) return false;
      queue.push(chunk);
      queued += chunk.length;
      if (timer === undefined) flush();
      if (queued >= INPUT_HIGH) full = true;
      return !full;
    },
    onDrain(fn) {
      drained = fn;
    },
    close() {
      open = false;
      queue.length = queued = 0;
      timer?.cancel();
    },
  };
}
