import { closeFd } from '../../os/fd.js';
import { type FileStat, openInRoot, openPath, pathOfFd, readHead, readLink, statFd } from '../../os/files.js';
import { Errno } from '../../os/libc.js';
import { AT_FDCWD, type ExecCall } from './call.js';
import { HEAD_SIZE, isNarrow, parseShebang, type Shebang } from './script.js';

/** A file as the tracee would reach it. The descriptor is open until `release`. */
export interface Found {
  /** Every link followed; what the kernel shows, `(deleted)` included. */
  path: string;
  /** Absolute, as asked for; absent when it was reached by a descriptor alone. */
  requested: string | undefined;
  stat: FileStat;
  fd: number;
  /** No directory holds it any more, or none ever did. */
  deleted: boolean;
  /** Present when the kernel will run an interpreter instead. */
  shebang: Shebang | undefined;
}

/**
 * `absent`: the kernel will refuse by itself. `unnamed`: it might run, and nobody could say what. `narrow`: a 32-bit
 * program, whose every call the filter would kill.
 */
export type Resolution = Found | 'absent' | 'unnamed' | 'narrow';

const AT_EMPTY_PATH = 0x1000;
const S_IFMT = 0o170000;
const S_IFREG = 0o100000;
const ELOOP = 40;
/** Script heads remembered; keyed by identity and change time. */
const MAX_HEADS = 2_048;

export function resolveCall(root: number, pid: number, call: ExecCall): Resolution {
  const text = call.path.toString('utf8');
  // A name that is not UTF-8 would be shown as another: nobody could have allowed it.
  if (Buffer.compare(Buffer.from(text), call.path) !== 0) return 'unnamed';
  if (text === '') {
    if ((call.flags & AT_EMPTY_PATH) === 0 || call.dirfd < 0) return 'absent';
    return inspect(openPath(`/proc/${pid}/fd/${call.dirfd}`), undefined);
  }
  return resolvePath(root, pid, text, call.dirfd);
}

/** Resolves `text` from the tracee's working directory, or `dirfd`, or its root. */
export function resolvePath(root: number, pid: number, text: string, dirfd = AT_FDCWD): Resolution {
  if (text.startsWith('/')) {
    const own = ownLink(pid, text);
    if (own !== undefined) return inspect(openPath(own), undefined);
    const fd = openInRoot(root, text);
    // What /proc shows the tracee is not what it shows us: what we cannot find there it may.
    if (fd < 0 && (text.startsWith('/proc/') || text.startsWith('/dev/fd/'))) return 'unnamed';
    return inspect(fd, text);
  }
  const base = readLink(dirfd === AT_FDCWD ? `/proc/${pid}/cwd` : `/proc/${pid}/fd/${dirfd}`);
  if (base === undefined) return 'absent';
  if (!base.startsWith('/') || base.endsWith(' (deleted)')) return 'unnamed';
  return resolvePath(root, pid, `${base === '/' ? '' : base}/${text}`);
}

/** The magic links a process has to itself, as we can follow them. */
function ownLink(pid: number, text: string): string | undefined {
  const match = /^\/(?:proc\/(?:self|thread-self)\/(exe|fd\/\d+)|dev\/(fd\/\d+))$/.exec(text);
  return match ? `/proc/${pid}/${match[1] ?? match[2]}` : undefined;
}

function inspect(fd: number, requested: string | undefined): Resolution {
  if (fd < 0) return fd === -ELOOP || fd === -Errno.EPERM ? 'unnamed' : 'absent';
  const stat = statFd(fd);
  const path = pathOfFd(fd);
  if (stat !== undefined && path !== undefined && (stat.mode & S_IFMT) === S_IFREG && (stat.mode & 0o111) !== 0) {
    const deleted = stat.links === 0 || path.endsWith(' (deleted)');
    const shebang = shebangOf(fd, stat);
    if (typeof shebang !== 'string') return { path, requested, stat, fd, deleted, shebang };
    closeFd(fd);
    return shebang === 'busy' ? 'unnamed' : shebang;
  }
  closeFd(fd);
  return stat === undefined || path === undefined ? 'unnamed' : 'absent';
}

export function release(found: Found): void {
  closeFd(found.fd);
}

const heads = new Map<string, Shebang | 'narrow' | null>();
const head = Buffer.alloc(HEAD_SIZE);

function shebangOf(fd: number, stat: FileStat): Shebang | 'busy' | 'narrow' | undefined {
  const key = `${stat.id}@${stat.stamp}/${stat.size}`;
  const known = heads.get(key);
  if (known !== undefined) return known ?? undefined;
  const size = readHead(fd, head);
  if (size === 'busy') return size;
  // Unreadable for us means exec-only: a binary, or the image check will not match.
  const first = size === undefined ? undefined : head.subarray(0, size);
  const shebang = first && (isNarrow(first) ? 'narrow' : parseShebang(first));
  if (heads.size >= MAX_HEADS) heads.clear();
  heads.set(key, shebang ?? null);
  return shebang;
}
