/** Admin operations with no broker running: this process takes the home's lock and does them itself. */
import { existsSync, statSync } from 'node:fs';
import { openAuthority } from '../authority/index.js';
import { type Config, loadConfig } from '../config/index.js';
import { systemClock } from '../core/clock.js';
import { formatProblem, SallyportError } from '../core/errors.js';
import { openAuditLog, openStore, restoreHome, type Store } from '../store/index.js';
import type { AdminPort, Caller } from './admin-port.js';
import { HomeBusyError } from './busy.js';
import { offlineCaller } from './caller.js';
import { homePaths } from './home.js';
import { nothingLive } from './live.js';
import { createOperations } from './operations.js';
import { loadPolicy } from './policy-files.js';

/** Whether this process is root's or the home's owner's; others go through the broker or not at all. */
export function mayWorkOffline(home: string): boolean {
  const { state } = homePaths(home);
  const uid = process.geteuid?.();
  return uid === 0 || !existsSync(state) || statSync(state).uid === uid;
}

async function openFree(state: string, purpose: string): Promise<Store> {
  try {
    return await openStore(state, { purpose });
  } catch (error) {
    const busy = error instanceof SallyportError && error.message.includes(': in use by ');
    throw busy ? new HomeBusyError('failed', error.message) : error;
  }
}

/** Rejects with a HomeBusyError when another process has the home, and when configuration, policy or store are not usable. */
export async function withOfflinePort<T>(
  home: string,
  use: (port: AdminPort, caller: Caller) => Promise<T>,
): Promise<T> {
  const { state } = homePaths(home);
  const config = loadConfig(home);
  const clock = systemClock();
  const policy = usablePolicy(config);
  const store = await openFree(state, 'a sallyport command');
  try {
    const audit = openAuditLog(state, clock);
    const authority = openAuthority({ store, policy, clock, config });
    try {
      const live = nothingLive;
      const sandboxed = isSandboxed(config);
      const port = createOperations({ authority, store, audit, live, config: () => config, policy, clock, sandboxed });
      return await use(port, offlineCaller());
    } finally {
      authority.close();
      await audit.close();
    }
  } finally {
    await store.close();
  }
}

function usablePolicy(config: Config) {
  const { policy, problems } = loadPolicy(config);
  if (policy) return policy;
  const errors = problems.filter((p) => p.severity === 'error');
  throw new SallyportError('failed', errors.map(formatProblem).join('\n'));
}

/** The broker will run as the account its state belongs to. */
function isSandboxed(config: Config): boolean {
  if (config.isolation !== 'auto') return config.isolation === 'sandbox';
  return statSync(homePaths(config.home).state).uid !== 0;
}

/** As `restoreHome`, with a trace in the audit log of what was put there. */
export async function restoreInto(home: string, file: string): Promise<{ users: number; grants: number }> {
  const { state } = homePaths(home);
  const counts = await restoreHome(file, home);
  const store = await openStore(state, { purpose: 'sallyport restore' });
  const audit = openAuditLog(state, systemClock());
  try {
    audit.append({ event: 'restore', by: offlineCaller().name, text: `restored from ${file}`, data: { ...counts } });
    await audit.durable();
  } finally {
    await audit.close();
    await store.close();
  }
  return counts;
}
