/** Unix socket addresses hold 107 bytes and Node cuts longer ones silently: long ones go through an open directory. */
import { closeSync, constants, openSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { SallyportError } from '../core/errors.js';

/** `sun_path` is 108 bytes with its NUL (unix(7)). */
const MAX_SOCKET_PATH = 107;

export interface ShortPath {
  /** Names the same socket as long as this process lives and `release` has not been called. */
  path: string;
  release(): void;
}

/** A name for the socket at `path` that fits an address. Throws what opening the directory throws. */
export function shortSocketPath(path: string): ShortPath {
  if (Buffer.byteLength(path) <= MAX_SOCKET_PATH) return { path, release: () => undefined };
  const fd = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  const short = `/proc/self/fd/${fd}/${basename(path)}`;
  if (Buffer.byteLength(short) <= MAX_SOCKET_PATH) return { path: short, release: () => closeSync(fd) };
  closeSync(fd);
  throw new SallyportError('failed', `the name of the socket ${path} is too long: at most ${MAX_SOCKET_PATH} bytes`);
}
