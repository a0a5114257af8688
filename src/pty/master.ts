import { ReadStream } from 'node:tty';
import type { Clock } from '../core/clock.js';
import { setNonblocking } from '../os/fd.js';
import { libc } from '../os/libc.js';
import { createSource, type ProgramIo } from './flow.js';
import { createPatientSink } from './patient-sink.js';

const TIOCSWINSZ = 0x5414;
const winsize = Buffer.alloc(8);

/**
 * Takes over the master side of a terminal. libuv reads and closes it; writing is ours, and stops before the descriptor
 * is closed, so that nothing queued here is ever written to another that got its number.
 */
export function openMaster(fd: number, clock: Clock): ProgramIo {
  setNonblocking(fd);
  const socket = new ReadStream(fd);
  let open = true;
  let hand: (chunk: Buffer, stream: 'out') => void = () => {};
  const source = createSource(socket, fd, (chunk) => hand(chunk, 'out'));
  const sink = createPatientSink(fd, clock);
  socket.once('close', () => {
    open = false;
    sink.close();
  });
  source.pause();
  return {
    onOutput(fn) {
      hand = fn;
      source.resume();
    },
    write: sink.write,
    onDrain: sink.onDrain,
    endInput: () => {},
    pauseOutput: source.pause,
    resumeOutput: source.resume,
    resize(cols, rows) {
      if (!open || socket.destroyed) return;
      winsize.writeUInt16LE(clamp(rows), 0);
      winsize.writeUInt16LE(clamp(cols), 2);
      libc.ioctl(fd, TIOCSWINSZ, winsize);
    },
    async drain() {
      source.drain();
    },
    close() {
      open = false;
      sink.close();
      source.close();
    },
  };
}

const clamp = (cells: number): number => Math.min(Math.max(1, Math.trunc(cells) || 1), 10_000);
