/** Text that a command reads: a file, or with `-` standard input, which is the only one there is over ssh. */
import { readFileSync, readSync } from 'node:fs';
import { messageOf, SallyportError } from '../core/errors.js';
import { isOverSsh } from './place.js';

/** Most that is read. Unit: bytes. */
const MAX_INPUT = 8 * 1024 * 1024;
const CHUNK = 64 * 1024;

/** What people read of where a text came from. */
export const inputName = (file: string) => (file === '-' ? 'standard input' : file);

/** `what` names the argument in an error: `--key FILE`. */
export function readInput(what: string, file: string): string {
  refuseFile(what, file);
  try {
    return file === '-' ? standardInput() : readFileSync(file, 'utf8');
  } catch (error) {
    throw error instanceof SallyportError
      ? error
      : new SallyportError('failed', `${file}: cannot be read: ${messageOf(error)}`);
  }
}

/** Over ssh a file would be one of the bastion's. */
export function refuseFile(what: string, file: string): void {
  if (file === '-' || !isOverSsh()) return;
  throw new SallyportError('usage', `${what}: not over ssh: give - and send the file: ssh … < FILE`);
}

function standardInput(): string {
  const chunks: Buffer[] = [];
  let size = 0;
  for (;;) {
    const chunk = Buffer.alloc(CHUNK);
    const read = readSync(0, chunk);
    if (read === 0) return Buffer.concat(chunks).toString('utf8');
    size += read;
    if (size > MAX_INPUT)
      throw new SallyportError('failed', 'standard input: longer than 8 MiB, the most that is read');
    chunks.push(chunk.subarray(0, read));
  }
}
