import { closeFd, pipe, setNonblocking } from '../../os/fd.js';
import { memoryFile } from '../../os/files.js';
import { check, libc, libcKill } from '../../os/libc.js';
import { type FilterOptions, sessionFilter } from '../../os/seccomp.js';
import { spawn } from '../../os/spawn.js';
import type { LaunchLimits } from '../../wire/guard.js';
import { limitProcess } from './limits.js';
import type { Tools } from './tools.js';

/** Descriptor numbers in the isolating program. */
const ARGS_FD = 3;
export const SECCOMP_FD = 4;
export const INFO_FD = 5;
export const BLOCK_FD = 6;
/** The first of those handed to the command itself. */
export const HANDED_FD = 7;

const SIGKILL = 9;
/** What a pipe holds; /proc/sys/fs/pipe-max-size is 1 MiB for ordinary users. */
const PIPE_USUAL = 65_536;
const PIPE_MAX = 1024 * 1024;
const F_SETPIPE_SZ = 1031;
const F_DUPFD_CLOEXEC = 1030;
const FREE_FROM = 20;

/** The isolating program, started and waiting for its arguments: nothing of a session runs yet. */
export interface Waiting {
  pid: number;
  /** Hands over the arguments: it runs from here on. */
  release(): void;
  /** Closes our end, without a word if it was not released; the caller kills. Idempotent. */
  abandon(): void;
}

const filters = new Map<string, Buffer>();

function filterFor(options: FilterOptions): Buffer {
  const key = `${options.traced} ${options.userNamespaces}`;
  const filter = filters.get(key) ?? sessionFilter(options);
  filters.set(key, filter);
  return filter;
}

export interface StartOptions extends FilterOptions {
  limits: LaunchLimits;
  info?: { write: number; blockRead: number };
  /** For the command, from HANDED_FD on. */
  handed?: readonly number[];
}

export function startBwrap(
  tools: Tools,
  stdio: readonly (number | string)[],
  args: readonly string[],
  command: readonly string[],
  options: StartOptions,
): Waiting {
  const words = Buffer.from(`${args.join('\0')}\0`);
  if (words.length > PIPE_MAX) throw new RangeError('command and environment are too long');
  const filter = memoryFile('filter', filterFor(options));
  const channel = pipe();
  const { fds, lifted } = arrange([
    ...[...stdio, channel.read, filter].map((from, to) => [from, to] as const),
    ...(options.info === undefined
      ? []
      : ([
          [options.info.write, INFO_FD],
          [options.info.blockRead, BLOCK_FD],
        ] as const)),
    ...(options.handed ?? []).map((from, i) => [from, HANDED_FD + i] as const),
  ]);
  try {
    if (words.length > PIPE_USUAL) libc.fcntl(channel.write, F_SETPIPE_SZ, PIPE_MAX);
    setNonblocking(channel.write);
    const pid = spawn({
      path: tools.bwrap,
      argv: ['bwrap', '--args', String(ARGS_FD), '--', ...command],
      env: { LANG: 'C.UTF-8' },
      fds,
    });
    limitOrEnd(pid, options.limits);
    let open = true;
    const abandon = () => {
      if (open) closeFd(channel.write);
      open = false;
    };
    return {
      pid,
      abandon,
      release() {
        const wrote = libc.write(channel.write, words, words.length);
        abandon();
        if (wrote !== words.length) throw new RangeError('command and environment are too long');
      },
    };
  } catch (error) {
    closeFd(channel.write);
    throw error;
  } finally {
    closeFd(channel.read);
    closeFd(filter);
    lifted.forEach(closeFd);
  }
}

/** Nothing runs without the limits it was to have. */
function limitOrEnd(pid: number, limits: LaunchLimits): void {
  try {
    limitProcess(pid, limits);
  } catch (error) {
    libcKill(pid, SIGKILL);
    throw error;
  }
}

/** Puts each descriptor at its number. Lifted out of the way first, so that none overwrites one still to be placed. */
function arrange(places: readonly (readonly [from: number | string, to: number])[]): {
  fds: (readonly [number | string, number])[];
  lifted: number[];
} {
  const lifted: number[] = [];
  const lift = (fd: number): number => {
    if (fd >= FREE_FROM) return fd;
    const copy = check('fcntl(F_DUPFD_CLOEXEC)', libc.fcntl(fd, F_DUPFD_CLOEXEC, FREE_FROM));
    lifted.push(copy);
    return copy;
  };
  return { fds: places.map(([from, to]) => [typeof from === 'string' ? from : lift(from), to] as const), lifted };
}
