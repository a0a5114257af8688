import { basename } from 'node:path';
import type { Clock } from '../../core/clock.js';
import { closeFd } from '../../os/fd.js';
import { type FileStat, hasAcl, openInRoot, readLinkFd, statFd } from '../../os/files.js';

/** Who could have put a file where it lies. */
export interface TrustAccount {
  uid: number;
  gids: ReadonlySet<number>;
}

const S_IFMT = 0o170000;
const S_IFLNK = 0o120000;
/** Symbolic links followed on the way to one file; the kernel's own bound. */
const MAX_LINKS = 40;
/** How long an answer about directories stands, ms: they change by root's hand only. */
const FRESH_MS = 2_000;
const MAX_CACHED = 4_096;

/** True when the account could change the file or directory: as owner, by group, by everyone's right, or by an ACL. */
export function writable(stat: FileStat, account: TrustAccount, acl: () => boolean): boolean {
  if (stat.uid === account.uid) return true;
  if ((stat.mode & 0o002) !== 0) return true;
  return (stat.mode & 0o020) !== 0 && (account.gids.has(stat.gid) || acl());
}

/** Answers, for one session, which names of a file an allow row may match. */
export interface Trust {
  /**
   * The trusted ones of `requested` (absolute, as asked for) and `resolved`: all directories passed on the way,
   * those of symbolic links included, and the file, must be beyond the account's writing.
   */
  names(root: number, requested: string | undefined, resolved: string, file: FileStat, fd: number): string[];
  /** True when no directory or link on the way `path` takes is the account's to change. */
  sound(root: number, path: string): boolean;
}

export function createTrust(account: TrustAccount, clock: Clock): Trust {
  const ways = new Map<string, { sound: boolean; at: number }>();

  const sound = (root: number, path: string): boolean => {
    const now = clock.mono();
    const known = ways.get(path);
    if (known && now - known.at < FRESH_MS) return known.sound;
    if (ways.size >= MAX_CACHED) ways.clear();
    const answer = wayIsSound(root, path, account);
    ways.set(path, { sound: answer, at: now });
    return answer;
  };

  return {
    sound,
    names(root, requested, resolved, file, fd) {
      if (writable(file, account, () => hasAcl(fd)) || !sound(root, resolved)) return [];
      const names = [basename(resolved)];
      if (requested === undefined || requested === resolved) return names;
      const other = basename(requested);
      if (other !== names[0] && sound(root, requested)) names.push(other);
      return names;
    },
  };
}

/** Walks `path` from the root, component by component, links included. */
function wayIsSound(root: number, path: string, account: TrustAccount): boolean {
  let done: string[] = [];
  let left = path.split('/').filter((c) => c !== '' && c !== '.');
  let links = 0;
  if (!soundDirectory(root, '/', account)) return false;
  while (left.length > 0) {
    const [name = '', ...rest] = left;
    left = rest;
    if (name === '..') {
      done = done.slice(0, -1);
      continue;
    }
    const here = `/${[...done, name].join('/')}`;
    const step = look(root, here, account, left.length > 0);
    if (step === 'unsound') return false;
    if (step === 'sound') {
      done = [...done, name];
      continue;
    }
    links += 1;
    if (links > MAX_LINKS) return false;
    if (step.link.startsWith('/')) done = [];
    left = [...step.link.split('/').filter((c) => c !== '' && c !== '.'), ...left];
  }
  return true;
}

function look(
  root: number,
  path: string,
  account: TrustAccount,
  directory: boolean,
): 'sound' | 'unsound' | { link: string } {
  const fd = openInRoot(root, path, true);
  if (fd < 0) return 'unsound';
  try {
    const stat = statFd(fd);
    if (!stat) return 'unsound';
    if ((stat.mode & S_IFMT) === S_IFLNK) {
      const link = readLinkFd(fd);
      return link === undefined ? 'unsound' : { link };
    }
    return directory && writable(stat, account, () => hasAcl(fd)) ? 'unsound' : 'sound';
  } finally {
    closeFd(fd);
  }
}

const soundDirectory = (root: number, path: string, account: TrustAccount): boolean =>
  look(root, path, account, true) === 'sound';
