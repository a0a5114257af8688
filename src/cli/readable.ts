import { accessSync, constants } from 'node:fs';
import { SallyportError } from '../core/errors.js';

/** Whether this process may read the directory itself: root and the home's owner. Throws `not-found` when there is none. */
export function mayRead(directory: string): boolean {
  try {
    accessSync(directory, constants.R_OK | constants.X_OK);
    return true;
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (missing) throw new SallyportError('not-found', `${directory} is not there: is this a sallyport home?`);
    return false;
  }
}

/** Aborted by the first SIGINT or SIGTERM: what is being read then ends in order. */
export function untilInterrupted(): AbortSignal {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());
  return stop.signal;
}
