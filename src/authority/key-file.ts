import { readFileSync } from 'node:fs';
import { messageOf, SallyportError } from '../core/errors.js';
import { parsePublicKey } from './public-key.js';

/** Largest public key file read: authorized_keys files of one person are far smaller. Unit: bytes. */
const MAX_KEY_FILE = 1024 * 1024;

/** The key lines of an OpenSSH public key file, at least one, each of use. Throws `failed` with the file's name and line. */
export const readPublicKeyFile = (path: string): string[] => publicKeysIn(read(path), path);

/** As `readPublicKeyFile`, of a text that was read already, from what is called `path`. */
export function publicKeysIn(text: string, path: string): string[] {
  if (text.length > MAX_KEY_FILE) fail(path, 'too large for a public key file');
  // Formats of several lines are named for what they are, whole.
  if (/(PRIVATE|PUBLIC) KEY--/.test(text)) check(path, text);
  const lines = text
    .split(/\r?\n/)
    .map((line, i) => ({ where: `${path}:${i + 1}`, line: line.trim() }))
    .filter(({ line }) => line !== '' && !line.startsWith('#'));
  if (lines.length === 0) fail(path, 'there is no public key in it: give the .pub file that ssh-keygen made');
  for (const { where, line } of lines) check(where, line);
  return lines.map(({ line }) => line);
}

function check(where: string, text: string): void {
  try {
    parsePublicKey(text);
  } catch (error) {
    fail(where, messageOf(error));
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return fail(path, 'there is no such key file');
    return fail(path, `cannot be read: ${messageOf(error)}`);
  }
}

function fail(where: string, message: string): never {
  throw new SallyportError('failed', `${where}: ${message}`);
}
