import { lstatSync, readlinkSync } from 'node:fs';
import type { Clock } from '../core/clock.js';
import type { Program } from '../policy/types.js';
import { type FileView, type Identity, resolveFile } from './trust.js';
import type { Lookup } from './types.js';

/** How long an answer about a name is believed; short, because people install what they then run. */
const FRESH_MS = 1_000;
const MAX_CACHED = 256;
/** A longer PATH is searched no further: each directory costs system calls in the door's loop. */
const MAX_PATH_DIRS = 64;
const MAX_PATH_LENGTH = 8_192;

/**
 * A lookup over `view`, by default the file system as this process sees it. What it cannot see is undefined, so that
 * a caller leaves it to the exec gate. Answers are kept for a second.
 */
export function createLookup(who: Identity, clock: Clock, view: FileView = hostView): Lookup {
  const cache = new Map<string, { until: number; program: Program | undefined }>();
  return (name, path, cwd) => {
    const key = `${name}\0${path}\0${cwd ?? ''}`;
    const known = cache.get(key);
    if (known !== undefined && known.until > clock.mono()) return known.program;
    if (cache.size >= MAX_CACHED) cache.clear();
    const program = find(name, path, cwd, who, view);
    cache.set(key, { until: clock.mono() + FRESH_MS, program });
    return program;
  };
}

function find(name: string, path: string, cwd: string | undefined, who: Identity, view: FileView): Program | undefined {
  if (name === '' || name.includes('\0')) return undefined;
  if (name.includes('/')) return runnable(absolute(name, cwd), name, who, view);
  if (path.length > MAX_PATH_LENGTH) return undefined;
  for (const dir of path.split(':').slice(0, MAX_PATH_DIRS)) {
    const program = runnable(absolute(`${dir === '' ? '.' : dir}/${name}`, cwd), name, who, view);
    if (program !== undefined) return program;
  }
  return undefined;
}

function runnable(path: string | undefined, name: string, who: Identity, view: FileView): Program | undefined {
  const found = path === undefined ? undefined : resolveFile(path, name, who, view);
  return found !== undefined && (found.info.mode & 0o111) !== 0 ? found.program : undefined;
}

function absolute(path: string, cwd: string | undefined): string | undefined {
  if (path.startsWith('/')) return path;
  return cwd?.startsWith('/') ? `${cwd}/${path}` : undefined;
}

const hostView: FileView = {
  lstat(path) {
    try {
      const s = lstatSync(path, { throwIfNoEntry: false });
      if (s === undefined) return undefined;
      const kind = s.isDirectory() ? 'dir' : s.isFile() ? 'file' : s.isSymbolicLink() ? 'link' : 'other';
      return { kind, uid: s.uid, gid: s.gid, mode: s.mode & 0o7777 };
    } catch {
      return undefined;
    }
  },
  readlink(path) {
    try {
      return readlinkSync(path);
    } catch {
      return undefined;
    }
  },
};
