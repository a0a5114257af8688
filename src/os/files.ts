import { machine } from './arch.js';
import { addressOf, check, Errno, errno, libc, SyscallError, self, syscall } from './libc.js';

/** File lookups in another process's root, by descriptor, never by re-used path. */

const SYS_OPENAT2 = 437;
const SYS_STATX = machine.calls.statx;
const AT_FDCWD = -100;
const AT_EMPTY_PATH = 0x1000;
const STATX_BASIC = 0x7ff;
const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000;
const O_NONBLOCK = 0o4000;
const O_NOFOLLOW = machine.nofollow;
const RESOLVE_IN_ROOT = 0x10;
const PATH_MAX = 4096;

const how = Buffer.alloc(24);
const howAddress = addressOf(how);
const name = Buffer.alloc(PATH_MAX + 1);
const nameAddress = addressOf(name);
const stat = Buffer.alloc(256);
const statAddress = addressOf(stat);
const link = Buffer.alloc(PATH_MAX);
const linkAddress = addressOf(link);
const readlinkPath = self.func('long readlink(void *, void *, size_t)') as (p: number, b: number, n: number) => number;
const readlinkFd = self.func('long readlinkat(int, void *, void *, size_t)') as (
  fd: number,
  p: number,
  b: number,
  n: number,
) => number;
const getxattr = self.func('long getxattr(const char *, const char *, void *, size_t)') as (
  p: string,
  n: string,
  b: null,
  s: number,
) => number;

function setName(path: string | Buffer): boolean {
  const size = typeof path === 'string' ? Buffer.byteLength(path) : path.length;
  if (size >= PATH_MAX) return false;
  if (typeof path === 'string') name.write(path, 0);
  else path.copy(name, 0);
  name[size] = 0;
  return true;
}

/** An O_PATH descriptor, or minus the errno. `path` is taken as bytes, seen from the root `root`. */
export function openInRoot(root: number, path: string | Buffer, nofollow = false): number {
  if (!setName(path)) return -36;
  how.writeBigUInt64LE(BigInt(O_PATH | O_CLOEXEC | (nofollow ? O_NOFOLLOW : 0)), 0);
  how.writeBigUInt64LE(BigInt(RESOLVE_IN_ROOT), 16);
  const fd = syscall(SYS_OPENAT2, root, nameAddress, howAddress, how.length, 0, 0);
  return fd === -1 ? -errno() : fd;
}

/** An O_PATH descriptor of a path of our own, magic links followed, or minus the errno. */
export function openPath(path: string): number {
  const fd = libc.open(path, O_PATH | O_CLOEXEC, 0);
  return fd === -1 ? -errno() : fd;
}

/** What tells one file from another, and what a permission check needs. */
export interface FileStat {
  mode: number;
  uid: number;
  gid: number;
  /** Device and inode. */
  id: string;
  /** Changes when the file's content or attributes do. */
  stamp: string;
  size: number;
  /** Names the file has; 0 once it is deleted, and for memory files. */
  links: number;
}

function parseStat(): FileStat {
  return {
    mode: stat.readUInt16LE(28),
    uid: stat.readUInt32LE(20),
    gid: stat.readUInt32LE(24),
    id: `${stat.readUInt32LE(136)}:${stat.readUInt32LE(140)}:${stat.readUInt32LE(36)}.${stat.readUInt32LE(32)}`,
    stamp: `${stat.readInt32LE(96)}.${stat.readUInt32LE(104)}`,
    links: stat.readUInt32LE(16),
    size: stat.readUInt32LE(44) * 0x1_0000_0000 + stat.readUInt32LE(40),
  };
}

export function statFd(fd: number): FileStat | undefined {
  name[0] = 0;
  if (syscall(SYS_STATX, fd, nameAddress, AT_EMPTY_PATH, STATX_BASIC, statAddress, 0) === -1) return undefined;
  return parseStat();
}

/** Follows links, magic ones too (`/proc/PID/exe`). */
export function statPath(path: string): FileStat | undefined {
  if (!setName(path)) return undefined;
  if (syscall(SYS_STATX, AT_FDCWD, nameAddress, 0, STATX_BASIC, statAddress, 0) === -1) return undefined;
  return parseStat();
}

/** A symbolic link's text; undefined when it cannot be read. */
export function readLink(path: string): string | undefined {
  if (!setName(path)) return undefined;
  const size = readlinkPath(nameAddress, linkAddress, PATH_MAX);
  return size < 0 || size === PATH_MAX ? undefined : link.toString('utf8', 0, size);
}

/** The text of the symbolic link an O_PATH descriptor stands for. */
export function readLinkFd(fd: number): string | undefined {
  name[0] = 0;
  const size = readlinkFd(fd, nameAddress, linkAddress, PATH_MAX);
  return size < 0 || size === PATH_MAX ? undefined : link.toString('utf8', 0, size);
}

/** Where a descriptor leads, every link followed. */
export const pathOfFd = (fd: number): string | undefined => readLink(`/proc/self/fd/${fd}`);

/**
 * The first bytes of the file behind an O_PATH descriptor; undefined when it may not be read, `busy` when someone holds
 * a lease on it, for whom an open would wait. Regular files only.
 */
export function readHead(fd: number, into: Buffer): number | 'busy' | undefined {
  const real = libc.open(`/proc/self/fd/${fd}`, O_CLOEXEC | O_NONBLOCK, 0);
  if (real === -1) return errno() === Errno.EAGAIN ? 'busy' : undefined;
  const got = libc.read(real, into, into.length);
  libc.close(real);
  return got < 0 ? undefined : got;
}

/** True when more than owner, group and others have a say over the file. */
export function hasAcl(fd: number): boolean {
  return getxattr(`/proc/self/fd/${fd}`, 'system.posix_acl_access', null, 0) > 0;
}

const getgrouplist = self.func('int getgrouplist(const char *, uint, void *, void *)') as (
  user: string,
  gid: number,
  groups: Buffer,
  count: Buffer,
) => number;

/** The groups an account is in, its own included, as login would set them. */
export function groupsOf(user: string, gid: number): number[] {
  const max = 65_536;
  const groups = Buffer.alloc(max * 4);
  const count = Buffer.alloc(4);
  count.writeInt32LE(max);
  if (getgrouplist(user, gid, groups, count) === -1) throw new SyscallError('getgrouplist', Errno.E2BIG);
  return Array.from({ length: count.readInt32LE(0) }, (_, i) => groups.readUInt32LE(i * 4));
}

/** A close-on-exec file in memory holding `bytes`, its offset at the start. */
export function memoryFile(label: string, bytes: Buffer): number {
  const text = Buffer.from(`${label}\0`);
  const fd = check('memfd_create', syscall(machine.calls.memfdCreate, addressOf(text), 1, 0, 0, 0, 0));
  libc.write(fd, bytes, bytes.length);
  check('lseek', lseek(fd, 0, 0));
  return fd;
}

const lseek = self.func('long lseek(int, long, int)') as (fd: number, offset: number, whence: number) => number;

/** Whether a file has an extended attribute that this process may see. */
export const hasAttribute = (path: string, attribute: string): boolean => getxattr(path, attribute, null, 0) >= 0;
