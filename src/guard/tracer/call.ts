import { machine } from '../../os/arch.js';
import { addressOf } from '../../os/libc.js';
import { addPiece, beginRead, isVast, readBatch, toPageEnd } from '../../os/memory.js';
import { callArgument, callArgumentInt, callNumber, loadRegisters } from '../../os/ptrace.js';
import { isHook, mayBeHook } from '../hooks.js';

/** What a process asked the kernel to run, copied out of its memory while it is stopped. */
export interface ExecCall {
  path: Buffer;
  /** AT_FDCWD for execve. */
  dirfd: number;
  flags: number;
  argv: Buffer[];
  /** Hook names in the new environment. */
  hooks: string[];
}

/**
 * `too-long`: more than the gate reads; the caller is told E2BIG, as by a smaller ARG_MAX. `other`: no exec at all, but
 * a call that a filter of the session's own sent here.
 */
export type ReadOutcome = ExecCall | 'unreadable' | 'too-long' | 'other';

export const AT_FDCWD = -100;
/** Words of an argv or an environment the gate reads: xargs and `*` in a large directory stay far below. */
const MAX_WORDS = 65_536;
/** Bytes of an argv: the usual ARG_MAX. */
const MAX_ARGV_BYTES = 2 * 1024 * 1024;
/** The kernel's MAX_ARG_STRLEN and PATH_MAX. */
const MAX_STRING = 131_072;
const MAX_PATH = 4096;

const { execve: EXECVE, execveat: EXECVEAT } = machine.calls;
const FIRST = { path: 256, argv: 512, env: 1024 };
const ARG_HEAD = 256;
/** Longer than any hook's name. */
const ENV_HEAD = 32;
/** Words read one by one, because they are long or lie across pages: two megabytes of long ones stay below. */
const MAX_SLOW = 9_000;
/** Pieces per batch; the area holds that many of the larger kind. */
const BATCH = 900;

const area = Buffer.alloc(BATCH * ARG_HEAD + 4096);
const areaAddress = addressOf(area);
const chunk = Buffer.alloc(4096);
const chunkAddress = addressOf(chunk);

/** Reads the call a tracee is about to make, at its seccomp stop; `trusted` when that is the word it runs under. */
export function readCall(pid: number, trusted: boolean): ReadOutcome {
  if (!loadRegisters(pid) || isVast(pid)) return 'unreadable';
  const number = callNumber();
  if (number !== EXECVE && number !== EXECVEAT) return 'other';
  const { pathAt, argvAt, envAt, dirfd, flags } = callArguments();
  if (Number.isNaN(pathAt + argvAt + envAt) || pathAt === 0) return 'unreadable';
  const size = (address: number, most: number) => (address === 0 ? 0 : Math.min(most, toPageEnd(address)));
  const sizes = { path: size(pathAt, FIRST.path), argv: size(argvAt, FIRST.argv), env: size(envAt, FIRST.env) };
  beginRead();
  addPiece(pathAt, sizes.path);
  if (sizes.argv > 0) addPiece(argvAt, sizes.argv);
  if (sizes.env > 0) addPiece(envAt, sizes.env);
  if (!readBatch(pid, areaAddress)) return 'unreadable';

  const nul = area.indexOf(0, 0);
  const early = nul >= 0 && nul < sizes.path ? Buffer.from(area.subarray(0, nul)) : undefined;
  const argvPointers = pointers(pid, argvAt, sizes.path, sizes.argv);
  const envPointers = pointers(pid, envAt, sizes.path + sizes.argv, sizes.env);
  if (typeof argvPointers === 'string') return argvPointers;
  if (typeof envPointers === 'string') return envPointers;
  const path = early ?? readString(pid, pathAt, MAX_PATH);
  if (path === undefined) return 'unreadable';

  const argv = readWords(pid, argvPointers);
  if (typeof argv === 'string') return argv;
  const hooks = readHooks(pid, envPointers, trusted);
  if (typeof hooks === 'string') return hooks;
  // The kernel gives a program without arguments an empty one.
  return { path, dirfd, flags, argv: argv.length > 0 ? argv : [Buffer.alloc(0)], hooks };
}

/** The loaded registers as the arguments of execve or execveat. */
function callArguments() {
  if (callNumber() === EXECVE)
    return { pathAt: callArgument(0), argvAt: callArgument(1), envAt: callArgument(2), dirfd: AT_FDCWD, flags: 0 };
  const [pathAt, argvAt, envAt] = [callArgument(1), callArgument(2), callArgument(3)];
  return { pathAt, argvAt, envAt, dirfd: callArgumentInt(0), flags: callArgumentInt(4) };
}

/** Pointers up to the null, the first of them from the area. */
function pointers(pid: number, address: number, offset: number, size: number): number[] | 'unreadable' | 'too-long' {
  const list: number[] = [];
  if (address === 0) return list;
  if (collect(area, offset, size, list)) return list;
  while (list.length <= MAX_WORDS) {
    // A pointer may straddle two pages: read whole pointers only, as many as the page surely holds.
    const next = address + list.length * 8;
    const span = toPageEnd(next) >= 8 ? toPageEnd(next) - (toPageEnd(next) % 8) : 8;
    beginRead();
    addPiece(next, span);
    if (!readBatch(pid, chunkAddress)) return 'unreadable';
    if (collect(chunk, 0, span, list)) return list;
  }
  return 'too-long';
}

/** True when the terminating null was met. */
function collect(from: Buffer, offset: number, size: number, into: number[]): boolean {
  for (let at = offset; at + 8 <= offset + size; at += 8) {
    const high = from.readUInt32LE(at + 4);
    const pointer = high * 0x1_0000_0000 + from.readUInt32LE(at);
    if (pointer === 0) return true;
    // Out of the user half: no such memory; -1 makes the read of the string fail.
    into.push(high > 0x1f_ffff ? -1 : pointer);
  }
  return false;
}

function readWords(pid: number, list: readonly number[]): Buffer[] | 'unreadable' | 'too-long' {
  const words: Buffer[] = [];
  let bytes = 0;
  let slow = 0;
  let failed: 'unreadable' | 'too-long' | undefined;
  eachHead(pid, list, ARG_HEAD, (address, from, to) => {
    const nul = from === to ? -1 : area.indexOf(0, from);
    const whole = nul >= 0 && nul < to;
    if (!whole) slow += 1;
    const word = whole ? Buffer.from(area.subarray(from, nul)) : readString(pid, address, MAX_STRING);
    if (word === undefined) failed ??= 'unreadable';
    else if (slow > MAX_SLOW) failed ??= 'too-long';
    else {
      words.push(word);
      bytes += word.length + 1;
      if (bytes > MAX_ARGV_BYTES) failed ??= 'too-long';
    }
    return failed === undefined;
  });
  return failed ?? words;
}

function readHooks(pid: number, list: readonly number[], trusted: boolean): string[] | 'unreadable' | 'too-long' {
  const hooks: string[] = [];
  let slow = 0;
  let failed: 'unreadable' | 'too-long' | undefined;
  eachHead(pid, list, ENV_HEAD, (address, from, to) => {
    if (to - from >= 2 && !mayBeHook(area[from] ?? 0, area[from + 1] ?? 0)) return true;
    let bytes: Buffer | undefined = area.subarray(from, to);
    if (bytes.length < ENV_HEAD && nameEnd(bytes) < 0) {
      slow += 1;
      bytes = readPrefix(pid, address, ENV_HEAD);
    }
    if (bytes === undefined) failed = 'unreadable';
    else if (slow > MAX_SLOW) failed = 'too-long';
    else {
      const end = nameEnd(bytes);
      const name = bytes.toString('latin1', 0, end < 0 ? bytes.length : end);
      if (isHook(name, trusted) && hooks.length < 32) hooks.push(name);
    }
    return failed === undefined;
  });
  return failed ?? hooks;
}

/** Where the first `=`, or the end of the string, is; -1 when neither is in sight. */
function nameEnd(bytes: Buffer): number {
  const nul = bytes.indexOf(0);
  const equals = bytes.indexOf(61);
  return equals < 0 || (nul >= 0 && nul < equals) ? nul : equals;
}

/**
 * Reads the first bytes of many strings with few calls; `use` gets where in the area they lie, to the end of the page at
 * most and nothing when they could not be read, and returns false to stop.
 */
function eachHead(
  pid: number,
  list: readonly number[],
  head: number,
  use: (address: number, from: number, to: number) => boolean,
): void {
  const sizeAt = (address: number) => (address > 0 ? Math.min(head, toPageEnd(address)) : 0);
  for (let from = 0; from < list.length; from += BATCH) {
    const batch = list.slice(from, from + BATCH);
    beginRead();
    for (const address of batch) if (address > 0) addPiece(address, sizeAt(address));
    const came = readBatch(pid, areaAddress);
    let at = 0;
    for (const address of batch) {
      const start = at;
      at += sizeAt(address);
      if (!use(address, start, came ? at : start)) return;
    }
  }
}

const long = Buffer.alloc(4096);
const longAddress = addressOf(long);

function readPage(pid: number, address: number, size: number): boolean {
  beginRead();
  addPiece(address, size);
  return readBatch(pid, longAddress);
}

/** Up to `max` bytes of a string that need not end there. */
function readPrefix(pid: number, address: number, max: number): Buffer | undefined {
  const parts: Buffer[] = [];
  let got = 0;
  while (got < max) {
    const size = Math.min(toPageEnd(address + got), max - got);
    if (address < 0 || !readPage(pid, address + got, size)) return undefined;
    const nul = long.subarray(0, size).indexOf(0);
    parts.push(Buffer.from(long.subarray(0, nul < 0 ? size : nul)));
    if (nul >= 0) break;
    got += size;
  }
  return Buffer.concat(parts);
}

/** A whole string, page by page; undefined when unreadable or longer than `max`. */
function readString(pid: number, address: number, max: number): Buffer | undefined {
  const bytes = readPrefix(pid, address, max + 1);
  return bytes === undefined || bytes.length > max ? undefined : bytes;
}
