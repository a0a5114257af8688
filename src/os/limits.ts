import { readFileSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { machine } from './arch.js';
import { addressOf, check, Errno, errno, SyscallError, syscall } from './libc.js';

/** Resource limits of other processes, by prlimit(2); one of the caller's uid, or any for root. */

const SYS_PRLIMIT64 = machine.calls.prlimit64;

export const Resource = { cpu: 0, fileSize: 1, data: 2, core: 4, processes: 6, openFiles: 7 } as const;

const rlimit = Buffer.alloc(16);
const address = addressOf(rlimit);

/** RLIM_INFINITY reads as Infinity. */
export function limitOf(pid: number, resource: number): { soft: number; hard: number } {
  check('prlimit', syscall(SYS_PRLIMIT64, pid, resource, 0, address, 0, 0));
  const [soft = 0, hard = 0] = [0, 8].map((at) => Number(rlimit.readBigUInt64LE(at)));
  const infinite = (n: number) => (n >= 2 ** 63 ? Number.POSITIVE_INFINITY : n);
  return { soft: infinite(soft), hard: infinite(hard) };
}

function write(pid: number, resource: number, soft: number, hard: number): boolean {
  for (const [at, n] of [soft, hard].entries())
    rlimit.writeBigUInt64LE(Number.isFinite(n) ? BigInt(n) : 0xffff_ffff_ffff_ffffn, 8 * at);
  return syscall(SYS_PRLIMIT64, pid, resource, address, 0, 0, 0) === 0;
}

/** Whole numbers or Infinity. A hard limit that this process may not raise stays where it is, and bounds the soft one. */
export function setLimit(pid: number, resource: number, soft: number, hard: number): void {
  if (write(pid, resource, Math.min(soft, hard), hard)) return;
  if (errno() !== Errno.EPERM) throw new SyscallError('prlimit', errno());
  const most = Math.min(hard, limitOf(pid, resource).hard);
  if (!write(pid, resource, Math.min(soft, most), most)) throw new SyscallError('prlimit', errno());
}

/** A soft limit; undefined when the process is gone. */
export function softLimit(pid: number, resource: number): number | undefined {
  try {
    return limitOf(pid, resource).soft;
  } catch {
    return undefined;
  }
}

/** Changes a soft limit alone; false when the process is gone. */
export function setSoftLimit(pid: number, resource: number, soft: number): boolean {
  try {
    const { hard } = limitOf(pid, resource);
    return write(pid, resource, Math.min(soft, hard), hard);
  } catch {
    return false;
  }
}

/** nice(1) of one thread and what it starts from now on. */
export const setNice = (pid: number, nice: number): void => setPriority(pid, nice);

/** Whom the kernel ends first when memory runs out: -1000 to 1000. Root's word cannot be taken back by an account. */
export function setOomScore(pid: number | 'self', score: number): void {
  writeQuietly(`/proc/${pid}/oom_score_adj`, String(score));
}

export function oomScore(): number {
  return Number(readFileSync('/proc/self/oom_score_adj', 'utf8'));
}

function writeQuietly(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch {
    // A courtesy of the kernel's, where it has it and lets us.
  }
}
