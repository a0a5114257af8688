import { Socket } from 'node:net';
import { createSink, createSource, type OutputStream, type ProgramIo } from './flow.js';

/** Takes over our ends of a program's three pipes. */
export function openPipes(fds: { stdin: number; stdout: number; stderr: number }): ProgramIo {
  const input = new Socket({ fd: fds.stdin, readable: false, writable: true });
  // EPIPE: the program reads no more; what it was sent is lost as in any pipe.
  input.on('error', () => {});
  let hand: (chunk: Buffer, stream: OutputStream) => void = () => {};
  const reader = (fd: number, stream: OutputStream) => {
    const socket = new Socket({ fd, readable: true, writable: false });
    return createSource(socket, fd, (chunk) => hand(chunk, stream));
  };
  const sources = [reader(fds.stdout, 'out'), reader(fds.stderr, 'err')];
  const each = (what: 'pause' | 'resume' | 'drain' | 'close') => () => {
    for (const source of sources) source[what]();
  };
  each('pause')();
  const sink = createSink(input);
  return {
    onOutput(fn) {
      hand = fn;
      each('resume')();
    },
    write: sink.write,
    onDrain: sink.onDrain,
    endInput: () => void input.end(),
    pauseOutput: each('pause'),
    resumeOutput: each('resume'),
    resize: () => {},
    async drain() {
      each('drain')();
    },
    close() {
      input.destroy();
      each('close')();
    },
  };
}
