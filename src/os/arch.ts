/**
 * What differs between the architectures sessions are traced on: one table each, and nothing anywhere else asks which
 * it is. Numbers: the kernel's arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h.
 */
export interface Machine {
  /** AUDIT_ARCH_*: what a filter is told of the call's ABI. Every other one is killed. */
  readonly auditArch: number;
  /** Call numbers from here on belong to another ABI (x32); absent where there is none. */
  readonly foreignFrom?: number;
  readonly calls: Calls;
  /** Refused in a session; `os/seccomp.ts` says what they are. */
  readonly denied: readonly number[];
  readonly registers: Registers;
  /** O_NOFOLLOW as open(2) takes it. */
  readonly nofollow: number;
}

interface Calls {
  execve: number;
  execveat: number;
  exit: number;
  ptrace: number;
  processVmReadv: number;
  statx: number;
  memfdCreate: number;
  prlimit64: number;
  clone: number;
  clone3: number;
  unshare: number;
  seccomp: number;
  ioctl: number;
}

/** The regset NT_PRSTATUS: its size and the byte offsets in it, each of eight bytes, low half first. */
interface Registers {
  size: number;
  /** Number of the call, at its seccomp stop. */
  number: number;
  args: readonly [number, number, number, number, number];
  result: number;
  stack: number;
  /** The regset (four bytes) that decides which call is made, where the register no longer does. */
  callSet?: number;
}

const X86_64: Machine = {
  auditArch: 0xc000_003e,
  foreignFrom: 0x4000_0000,
  calls: {
    ...{ execve: 59, execveat: 322, exit: 60, ptrace: 101, processVmReadv: 310, statx: 332, memfdCreate: 319 },
    ...{ prlimit64: 302, clone: 56, clone3: 435, unshare: 272, seccomp: 317, ioctl: 16 },
  },
  denied: [
    ...[101, 311, 438, 165, 166, 155, 161, 308, 428, 429, 430, 431, 432, 442],
    ...[323, 321, 298, 425, 426, 427, 304, 175, 313, 176, 246, 320],
  ],
  // orig_rax; rdi, rsi, rdx, r10, r8; rax; rsp
  registers: { size: 27 * 8, number: 120, args: [112, 104, 96, 56, 72], result: 80, stack: 152 },
  nofollow: 0o400000,
};

const NT_ARM_SYSTEM_CALL = 0x404;

const ARM64: Machine = {
  auditArch: 0xc000_00b7,
  calls: {
    ...{ execve: 221, execveat: 281, exit: 93, ptrace: 117, processVmReadv: 270, statx: 291, memfdCreate: 279 },
    ...{ prlimit64: 261, clone: 220, clone3: 435, unshare: 97, seccomp: 277, ioctl: 29 },
  },
  denied: [
    ...[117, 271, 438, 40, 39, 41, 51, 268, 428, 429, 430, 431, 432, 442],
    ...[282, 280, 241, 425, 426, 427, 265, 105, 273, 106, 104, 294],
  ],
  // x8; x0 to x4; x0; sp, after x30
  registers: { size: 34 * 8, number: 64, args: [0, 8, 16, 24, 32], result: 0, stack: 248, callSet: NT_ARM_SYSTEM_CALL },
  nofollow: 0o100000,
};

const MACHINES: Readonly<Record<string, Machine>> = { x64: X86_64, arm64: ARM64 };

/** The table of an architecture, in Node's word for it; undefined where nothing can be traced or filtered. */
export const machineOf = (arch: string): Machine | undefined => MACHINES[arch];

/** Why an architecture has no exec gate, in one line; undefined where it has one. */
export const noGateOn = (arch: string): string | undefined =>
  machineOf(arch) ? undefined : `the exec gate knows x86_64 and arm64, and this is ${arch}`;

/** This machine's. Elsewhere the numbers of newer architectures, which have the generic table, as arm64 has. */
export const machine: Machine = machineOf(process.arch) ?? ARM64;
