import { Socket } from 'node:net';
import { closeFd, pipe } from '../../os/fd.js';

/** Where bwrap tells the first process of its namespace, for sessions nobody traces. */
export interface InfoPipe {
  write: number;
  /** Called once, with undefined when bwrap ended without telling. */
  onPid(use: (pid: number | undefined) => void): void;
  close(): void;
}

/** bwrap writes a small JSON object. */
const MAX_INFO = 4096;

export function createInfoPipe(): InfoPipe {
  const ends = pipe();
  let reader: Socket | undefined;
  let writeOpen = true;
  const closeWrite = () => {
    if (writeOpen) closeFd(ends.write);
    writeOpen = false;
  };
  return {
    write: ends.write,
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
      if (reader) reader.destroy();
      else closeFd(ends.read);
    },
  };
}
