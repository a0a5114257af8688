import { check, SyscallError, self, syscall } from './libc.js';

/** posix_spawn(3): starts a program without forking this process's memory and without libuv's own waiting. */

const POSIX_SPAWN_SETSIGDEF = 0x04;
const POSIX_SPAWN_SETSIGMASK = 0x08;
const POSIX_SPAWN_SETSID = 0x80;

const declare = (text: string) => self.func(text) as unknown as (...args: unknown[]) => number;
const spawnCall = declare('int posix_spawn(void *, const char *, void *, void *, char **, char **)');
const actionsInit = declare('int posix_spawn_file_actions_init(void *)');
const actionsDestroy = declare('int posix_spawn_file_actions_destroy(void *)');
const actionsDup2 = declare('int posix_spawn_file_actions_adddup2(void *, int, int)');
const actionsOpen = declare('int posix_spawn_file_actions_addopen(void *, int, const char *, int, uint)');
const attrInit = declare('int posix_spawnattr_init(void *)');
const attrDestroy = declare('int posix_spawnattr_destroy(void *)');
const attrFlags = declare('int posix_spawnattr_setflags(void *, short)');
const attrSigdefault = declare('int posix_spawnattr_setsigdefault(void *, void *)');
const attrSigmask = declare('int posix_spawnattr_setsigmask(void *, void *)');

/** sizeof is 80 and 336 in glibc, 80 and 336 in musl. */
const ACTIONS_SIZE = 128;
const ATTR_SIZE = 512;

export interface SpawnOptions {
  path: string;
  argv: readonly string[];
  env: Readonly<Record<string, string>>;
  /**
   * The child's descriptors: `[from, to]` pairs, all of them; everything else of ours must be close-on-exec.
   * `from` may be a path, opened read-write without becoming a controlling terminal.
   */
  fds: readonly (readonly [number | string, number])[];
}

/** Starts `path` as leader of a new session, signals at their defaults; the pid. Throws when it cannot be run. */
export function spawn(options: SpawnOptions): number {
  const actions = Buffer.alloc(ACTIONS_SIZE);
  const attr = Buffer.alloc(ATTR_SIZE);
  const sigset = Buffer.alloc(128);
  ok('posix_spawn_file_actions_init', actionsInit(actions));
  ok('posix_spawnattr_init', attrInit(attr));
  try {
    ok('setflags', attrFlags(attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK));
    ok('setsigmask', attrSigmask(attr, sigset));
    // Every signal but the two nobody can set: node ignores SIGPIPE, and an ignored signal survives an exec.
    sigset.writeBigUInt64LE(0xffff_ffff_ffff_ffffn & ~(1n << 8n) & ~(1n << 18n), 0);
    ok('setsigdefault', attrSigdefault(attr, sigset));
    for (const [from, to] of options.fds) {
      if (typeof from === 'string') ok('addopen', actionsOpen(actions, to, from, O_RDWR | O_NOCTTY, 0));
      else ok('adddup2', actionsDup2(actions, from, to));
    }
    closeOnExecAll();
    const pid = Buffer.alloc(4);
    const env = Object.entries(options.env).map(([k, v]) => `${k}=${v}`);
    ok(`posix_spawn ${options.path}`, spawnCall(pid, options.path, actions, attr, vector(options.argv), vector(env)));
    return pid.readInt32LE(0);
  } finally {
    actionsDestroy(actions);
    attrDestroy(attr);
  }
}

const O_RDWR = 2;
const O_NOCTTY = 0o400;

const vector = (list: readonly string[]): (string | null)[] => [...list, null];

function ok(call: string, code: number): void {
  if (code !== 0) throw new SyscallError(call, code);
}

const SYS_CLOSE_RANGE = 436;
const CLOSE_RANGE_CLOEXEC = 4;

/** Whatever this process holds, also by inheritance or from a library, stays here. */
function closeOnExecAll(): void {
  check('close_range', syscall(SYS_CLOSE_RANGE, 3, 0x7fff_ffff, CLOSE_RANGE_CLOEXEC, 0, 0, 0));
}
