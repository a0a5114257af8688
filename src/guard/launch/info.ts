import { Socket } from 'node:net';
import { closeFd, pipe } from '../../os/fd.js';
import { libc } from '../../os/libc.js';

/** Where bwrap tells the first process of its namespace, for sessions nobody traces. */
export interface InfoPipe {
  write: number;
  /** The child waits here, set up and not yet running the command, until `go`. */
  blockRead: number;
  go(): void;
  /** Called once, with undefined when bwrap ended without telling. */
  onPid(use: (pid: number | undefined) => void): void;
  close(): void;
}

/** bwrap writes a small JSON object. */
const MAX_INFO = 4096;

export function createInfoPipe(): InfoPipe {
  const ends = pipe();
  const block = pipe();
  let reader: Socket | undefined;
  let writeOpen = true;
  const closeWrite = () => {
    if (writeOpen) [ends.write, block.read].forEach(closeFd);
    writeOpen = false;
  };
  return {
    write: ends.write,
    blockRead: block.read,
    go: () => void libc.write(block.write, Buffer.from('.'), 1),
    onPid(use) {
      closeWrite();
      let text = '';
      reader = new Socket({ fd: ends.read, readable: true, writable: false });
      reader.on('data', (chunk) => {
        text = (text + chunk.toString('latin1')).slice(0, MAX_INFO);
      });
      reader.on('error', () => {});
      reader.once('close', () => {
        const pid = Number(/"child-pid":\s*(\d+)/.exec(text)?.[1] ?? 0);
        use(pid > 0 ? pid : undefined);
      });
    },
    close() {
      closeWrite();
      closeFd(block.write);
      if (reader) reader.destroy();
      else closeFd(ends.read);
    },
  };
}
