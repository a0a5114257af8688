import { existsSync, realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { sep } from 'node:path';
import type { LaunchOrder } from '../../wire/guard.js';
import type { Tools } from './tools.js';

export type Isolation = 'account' | 'sandbox';

/** Files the line gate needs inside, as host paths. */
export interface LineGateFiles {
  q: string;
  a: string;
  /** Read-only: the hook, and what stands before it. */
  binds: [from: string, to: string][];
}

export interface ArgumentInput {
  order: LaunchOrder;
  isolation: Isolation;
  tools: Tools;
  env: Record<string, string>;
  /** Supplementary groups of the account. */
  groups: readonly number[];
  /** Descriptor number of the seccomp filter in the child. */
  seccompFd: number;
  /** Descriptor number where the child tells the first process's pid; only without a tracer. */
  infoFd?: number;
  /** Where the child waits before it runs the command; only without a tracer. */
  blockFd?: number;
  lineGate?: LineGateFiles;
  /** In place of the account's shell. */
  own?: OwnProgram;
}

/** A program of ours, as it lies inside. */
export interface OwnProgram {
  argv: string[];
  /** Made for it, parents first. */
  dirs: string[];
  /** Read-only. */
  binds: [from: string, to: string][];
}

export const LINE_DIR = '/run/sallyport';

/** The options of bwrap, for `--args`; it takes the command itself from its own command line only. */
export function bwrapArguments(input: ArgumentInput): string[] {
  const { order, isolation, env } = input;
  const hidden = hiddenDirectories(order, isolation);
  return [
    ...(isolation === 'sandbox' ? ['--unshare-user', '--unshare-cgroup-try'] : []),
    ...(isolation === 'sandbox' && !order.userNamespaces ? ['--disable-userns'] : []),
    ...['--unshare-pid', '--unshare-ipc', '--die-with-parent', '--clearenv'],
    ...Object.entries(env).flatMap(([name, value]) => ['--setenv', name, value]),
    ...[isolation === 'sandbox' ? '--ro-bind' : '--bind', '/', '/'],
    ...['--proc', '/proc', '--dev', '/dev'],
    // The one that comes with --dev is writable for root alone.
    ...['/dev/shm', '/tmp'].flatMap((dir) => ['--perms', '1777', '--tmpfs', dir]),
    ...(isolation === 'sandbox' && isDirectory('/var/tmp') ? ['--perms', '1777', '--tmpfs', '/var/tmp'] : []),
    ...runDirectories(),
    ...hidden.flatMap((dir) => ['--perms', '0711', '--tmpfs', dir]),
    ...(order.privateHome === undefined ? [] : ['--bind', order.privateHome, homeInside(order, isolation)]),
    ...(input.lineGate ? lineGateBinds(input.lineGate) : []),
    ...(input.own ? ownBinds(input.own) : []),
    ...hidden.flatMap((dir) => ['--remount-ro', dir]),
    ...['--chdir', input.own ? '/' : workingDirectory(order, isolation, hidden)],
    ...['--seccomp', String(input.seccompFd)],
    ...(input.infoFd === undefined ? [] : ['--info-fd', String(input.infoFd)]),
    ...(input.blockFd === undefined ? [] : ['--block-fd', String(input.blockFd)]),
  ];
}

/** /run is private; name resolution keeps working where its configuration lives there, and screen where its sockets do. */
function runDirectories(): string[] {
  const args = ['--perms', '0755', '--tmpfs', '/run', '--perms', '1777', '--dir', '/run/screen'];
  if (realOf('/var/run') === '/var/run') args.push('--perms', '0755', '--tmpfs', '/var/run');
  const resolver = realOf('/etc/resolv.conf');
  if (resolver && ['/run/', '/tmp/', '/var/run/'].some((dir) => resolver.startsWith(dir))) {
    args.push('--ro-bind', resolver, resolver);
  }
  return args;
}

function hiddenDirectories(order: LaunchOrder, isolation: Isolation): string[] {
  const wanted = isolation === 'sandbox' ? ['/home', '/root', ownHome(), ...order.hide] : order.hide;
  const real = [...new Set(wanted.map(realOf))].filter(
    (dir): dir is string => dir !== undefined && dir !== '/' && isDirectory(dir),
  );
  const covered = ['/tmp', '/run', '/proc', '/dev', ...(isolation === 'sandbox' ? ['/var/tmp'] : [])];
  return real
    .filter((dir) => !covered.some((c) => within(dir, c)))
    .filter((dir) => !real.some((other) => other !== dir && within(dir, other)));
}

/** The broker's own; `/` when its uid is in no database. */
function ownHome(): string {
  try {
    return homedir();
  } catch {
    return '/';
  }
}

const within = (dir: string, parent: string): boolean => dir === parent || dir.startsWith(parent + sep);

function lineGateBinds(files: LineGateFiles): string[] {
  return [
    ...['--dir', LINE_DIR],
    ...['--bind', files.q, `${LINE_DIR}/q`, '--bind', files.a, `${LINE_DIR}/a`],
    ...files.binds.flatMap(([from, to]) => ['--ro-bind', from, to]),
  ];
}

/** Directories bwrap makes by itself are for their owner alone. */
function ownBinds({ dirs, binds }: OwnProgram): string[] {
  return [
    ...dirs.flatMap((dir) => ['--perms', '0755', '--dir', dir]),
    ...binds.flatMap(([from, to]) => ['--ro-bind', from, to]),
  ];
}

/** A private home takes the place of the account's; where that does not exist nothing is made on the host. */
export function homeInside({ privateHome, account }: LaunchOrder, isolation: Isolation): string {
  const makeable = isolation === 'sandbox' && account.home.startsWith('/home/') && isDirectory('/home');
  return privateHome === undefined || makeable || isDirectory(account.home) ? account.home : '/run/home';
}

function workingDirectory(order: LaunchOrder, isolation: Isolation, hidden: readonly string[]): string {
  if (order.privateHome !== undefined) return homeInside(order, isolation);
  const home = realOf(order.account.home);
  if (home === undefined || !isDirectory(home)) return '/';
  return [...hidden, '/tmp', '/run'].some((dir) => within(home, dir)) ? '/' : order.account.home;
}

/**
 * setsid gives the command a session and process group of its own, so that neither ^C nor `kill 0` reaches the
 * isolating program; setpriv turns root into the account, last of all.
 */
export function commandLine({ order, isolation, tools, groups, own }: ArgumentInput): string[] {
  const { account } = order;
  const drop = [
    tools.setpriv,
    `--reuid=${account.uid}`,
    `--regid=${account.gid}`,
    groups.length > 0 ? `--groups=${groups.join(',')}` : '--clear-groups',
    ...['--inh-caps=-all', '--ambient-caps=-all', '--bounding-set=-all', '--'],
  ];
  return [
    tools.setsid,
    ...(order.pty ? ['--ctty'] : []),
    ...(isolation === 'account' ? drop : []),
    ...(own?.argv ?? [account.shell, ...(order.kind === 'shell' ? ['-l'] : ['-c', order.command ?? ''])]),
  ];
}

function realOf(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

function isDirectory(path: string): boolean {
  return existsSync(path) && statSync(path).isDirectory();
}
