import { readFileSync } from 'node:fs';
import { messageOf, SallyportError } from '../core/errors.js';

/** Largest public key file read: authorized_keys files of one person are far smaller. Unit: bytes. */
const MAX_KEY_FILE = 1024 * 1024;

/** The key lines of an OpenSSH public key file, at least one. Throws `failed` with the file's name. */
export function readKeyFile(path: string): string[] {
  const text = read(path);
  if (text.length > MAX_KEY_FILE) throw new SallyportError('failed', `${path}: too large for a public key file`);
  if (text.includes('PRIVATE KEY-----'))
    throw new SallyportError('failed', `${path}: that is a private key; give the .pub file beside it`);
  const lines = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  if (lines.length === 0) throw new SallyportError('failed', `${path}: no public key in it`);
  return lines;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new SallyportError('failed', `cannot read the key file: ${messageOf(error)}`);
  }
}
