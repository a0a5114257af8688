import type { Socket } from 'node:net';
import { Errno, errno, libc } from '../os/libc.js';

/**
 * Input waiting for a program that does not read. From the first bound on `write` says to hold back; what a sender
 * that goes on sends beyond the second is dropped. Bytes.
 */
export const INPUT_HIGH = 64 * 1024;
export const INPUT_MAX = 8 * 1024 * 1024;

/** What a terminal or pipe can still hold when its programs are gone is far below this; bytes. */
const DRAIN_MAX = 16 * 1024 * 1024;

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

/** One readable descriptor owned by libuv. */
export interface Source {
  pause(): void;
  resume(): void;
  drain(): void;
  close(): void;
}

const spare = Buffer.alloc(64 * 1024);

/** Reads `socket`, whose descriptor is `fd`, handing out each chunk as it comes. */
export function createSource(socket: Socket, fd: number, hand: (chunk: Buffer) => void): Source {
  let open = true;
  socket.on('data', hand);
  // EIO: the terminal's other side is closed; anything else ends output just the same.
  socket.on('error', () => {});
  return {
    pause: () => void socket.pause(),
    resume: () => void (open && socket.resume()),
    drain() {
      if (!open) return;
      socket.removeListener('data', hand);
      socket.pause();
      for (let held = socket.read(); held !== null; held = socket.read()) hand(held);
      if (!socket.destroyed) readRest(fd, hand);
    },
    close() {
      open = false;
      socket.destroy();
    },
  };
}

/** Takes what the kernel holds, until it says there is nothing (EAGAIN), nothing more ever (0), or an error (EIO). */
function readRest(fd: number, hand: (chunk: Buffer) => void): void {
  for (let total = 0; total < DRAIN_MAX; ) {
    const size = libc.read(fd, spare, spare.length);
    if (size < 0 && errno() === Errno.EINTR) continue;
    if (size <= 0) return;
    hand(Buffer.from(spare.subarray(0, size)));
    total += size;
  }
}

/** One writable descriptor owned by libuv, with a bounded queue. */
export interface Sink {
  write(chunk: Buffer): boolean;
  onDrain(fn: () => void): void;
}

export function createSink(socket: Socket): Sink {
  return {
    write(chunk) {
      if (socket.destroyed || socket.writableEnded) return true;
      if (socket.writableLength + chunk.length > INPUT_MAX) return false;
      socket.write(chunk);
      return socket.writableLength < INPUT_HIGH;
    },
    onDrain: (fn) => void socket.on('drain', fn),
  };
}
