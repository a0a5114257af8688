import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { hasAttribute } from './files.js';

/** cgroup v2: what several processes may use together. Files as in the kernel's admin-guide/cgroup-v2.rst. */

export const CONTROLLERS = ['pids', 'memory', 'cpu'] as const;
export type Controller = (typeof CONTROLLERS)[number];

/** A directory whose groups are ours to make, and what can be limited in them. */
export interface CgroupRoot {
  dir: string;
  controllers: Controller[];
}

/** The group of the broker's own processes: one with groups below it may hold none (but for the machine's own root). */
const OWN = 'broker';
/** Against the 100 of a session with nice 0. */
const OWN_WEIGHT = 1000;
const SESSION = 'session-';
/** systemd marks so what it has handed over (`Delegate=yes`): for root, and for a user's own services. */
const MARKS = ['trusted.delegate', 'user.delegate'];

/** The group this process is in, where the machine has cgroup v2; undefined elsewhere. */
export function ownCgroup(): string | undefined {
  const path = /^0::(\/.*)$/m.exec(textOf('/proc/self/cgroup'))?.[1];
  for (const line of textOf('/proc/self/mountinfo').split('\n')) {
    const [, , , root = '', point = ''] = line.split(' ');
    if (path === undefined || !line.includes(' - cgroup2 ')) continue;
    const below = relative(root, path);
    if (!below.startsWith('..')) return join(point, below);
  }
  return undefined;
}

/** What of `pids`, `memory` and `cpu` the machine's cgroup v2 could limit here. */
export const availableIn = (dir: string): Controller[] => {
  const found = textOf(join(dir, 'cgroup.controllers')).trim().split(' ');
  return CONTROLLERS.filter((name) => found.includes(name));
};

export const isDelegated = (dir: string): boolean => MARKS.some((mark) => hasAttribute(dir, mark));

/**
 * Takes over the group this process is in, if it was handed to us: this process moves into a group below it, and what
 * can be limited is switched on for the others. Groups of sessions that a former broker left are removed. Undefined
 * where nothing was handed over or nothing can be limited.
 */
export function takeCgroup(): CgroupRoot | undefined {
  const dir = ownCgroup();
  if (dir === undefined || !isDelegated(dir)) return undefined;
  try {
    makeDirectory(join(dir, OWN));
    writeFileSync(join(dir, OWN, 'cgroup.procs'), String(process.pid));
    const controllers = availableIn(dir).filter((name) => attempt(() => enable(dir, name)));
    if (controllers.includes('cpu')) writeFileSync(join(dir, OWN, 'cpu.weight'), String(OWN_WEIGHT));
    for (const name of readdirSync(dir)) if (name.startsWith(SESSION)) attempt(() => rmdirSync(join(dir, name)));
    return controllers.length > 0 ? { dir, controllers } : undefined;
  } catch {
    return undefined;
  }
}

const enable = (dir: string, name: Controller) => writeFileSync(join(dir, 'cgroup.subtree_control'), `+${name}`);

/** What the processes of one group may use together; what is absent has no limit. */
export interface CgroupLimits {
  processes?: number | undefined;
  /** Bytes. */
  memory?: number | undefined;
  nice: number;
}

/** Makes a session's group. Throws when it cannot be, with nothing left behind. */
export function makeCgroup({ dir, controllers }: CgroupRoot, sid: string, limits: CgroupLimits): string {
  const own = join(dir, `${SESSION}${sid}`);
  mkdirSync(own);
  const set = (controller: Controller, file: string, value: number | undefined) => {
    if (value !== undefined && controllers.includes(controller)) writeFileSync(join(own, file), String(value));
  };
  try {
    set('pids', 'pids.max', limits.processes);
    set('memory', 'memory.max', limits.memory);
    // nice(1) weighs each step with 1.25.
    set('cpu', 'cpu.weight', Math.max(1, Math.round(100 / 1.25 ** limits.nice)));
    return own;
  } catch (error) {
    removeCgroup(own);
    throw error;
  }
}

/** Everything `pid` starts from now on is in the group, too. */
export const enterCgroup = (own: string, pid: number): void => writeFileSync(join(own, 'cgroup.procs'), String(pid));

/** An empty group goes; one that is not stays until the next broker starts. */
export const removeCgroup = (own: string): void => void attempt(() => rmdirSync(own));

function makeDirectory(dir: string): void {
  attempt(() => mkdirSync(dir));
}

function attempt(step: () => unknown): boolean {
  try {
    step();
    return true;
  } catch {
    return false;
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
