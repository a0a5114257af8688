import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { SallyportError } from '../core/errors.js';

export interface FindHomeOptions {
  /** From --home; wins. */
  home?: string;
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** Where the system's home would be; for tests. */
  system?: string;
}

/**
 * The directory that holds everything: --home, else $SALLYPORT_HOME, else /etc/sallyport if it exists, else the current
 * directory when it holds a sallyport.yaml. Absolute; the first two need not exist yet. Throws `usage` when there is none.
 */
export function findHome(options: FindHomeOptions = {}): string {
  const { env = process.env, cwd = process.cwd(), system = '/etc/sallyport' } = options;
  const named = options.home ?? env.SALLYPORT_HOME;
  if (named !== undefined && named !== '') return resolve(cwd, named);
  if (existsSync(system)) return system;
  if (existsSync(join(cwd, 'sallyport.yaml'))) return resolve(cwd);
  throw new SallyportError(
    'usage',
    `no sallyport home: none in $SALLYPORT_HOME, at ${system} or in this directory; name one with --home DIR, or make one with \`sallyport init\``,
  );
}
