import { accessSync, constants } from 'node:fs';
import { statPath } from '../../os/files.js';

/** The programs a session is started with, at absolute paths, and what they were when the guard began. */
export interface Tools {
  bwrap: string;
  setsid: string;
  setpriv: string;
}

const DIRECTORIES = ['/usr/bin', '/bin', '/usr/local/bin', '/usr/sbin', '/sbin'];

export function findTool(name: string): string | undefined {
  return DIRECTORIES.map((dir) => `${dir}/${name}`).find(runnable);
}

function runnable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Every tool, or the names of those missing. */
export function findTools(): { tools: Tools } | { missing: string[] } {
  const found = { bwrap: findTool('bwrap'), setsid: findTool('setsid'), setpriv: findTool('setpriv') };
  const { bwrap, setsid, setpriv } = found;
  if (bwrap !== undefined && setsid !== undefined && setpriv !== undefined)
    return { tools: { bwrap, setsid, setpriv } };
  return { missing: Object.entries(found).flatMap(([name, path]) => (path === undefined ? [name] : [])) };
}

/** Device and inode of a program, as the exec gate compares them. Throws when it is not there. */
export function identityOf(path: string): string {
  const stat = statPath(path);
  if (!stat) throw new Error(`${path}: no such program`);
  return stat.id;
}
