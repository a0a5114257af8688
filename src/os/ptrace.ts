import { machine } from './arch.js';
import { addressOf, check, Errno, errno, libc, syscall } from './libc.js';

/** ptrace(2) and waitpid(2). One thread traces: the main one; nothing else in the process may wait. */

const SYS_PTRACE = machine.calls.ptrace;
const PTRACE_CONT = 7;
const PTRACE_SETOPTIONS = 0x4200;
const PTRACE_GETEVENTMSG = 0x4201;
const PTRACE_GETREGSET = 0x4204;
const PTRACE_SETREGSET = 0x4205;
const PTRACE_SEIZE = 0x4206;
const PTRACE_INTERRUPT = 0x4207;
const PTRACE_LISTEN = 0x4208;

const TRACE_FORK = 1 << 1;
const TRACE_VFORK = 1 << 2;
const TRACE_CLONE = 1 << 3;
const TRACE_EXEC = 1 << 4;
const TRACE_EXIT = 1 << 6;
const TRACE_SECCOMP = 1 << 7;
const EXITKILL = 1 << 20;

export const Event = { fork: 1, vfork: 2, clone: 3, exec: 4, exit: 6, seccomp: 7, stop: 128 } as const;

const WNOHANG = 1;
const WALL = 0x40000000;

const NT_PRSTATUS = 1;
const { args, callSet, number, result, size, stack } = machine.registers;

const registers = Buffer.alloc(size);
const registersAddress = addressOf(registers);
const words = new Uint32Array(registers.buffer, registers.byteOffset, size / 4);
/** struct iovec */
const vector = Buffer.alloc(16);
const vectorAddress = addressOf(vector);
const scratch = Buffer.alloc(8);
const scratchAddress = addressOf(scratch);
const status = Buffer.alloc(4);
const statusAddress = addressOf(status);

/** False when the tracee is no longer there (killed meanwhile): its death will be reported by waitAny. */
function request(code: number, pid: number, addr: number, data: number): boolean {
  return syscall(SYS_PTRACE, code, pid, addr, data, 0, 0) !== -1;
}

const OPTIONS = TRACE_FORK | TRACE_VFORK | TRACE_CLONE | TRACE_EXEC | TRACE_SECCOMP | EXITKILL;

/** Attaches without stopping. Everything it forks is traced too, and dies when this process does. */
export function seize(pid: number): void {
  check('ptrace(SEIZE)', syscall(SYS_PTRACE, PTRACE_SEIZE, pid, 0, OPTIONS, 0, 0));
}

/** Whether a stopped tracee is to stop once more at the start of its exit. What it forks from then on does as it does. */
export const stopAtExit = (pid: number, on: boolean): boolean =>
  request(PTRACE_SETOPTIONS, pid, 0, on ? OPTIONS | TRACE_EXIT : OPTIONS);

/** Lets a stopped tracee run on, delivering `signal` when it is not 0. */
export const cont = (pid: number, signal = 0): boolean => request(PTRACE_CONT, pid, 0, signal);
/** Leaves a job-control stop in force while staying attached. */
export const listen = (pid: number): boolean => request(PTRACE_LISTEN, pid, 0, 0);
/** Asks for a stop soon. */
export const interrupt = (pid: number): boolean => request(PTRACE_INTERRUPT, pid, 0, 0);

/** The event's message (a new tid, a former tid); undefined when the tracee is gone. */
export function eventMessage(pid: number): number | undefined {
  return request(PTRACE_GETEVENTMSG, pid, 0, scratchAddress) ? scratch.readUInt32LE(0) : undefined;
}

function regset(code: number, pid: number, set: number, address: number, bytes: number): boolean {
  vector.writeUInt32LE(address % 0x1_0000_0000, 0);
  vector.writeUInt32LE(Math.floor(address / 0x1_0000_0000), 4);
  vector.writeUInt32LE(bytes, 8);
  return request(code, pid, set, vectorAddress);
}

/** Loads the registers of a stopped tracee for the functions below; false when it is gone. */
export const loadRegisters = (pid: number): boolean =>
  regset(PTRACE_GETREGSET, pid, NT_PRSTATUS, registersAddress, size);

/** A register as an unsigned number; NaN above 2^53, which no plain user address is. */
function register(offset: number): number {
  const high = words[offset / 4 + 1] ?? 0;
  return high > 0x1f_ffff ? Number.NaN : high * 0x1_0000_0000 + (words[offset / 4] ?? 0);
}

/** A register's low half as a signed int, as the kernel reads an `int`. */
const registerInt = (offset: number): number => (words[offset / 4] ?? 0) | 0;

/** Of the loaded registers, at a seccomp stop: the call's number, and its arguments from 0 as address or as int. */
export const callNumber = (): number => registerInt(number);
export const callArgument = (at: 0 | 1 | 2 | 3 | 4): number => register(args[at]);
export const callArgumentInt = (at: 0 | 1 | 2 | 3 | 4): number => registerInt(args[at]);

/** Where the stack of a stopped tracee ends; undefined when it is gone. */
export function stackOf(pid: number): number | undefined {
  const top = loadRegisters(pid) ? register(stack) : Number.NaN;
  return Number.isNaN(top) ? undefined : top;
}

/** The call a stopped tracee is in, -1 when in none; undefined when it is gone. */
export function callOf(pid: number): number | undefined {
  if (callSet === undefined) return loadRegisters(pid) ? callNumber() : undefined;
  return regset(PTRACE_GETREGSET, pid, callSet, scratchAddress, 4) ? scratch.readInt32LE(0) : undefined;
}

/** At a seccomp stop: the call is skipped and returns `-code`. */
export function skipCall(pid: number, code: number): boolean {
  if (!loadRegisters(pid)) return false;
  if (callSet === undefined) registers.writeBigInt64LE(-1n, number);
  registers.writeBigInt64LE(BigInt(-code), result);
  scratch.writeInt32LE(-1, 0);
  return (
    (callSet === undefined || regset(PTRACE_SETREGSET, pid, callSet, scratchAddress, 4)) &&
    regset(PTRACE_SETREGSET, pid, NT_PRSTATUS, registersAddress, size)
  );
}

/** What waitAny found, in place: read before the next call. */
export const found = { pid: 0, status: 0 };

/** The next report of any child or tracee, without waiting; false when there is none. */
export function waitAny(): boolean {
  for (;;) {
    const pid = libc.waitpid(-1, statusAddress, WALL | WNOHANG);
    if (pid > 0) {
      found.pid = pid;
      found.status = status.readInt32LE(0);
      return true;
    }
    if (pid === 0 || errno() !== Errno.EINTR) return false;
  }
}

export const exited = (s: number): boolean => (s & 0x7f) === 0;
export const exitCode = (s: number): number => (s >> 8) & 0xff;
export const signaled = (s: number): boolean => (s & 0x7f) !== 0 && (s & 0x7f) !== 0x7f;
export const termSignal = (s: number): number => s & 0x7f;
export const stopSignal = (s: number): number => (s >> 8) & 0xff;
export const stopEvent = (s: number): number => s >>> 16;
