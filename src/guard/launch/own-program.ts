/** Our own command line, for sessions of administration: visible inside under names of its own, whatever is hidden there. */
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LINE_DIR, type OwnProgram } from './arguments.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');
const NODE = `${LINE_DIR}/node`;
const APP = `${LINE_DIR}/app`;

/** Bounds what a command can take of the broker's machine, beside the session's limits. Unit: MiB. */
const HEAP = '--max-old-space-size=512';

/** Throws where this program is not built. */
export function ownProgram(words: readonly string[]): OwnProgram {
  if (!existsSync(join(ROOT, 'dist/cli/main.js'))) throw new Error(`${ROOT}: not built`);
  return {
    argv: [NODE, HEAP, `${APP}/dist/cli/main.js`, ...words],
    dirs: [LINE_DIR, APP],
    binds: [
      [process.execPath, NODE],
      ...['dist', 'package.json'].map((name): [string, string] => [join(ROOT, name), `${APP}/${name}`]),
      ...libraries(),
    ],
  };
}

/** Where npm puts what we depend on: beside us, above us where it has sorted several packages, or both. */
function libraries(): [from: string, to: string][] {
  const above = dirname(ROOT);
  const places: [string, string][] = [[join(ROOT, 'node_modules'), `${APP}/node_modules`]];
  if (basename(above) === 'node_modules') places.push([above, `${LINE_DIR}/node_modules`]);
  return places.filter(([from]) => existsSync(from));
}
