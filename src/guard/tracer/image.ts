import { readFileSync } from 'node:fs';
import { statPath } from '../../os/files.js';
import { readBytes, readSmall } from '../../os/memory.js';
import { stackOf } from '../../os/ptrace.js';
import { isHook } from '../hooks.js';
import type { Plan } from './plan.js';
import { printAt } from './print.js';

/** Argument bytes compared at a time. */
const PIECE = 256 * 1024;

/**
 * True when the image of a process at its exec stop is the one planned: the same file, the same content where the
 * account could have changed it, the same words. Not one instruction of it has run, and nobody can write a file that
 * runs.
 */
export function imageMatches(pid: number, plan: Plan): boolean {
  const exe = `/proc/${pid}/exe`;
  if (statPath(exe)?.id !== plan.exe || !wordsMatch(pid, plan)) return false;
  if (plan.env !== undefined && !environmentOf(pid)?.includes(plan.env)) return false;
  return plan.print === undefined || printAt(exe) === plan.print;
}

/** True when the environment of a process at its exec stop holds a hook, or cannot be read; `trusted` is whether what started it is. */
export function carriesHooks(pid: number, trusted: boolean): boolean {
  return environmentOf(pid)?.some((name) => isHook(name, trusted)) ?? true;
}

/** The names in the environment of a process; undefined when it cannot be read. */
function environmentOf(pid: number): string[] | undefined {
  try {
    const words = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
    return words.map((word) => word.split('=', 1)[0] ?? '');
  } catch {
    return undefined;
  }
}

/** The new stack begins with argc and the pointer to argv[0]; the words lie end to end from there. */
function wordsMatch(pid: number, plan: Plan): boolean {
  const stack = stackOf(pid);
  const top = stack === undefined ? undefined : readSmall(pid, stack, 16);
  if (!top || top.readUInt32LE(0) !== plan.argc || top.readUInt32LE(4) !== 0) return false;
  const start = top.readUInt32LE(12) * 0x1_0000_0000 + top.readUInt32LE(8);
  for (let at = 0; at < plan.argv.length; at += PIECE) {
    const expected = plan.argv.subarray(at, at + PIECE);
    const bytes =
      expected.length <= 4096 - 16
        ? readSmall(pid, start + at, expected.length)
        : readBytes(pid, start + at, expected.length);
    if (!bytes || Buffer.compare(bytes.subarray(0, expected.length), expected) !== 0) return false;
  }
  return true;
}
