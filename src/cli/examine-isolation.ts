/** Whether sessions can be kept apart here, and programs decided by the kernel. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { messageOf } from '../core/errors.js';

const run = promisify(execFile);

export interface Check {
  /** `missing` stops `serve`; `warn` does not. */
  state: 'ok' | 'warn' | 'missing';
  what: string;
  /** What was found, and where it is not ok what to do. */
  found: string;
  /** Debian's package that brings it. */
  package?: string;
}

/** Tries bubblewrap as a session would use it, and asks the kernel about seccomp and ptrace. */
export async function isolationChecks(): Promise<Check[]> {
  return [await bubblewrapCheck(), seccompCheck(), ptraceCheck()];
}

async function bubblewrapCheck(): Promise<Check> {
  const isRoot = process.getuid?.() === 0;
  const kind = isRoot ? 'account' : 'sandbox';
  const args = ['--ro-bind', '/', '/', '--unshare-pid', '--proc', '/proc', '--die-with-parent'];
  try {
    await run('bwrap', [...(isRoot ? [] : ['--unshare-user']), ...args, 'true'], { timeout: 10_000 });
    return { state: 'ok', what: 'isolation', found: `${kind}: bubblewrap makes namespaces here` };
  } catch (error) {
    const why = messageOf(error).split('\n').slice(1).join(' ').trim() || messageOf(error);
    return { state: 'missing', what: 'isolation', found: `${kind} does not work: ${why}; ${remedy(isRoot)}` };
  }
}

const SWITCHES = [
  ['/proc/sys/kernel/unprivileged_userns_clone', '0', 'sysctl -w kernel.unprivileged_userns_clone=1'],
  ['/proc/sys/user/max_user_namespaces', '0', 'sysctl -w user.max_user_namespaces=15000'],
  [
    '/proc/sys/kernel/apparmor_restrict_unprivileged_userns',
    '1',
    'an AppArmor profile for bwrap, or sysctl -w kernel.apparmor_restrict_unprivileged_userns=0',
  ],
] as const;

function remedy(isRoot: boolean): string {
  if (isRoot) return 'a container needs the right to make namespaces (CAP_SYS_ADMIN)';
  const off = SWITCHES.find(([path, value]) => textOf(path) === value);
  return off ? `it is switched off: ${off[2]}` : 'allow unprivileged user namespaces, or run the broker as root';
}

function seccompCheck(): Check {
  const actions = textOf('/proc/sys/kernel/seccomp/actions_avail') ?? '';
  if (actions.split(' ').includes('trace')) return { state: 'ok', what: 'exec gate', found: 'seccomp offers trace' };
  return {
    state: 'missing',
    what: 'exec gate',
    found: 'this kernel has no seccomp trace: only `gate: line-only` in sallyport.yaml would work',
  };
}

function ptraceCheck(): Check {
  const scope = textOf('/proc/sys/kernel/yama/ptrace_scope') ?? '0';
  if (scope !== '3') return { state: 'ok', what: 'ptrace', found: `allowed (yama scope ${scope})` };
  const found = 'kernel.yama.ptrace_scope is 3: no process may be traced until a reboot with a lower value';
  return { state: 'missing', what: 'ptrace', found };
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}
