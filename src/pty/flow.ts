import { closeFd, setNonblocking } from '../os/fd.js';
import { addressOf, Errno, errno, libc } from '../os/libc.js';
import { watchFd } from '../os/poll.js';

/**
 * Input waiting for a program that does not read. From the first bound on `write` says to hold back; what a sender
 * that goes on sends beyond the second is dropped. Bytes.
 */
export const INPUT_HIGH = 64 * 1024;
export const INPUT_MAX = 8 * 1024 * 1024;

/** A terminal gives at most 4 KiB a read and holds far less than so many of them when its programs are gone. */
const DRAIN_READS = 4_096;
/** Reads of one descriptor before others get their turn. */
const READS = 16;
/** What a terminal gives in one read at most, bytes. */
const TERMINAL_READ = 4096;

export type OutputStream = 'out' | 'err';

/** The programs' side of a session: a pty, or three pipes. Raw bytes both ways. */
export interface ProgramIo {
  onOutput(fn: (chunk: Buffer, stream: OutputStream) => void): void;
  /** False: hold back until onDrain; the bytes are queued either way, up to INPUT_MAX. */
  write(chunk: Buffer): boolean;
  onDrain(fn: () => void): void;
  /** Pipes: end of file on stdin once the queue is written. A terminal has none: nothing happens. */
  endInput(): void;
  pauseOutput(): void;
  resumeOutput(): void;
  /** Of no effect on pipes and after close. */
  resize(cols: number, rows: number): void;
  /** After the last process is gone: hands out every byte that is left, paused or not, before it resolves. */
  drain(): Promise<void>;
  /** Drops queued input, then closes the descriptors. Idempotent. */
  close(): void;
}

/** One non-blocking descriptor, owned: read, written and closed here alone. */
export interface Channel {
  /** Starts reading. */
  read(hand: (chunk: Buffer) => void): void;
  pause(): void;
  resume(): void;
  /** Reads what the kernel still holds, at once. */
  drain(): void;
  write(chunk: Buffer): boolean;
  onDrain(fn: () => void): void;
  /** Closes once everything queued is written. */
  end(): void;
  close(): void;
  readonly open: boolean;
}

const spare = Buffer.alloc(64 * 1024);
const spareAddress = addressOf(spare);

const FIONREAD = 0x541b;
const count = Buffer.alloc(4);

/** Bytes that a read would give at once; 0 also where the kernel does not say. */
function waiting(fd: number): number {
  count.writeInt32LE(0);
  return libc.ioctl(fd, FIONREAD, count) === 0 ? count.readInt32LE(0) : 0;
}

/** Takes `fd` over. node-pty's and node's own streams spin, block or lose bytes on one side or the other. */
export function openChannel(fd: number): Channel {
  setNonblocking(fd);
  let open = true;
  let reading = false;
  let ended = false;
  let hand: ((chunk: Buffer) => void) | undefined;
  let queue: Buffer[] = [];
  let queued = 0;
  let heldBack = false;
  let ending = false;
  let drained = () => {};

  const watch = watchFd(fd, (readable, writable) => {
    if (writable) flush();
    if (readable && open) readSome(READS);
    update();
  });
  const update = () => {
    if (open) watch.want(reading && !ended && hand !== undefined, queued > 0);
  };

  const close = () => {
    if (!open) return;
    open = false;
    queue = [];
    queued = 0;
    watch.close();
    closeFd(fd);
  };

  /**
   * What is there already is handed on together, as far as it fits: a terminal gives it in small pieces. `patient` reads
   * until the kernel says that there is nothing. Otherwise a terminal is asked first, for a read that finds it empty
   * waits there for what is under way, while this process could do something with what it has.
   */
  const readSome = (times: number, patient = false) => {
    let filled = 0;
    const handOn = () => {
      const chunk = Buffer.from(spare.subarray(0, filled));
      filled = 0;
      if (chunk.length > 0) hand?.(chunk);
    };
    for (let i = 0; i < times && open && reading && !ended; i += 1) {
      if (i > 0 && !patient && waiting(fd) === 0) break;
      const size = libc.read(fd, spareAddress + filled, spare.length - filled);
      filled += Math.max(0, size);
      // EAGAIN: nothing more yet. 0 and EIO: nothing more ever.
      const error = size < 0 ? errno() : 0;
      if (error === Errno.EAGAIN) break;
      ended = size <= 0 && error !== Errno.EINTR;
      if (spare.length - filled < TERMINAL_READ) handOn();
    }
    handOn();
  };

  /** False when the kernel takes no more for now. */
  const writeFirst = (first: Buffer): boolean => {
    const size = libc.write(fd, first, first.length);
    if (size >= 0) {
      queued -= size;
      if (size < first.length) queue[0] = first.subarray(size);
      else queue.shift();
      return true;
    }
    if (errno() === Errno.EINTR) return true;
    if (errno() === Errno.EAGAIN) return false;
    // EPIPE, EIO: nobody will ever read it.
    queue = [];
    queued = 0;
    return true;
  };

  const flush = () => {
    for (let first = queue[0]; first !== undefined && writeFirst(first); first = queue[0]);
    if (queued === 0 && ending) return close();
    if (heldBack && queued < INPUT_HIGH / 2) {
      heldBack = false;
      drained();
    }
  };

  return {
    read(fn) {
      hand = fn;
      reading = true;
      update();
    },
    pause() {
      reading = false;
      update();
    },
    resume() {
      reading = true;
      update();
    },
    drain() {
      reading = true;
      readSome(DRAIN_READS, true);
    },
    write(chunk) {
      if (!open || ending || chunk.length === 0) return true;
      if (queued + chunk.length > INPUT_MAX) return false;
      queue.push(chunk);
      queued += chunk.length;
      if (queue.length === 1) flush();
      update();
      if (queued >= INPUT_HIGH) heldBack = true;
      return !heldBack;
    },
    onDrain(fn) {
      drained = fn;
    },
    end() {
      ending = true;
      if (queued === 0) close();
    },
    close,
    get open() {
      return open;
    },
  };
}
