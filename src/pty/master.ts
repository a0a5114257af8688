import { libc } from '../os/libc.js';
import { openChannel, type ProgramIo } from './flow.js';

const TIOCSWINSZ = 0x5414;
const winsize = Buffer.alloc(8);

/** Takes over the master side of a terminal. */
export function openMaster(fd: number): ProgramIo {
  const channel = openChannel(fd);
  return {
    onOutput: (fn) => channel.read((chunk) => fn(chunk, 'out')),
    write: channel.write,
    onDrain: channel.onDrain,
    endInput: () => {},
    pauseOutput: channel.pause,
    resumeOutput: channel.resume,
    resize(cols, rows) {
      if (!channel.open) return;
      winsize.writeUInt16LE(clamp(rows), 0);
      winsize.writeUInt16LE(clamp(cols), 2);
      libc.ioctl(fd, TIOCSWINSZ, winsize);
    },
    async drain() {
      channel.drain();
    },
    close: channel.close,
  };
}

const clamp = (cells: number): number => Math.min(Math.max(1, Math.trunc(cells) || 1), 10_000);
