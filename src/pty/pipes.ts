import { openChannel, type ProgramIo } from './flow.js';

/** Takes over our ends of a program's three pipes. */
export function openPipes(fds: { stdin: number; stdout: number; stderr: number }): ProgramIo {
  const input = openChannel(fds.stdin);
  const output = openChannel(fds.stdout);
  const errors = openChannel(fds.stderr);
  const both = (what: 'pause' | 'resume' | 'drain' | 'close') => () => {
    output[what]();
    errors[what]();
  };
  return {
    onOutput(fn) {
      output.read((chunk) => fn(chunk, 'out'));
      errors.read((chunk) => fn(chunk, 'err'));
    },
    write: input.write,
    onDrain: input.onDrain,
    endInput: input.end,
    pauseOutput: both('pause'),
    resumeOutput: both('resume'),
    resize: () => {},
    async drain() {
      both('drain')();
    },
    close() {
      input.close();
      both('close')();
    },
  };
}
