import { accessSync, constants } from 'node:fs';
import { SallyportError } from '../core/errors.js';

/** Throws `refused` unless this process may read the directory; `not-found` when there is none. */
export function mustReadFiles(directory: string, what: string): void {
  try {
    accessSync(directory, constants.R_OK | constants.X_OK);
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (missing) throw new SallyportError('not-found', `${directory} is not there: is this a sallyport home?`);
    throw new SallyportError(
      'refused',
      `${directory}: you may not read ${what}: run this as root or as the home's owner`,
    );
  }
}
