import { type Machine, machineOf } from './arch.js';

/** A small assembler for the classic BPF that seccomp(2) runs, and the one filter sessions wear. */

const LD_ABS = 0x20;
const JEQ = 0x15;
const JGE = 0x35;
const JSET = 0x45;
const RET = 0x06;

/** Offsets in struct seccomp_data. Arguments are 64-bit; the low half comes first. */
const NR = 0;
const ARCH = 4;
const arg = (i: number) => 16 + 8 * i;

const RET_ALLOW = 0x7fff_0000;
const RET_TRACE = 0x7ff0_0000;
const RET_KILL_PROCESS = 0x8000_0000;
const errnoResult = (code: number) => 0x0005_0000 | code;
const EPERM = 1;
const ENOSYS = 38;

type Step = { code: number; k: number } | { code: number; k: number; yes?: string; no?: string } | { label: string };

/** Turns steps with labels into instructions. Jumps go forward, at most 255 instructions. */
export function assemble(steps: readonly Step[]): Buffer {
  const labels = new Map<string, number>();
  let count = 0;
  for (const step of steps) {
    if ('label' in step) labels.set(step.label, count);
    else count += 1;
  }
  const program = Buffer.alloc(count * 8);
  let at = 0;
  const distance = (label: string | undefined): number => {
    if (label === undefined) return 0;
    const target = labels.get(label);
    const jump = target === undefined ? -1 : target - at - 1;
    if (jump < 0 || jump > 255) throw new RangeError(`bpf: no jump to ${label}`);
    return jump;
  };
  for (const step of steps) {
    if ('label' in step) continue;
    program.writeUInt16LE(step.code, at * 8);
    program.writeUInt8(distance('yes' in step ? step.yes : undefined), at * 8 + 2);
    program.writeUInt8(distance('no' in step ? step.no : undefined), at * 8 + 3);
    program.writeUInt32LE(step.k >>> 0, at * 8 + 4);
    at += 1;
  }
  return program;
}

/**
 * CLONE_NEWNS: a mount namespace of one's own would let paths lie. CLONE_UNTRACED: a process the guard never hears of.
 * CLONE_NEWUSER: the kernel's wide field of code for root alone, unless asked for; mounts stay denied in it.
 */
const NEWUSER = 0x1000_0000;
const FLAGS = 0x0002_0000 | 0x0080_0000;
/** SECCOMP_FILTER_FLAG_NEW_LISTENER: a filter of the session's that answers for itself would go before this one. */
const LISTENER = 8;
const TIOCSTI = 0x5412;
const TIOCLINUX = 0x541c;

export interface FilterOptions {
  traced: boolean;
  userNamespaces?: boolean;
}

/**
 * The filter of a session, as bytes of struct sock_filter. `traced`: execve and execveat stop for the tracer (and
 * fail with ENOSYS without one); otherwise they pass. Foreign architectures and ABIs are killed. clone3, whose
 * flags a filter cannot see, looks absent; every libc falls back to clone. `userNamespaces`: they may be made.
 *
 * Denied: ptrace, process_vm_writev and pidfd_getfd (a session's process steering another), and everything that makes
 * a path mean something else inside than the guard sees: mount, umount2, pivot_root, chroot, setns, and the newer mount
 * calls. Then doors into the kernel that a shell under a broker never needs: userfaultfd, bpf, perf_event_open, the
 * three of io_uring, open_by_handle_at, modules and kexec. Swap and the like are left to the kernel: a session has no
 * capabilities.
 *
 * On an architecture without a table, where nothing is traced either, it lets everything pass.
 */
export function sessionFilter(options: FilterOptions, arch: string = process.arch): Buffer {
  const known = machineOf(arch);
  return known ? filterFor(known, options) : assemble([{ code: RET, k: RET_ALLOW }]);
}

function filterFor(
  { auditArch, foreignFrom, calls, denied }: Machine,
  { traced, userNamespaces = false }: FilterOptions,
): Buffer {
  const jump = (code: number, k: number, yes?: string, no?: string): Step => ({
    code,
    k,
    ...(yes === undefined ? {} : { yes }),
    ...(no === undefined ? {} : { no }),
  });
  return assemble([
    { code: LD_ABS, k: ARCH },
    jump(JEQ, auditArch, undefined, 'kill'),
    { code: LD_ABS, k: NR },
    ...(foreignFrom === undefined ? [] : [jump(JGE, foreignFrom, 'kill')]),
    ...(traced ? [calls.execve, calls.execveat].map((nr) => jump(JEQ, nr, 'trace')) : []),
    jump(JEQ, calls.ioctl, 'ioctl'),
    jump(JEQ, calls.clone, 'flags'),
    jump(JEQ, calls.unshare, 'flags'),
    jump(JEQ, calls.seccomp, 'filter'),
    jump(JEQ, calls.clone3, 'absent'),
    ...denied.map((nr) => jump(JEQ, nr, 'deny')),
    { code: RET, k: RET_ALLOW },
    { label: 'ioctl' },
    { code: LD_ABS, k: arg(1) },
    jump(JEQ, TIOCSTI, 'deny'),
    jump(JEQ, TIOCLINUX, 'deny', 'allow'),
    { label: 'filter' },
    { code: LD_ABS, k: arg(1) },
    jump(JSET, LISTENER, 'deny', 'allow'),
    { label: 'flags' },
    { code: LD_ABS, k: arg(0) },
    jump(JSET, userNamespaces ? FLAGS : FLAGS | NEWUSER, 'deny', 'allow'),
    { label: 'allow' },
    { code: RET, k: RET_ALLOW },
    { label: 'deny' },
    { code: RET, k: errnoResult(EPERM) },
    { label: 'absent' },
    { code: RET, k: errnoResult(ENOSYS) },
    { label: 'trace' },
    { code: RET, k: RET_TRACE },
    { label: 'kill' },
    { code: RET, k: RET_KILL_PROCESS },
  ]);
}
