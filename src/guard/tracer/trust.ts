import { basename } from 'node:path';
import type { Clock } from '../../core/clock.js';
import { canWrite, type FileView, type Identity, isSoundWay } from '../../gate/trust.js';
import { closeFd } from '../../os/fd.js';
import { type FileStat, hasAcl, openInRoot, readLinkFd, statFd } from '../../os/files.js';

const S_IFMT = 0o170000;
const S_IFDIR = 0o040000;
const S_IFLNK = 0o120000;
const S_IFREG = 0o100000;
/** How long an answer about directories stands, ms: they change by root's hand only. */
const FRESH_MS = 2_000;
const MAX_CACHED = 4_096;

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

export function createTrust(who: Identity, clock: Clock): Trust {
  const ways = new Map<string, { sound: boolean; at: number }>();

  const sound = (root: number, path: string): boolean => {
    const now = clock.mono();
    const known = ways.get(path);
    if (known && now - known.at < FRESH_MS) return known.sound;
    if (ways.size >= MAX_CACHED) ways.clear();
    const answer = isSoundWay(path, who, viewFrom(root));
    ways.set(path, { sound: answer, at: now });
    return answer;
  };

  return {
    sound,
    names(root, requested, resolved, file, fd) {
      if (canWrite(ownershipOf(file, fd), who) || !sound(root, resolved)) return [];
      const names = [basename(resolved)];
      if (requested === undefined || requested === resolved) return names;
      const other = basename(requested);
      if (other !== names[0] && sound(root, requested)) names.push(other);
      return names;
    },
  };
}

/** The file system of a session, as seen from its root. */
function viewFrom(root: number): FileView {
  return {
    lstat: (path) =>
      opened(root, path, (fd) => {
        const stat = statFd(fd);
        return stat && { kind: kindOf(stat.mode), ...ownershipOf(stat, fd) };
      }),
    readlink: (path) => opened(root, path, readLinkFd),
  };
}

/** Undefined for what cannot be opened; a last symbolic link is opened itself. */
function opened<T>(root: number, path: string, use: (fd: number) => T): T | undefined {
  const fd = openInRoot(root, path, true);
  if (fd < 0) return undefined;
  try {
    return use(fd);
  } finally {
    closeFd(fd);
  }
}

const ownershipOf = ({ uid, gid, mode }: FileStat, fd: number) => ({
  uid,
  gid,
  mode: mode & 0o7777,
  acl: (mode & 0o020) !== 0 && hasAcl(fd),
});

function kindOf(mode: number) {
  const type = mode & S_IFMT;
  if (type === S_IFDIR) return 'dir';
  if (type === S_IFLNK) return 'link';
  return type === S_IFREG ? 'file' : 'other';
}
