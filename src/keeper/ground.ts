import type { Config } from '../config/index.js';
import { messageOf, SallyportError } from '../core/errors.js';
import { probeMachine } from '../guard/probe.js';
import { type CgroupRoot, takeCgroup } from '../os/cgroup.js';
import { doorAccount } from './accounts.js';

/** What this machine lets the broker do. */
export interface Ground {
  isolation: 'account' | 'sandbox';
  /** The account doors change to; absent for a broker without privilege. */
  door?: { uid: number; gid: number };
  /** Absent: limits are of each process alone. */
  cgroup?: CgroupRoot;
}

/** Chooses the isolation and looks that it works here; throws with what is missing and how to get it. */
export async function probeGround(config: Config): Promise<Ground> {
  const isRoot = process.getuid?.() === 0;
  const isolation = isRoot ? 'account' : 'sandbox';
  if (config.isolation !== 'auto' && config.isolation !== isolation)
    throw new SallyportError(
      'failed',
      `isolation: ${config.isolation} needs a broker run by ${isRoot ? 'an ordinary user' : 'root'}: change it in ${config.file}`,
    );
  const found = await probeMachine();
  if (!found[isolation]) throw new SallyportError('failed', `no isolation here: ${found.reasons.join('; ')}`);
  if (config.gate === 'exec' && !found.execGate)
    throw new SallyportError(
      'failed',
      `no exec gate here: ${found.reasons.join('; ')}; gate: line-only in ${config.file} does without it`,
    );
  const cgroup = takeCgroup();
  const ground = { isolation, ...(cgroup === undefined ? {} : { cgroup }) } as const;
  if (!isRoot) return ground;
  try {
    return { ...ground, door: doorAccount(config.doorAccount) };
  } catch (error) {
    throw new SallyportError('failed', `${messageOf(error)} (${config.file})`);
  }
}
