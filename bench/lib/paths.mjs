/** Where the built program lies. SALLYPORT_TREE measures another built tree than this one. */
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const here = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

export const tree = resolve(process.env.SALLYPORT_TREE ?? here);
export const program = join(tree, 'bin/sallyport');
export const isBuilt = () => existsSync(join(tree, 'dist/cli/main.js'));
/** A module of the built program, for the benches that run in-process. */
export const built = (path) => import(pathToFileURL(join(tree, 'dist', path)).href);
export const benchFile = (path) => join(here, 'bench', path);
