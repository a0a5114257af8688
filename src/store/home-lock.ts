/** The home's lock: who holds it writes the store and the audit log, and nobody else does. */
import {
  constants as c,
  closeSync,
  fchownSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  realpathSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { SallyportError } from '../core/errors.js';
import { escapeText } from '../core/escape.js';
import { tryFlock } from '../os/flock.js';
import { isCode, type Owner } from './files.js';

export interface HomeLock {
  /** Idempotent. */
  release(): void;
}

/** Homes whose lock this process holds, by real path: the audit log asks. */
const held = new Set<string>();

/**
 * Takes `state/lock` for this process; the kernel gives it back when the process dies, however it dies. Throws
 * `failed`, naming the holder, when another has it. `purpose` is what the other is told.
 */
export function takeHomeLock(stateDir: string, owner: Owner, purpose: string): HomeLock {
  const file = join(stateDir, 'lock');
  const fd = openLock(file);
  try {
    if (!tryPatiently(fd))
      throw new SallyportError(
        'failed',
        `${stateDir}: in use by ${holderOf(fd)}: stop it first, or ask it through its control socket`,
      );
    if (process.geteuid?.() === 0 && owner.uid !== 0) fchownSync(fd, owner.uid, owner.gid);
    ftruncateSync(fd, 0);
    writeSync(fd, `${process.pid} ${purpose}\n`, 0);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  const real = realpathSync(stateDir);
  held.add(real);
  let open = true;
  return {
    release() {
      if (!open) return;
      open = false;
      held.delete(real);
      closeSync(fd);
    },
  };
}

/** Whether this process holds the lock of that home. */
export function holdsHomeLock(stateDir: string): boolean {
  try {
    return held.has(realpathSync(stateDir));
  } catch {
    return false;
  }
}

/** Whether some process (this one too) holds the lock of that home now. */
export function isHomeLive(stateDir: string): boolean {
  let fd: number;
  try {
    fd = openSync(join(stateDir, 'lock'), c.O_RDONLY | c.O_NOFOLLOW | c.O_NONBLOCK);
  } catch (error) {
    if (isCode(error, 'ENOENT')) return false;
    throw error;
  }
  try {
    return !tryFlock(fd);
  } finally {
    closeSync(fd);
  }
}

/** Someone who only asks whether the home is live holds the lock for an instant: such a one is waited out, 40 ms at most. */
function tryPatiently(fd: number): boolean {
  for (let tries = 0; tries < 5; tries++) {
    if (tryFlock(fd)) return true;
    if (tries < 4) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
  }
  return false;
}

function openLock(file: string): number {
  try {
    const fd = openSync(file, c.O_RDWR | c.O_CREAT | c.O_NOFOLLOW | c.O_NONBLOCK, 0o600);
    if (fstatSync(fd).isFile()) return fd;
    closeSync(fd);
  } catch (error) {
    if (!isCode(error, 'ELOOP')) throw error;
  }
  throw new SallyportError('failed', `${file}: not a regular file: remove it while no broker runs`);
}

/** What the holder wrote; for people only, since it may be stale. */
function holderOf(fd: number): string {
  const into = Buffer.alloc(200);
  const text = into
    .subarray(0, readSync(fd, into, 0, into.length, 0))
    .toString('utf8')
    .trim();
  const [pid, ...purpose] = text.split(' ');
  return pid ? `${escapeText(purpose.join(' ')) || 'another process'} (pid ${escapeText(pid)})` : 'another process';
}
