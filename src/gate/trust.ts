/**
 * Which file a path names, and which of its names an allow row may believe. Pure: the file system comes as a view,
 * so that the guard looks through a session's own root and the door through the host's.
 */
import type { Program } from '../policy/types.js';

export interface FileInfo {
  kind: 'dir' | 'file' | 'link' | 'other';
  uid: number;
  gid: number;
  /** Permission bits. */
  mode: number;
  /** Others have a say by an access list, which only counts where the group may write: that bit is its mask. */
  acl?: boolean;
}

/** Undefined for what does not exist or cannot be seen. Never throws. */
export interface FileView {
  /** Does not follow a last symbolic link. */
  lstat(path: string): FileInfo | undefined;
  readlink(path: string): string | undefined;
}

/** The account whose writing is feared. */
export interface Identity {
  uid: number;
  /** Primary and supplementary. */
  gids: readonly number[];
}

/** As the kernel's own limit. */
const MAX_LINKS = 40;

/**
 * Follows every symbolic link of an absolute path and returns the program there, or undefined if there is no regular
 * file. A name is trusted when the account can write neither the file, nor any directory met on the way to it.
 * `argv0` adds a name that is never trusted.
 */
export function resolveProgram(
  path: string,
  argv0: string | undefined,
  who: Identity,
  view: FileView,
): Program | undefined {
  return resolveFile(path, argv0, who, view)?.program;
}

export function resolveFile(
  path: string,
  argv0: string | undefined,
  who: Identity,
  view: FileView,
): { program: Program; info: FileInfo } | undefined {
  const walk = follow(path, who, view);
  if (walk?.info.kind !== 'file') return undefined;
  const reached = [...new Set(walk.names)];
  const trustedNames = walk.safe && !canWrite(walk.info, who) ? reached : [];
  const names = argv0 === undefined || argv0 === '' ? reached : [...new Set([...reached, baseName(argv0)])];
  return { program: { path: walk.path, names, trustedNames }, info: walk.info };
}

/**
 * Whether something is there, and the account can write no directory met on the way to it, those of links included. Says
 * nothing of the file itself.
 */
export function isSoundWay(path: string, who: Identity, view: FileView): boolean {
  return follow(path, who, view)?.safe ?? false;
}

interface Walk {
  path: string;
  info: FileInfo;
  /** Base names of the request and of what each link in the last place points to. */
  names: string[];
  /** False if the account can write a directory on the way. */
  safe: boolean;
}

function follow(path: string, who: Identity, view: FileView): Walk | undefined {
  let rest = split(path);
  const names = rest.slice(-1);
  let current = '/';
  let info = view.lstat(current);
  let safe = true;
  let links = 0;
  for (let part = rest.shift(); part !== undefined; part = rest.shift()) {
    if (info?.kind !== 'dir') return undefined;
    if (canWrite(info, who)) safe = false;
    const next = step(current, part);
    const there = view.lstat(next);
    if (there?.kind !== 'link') {
      current = next;
      info = there;
      continue;
    }
    const target = view.readlink(next);
    links += 1;
    if (links > MAX_LINKS || target === undefined || target === '') return undefined;
    if (rest.length === 0) names.push(baseName(target));
    rest = [...split(target), ...rest];
    if (target.startsWith('/')) {
      current = '/';
      info = view.lstat(current);
    }
  }
  return info === undefined ? undefined : { path: current, info, names, safe };
}

function step(current: string, part: string): string {
  if (part === '.') return current;
  if (part === '..') return current.slice(0, current.lastIndexOf('/')) || '/';
  return current === '/' ? `/${part}` : `${current}/${part}`;
}

/** True if the account owns it (and so may change its mode) or may write it by group, by an access list or by all. */
export function canWrite({ uid, gid, mode, acl = false }: Omit<FileInfo, 'kind'>, who: Identity): boolean {
  if (uid === who.uid || (mode & 0o002) !== 0) return true;
  return (mode & 0o020) !== 0 && (acl || who.gids.includes(gid));
}

function split(path: string): string[] {
  return path.split('/').filter((p) => p !== '');
}

function baseName(path: string): string {
  return split(path).at(-1) ?? path;
}
