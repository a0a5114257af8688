import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Authority, openAuthority } from '../authority/index.js';
import { type Config, loadConfig } from '../config/index.js';
import { type HomePaths, homePaths } from '../control/home.js';
import { loadPolicy } from '../control/policy-files.js';
import type { Clock } from '../core/clock.js';
import { formatProblem, messageOf, SallyportError } from '../core/errors.js';
import type { CompiledPolicy } from '../policy/index.js';
import { type AuditLog, openAuditLog, openStore, type Store } from '../store/index.js';

/** What a home says, read and checked, before anything is locked or changed. */
export interface Home {
  config: Config;
  policy: CompiledPolicy;
  paths: HomePaths;
  /** The ssh host key, as its file has it. */
  hostKey: string;
}

/** What is open for as long as the broker runs. */
export interface State extends Omit<Home, 'config'> {
  /** As it is now; a reload replaces it. */
  config: { current: Config };
  store: Store;
  audit: AuditLog;
  authority: Authority;
}

/** Throws a SallyportError that names file, line and remedy. */
export function readHome(home: string, warn: (line: string) => void): Home {
  const config = loadConfig(home);
  const { policy, problems } = loadPolicy(config);
  for (const problem of problems.filter((p) => p.severity === 'warning')) warn(formatProblem(problem));
  if (!policy) {
    const errors = problems.filter((p) => p.severity === 'error').map(formatProblem);
    throw new SallyportError('failed', errors.join('\n'));
  }
  const paths = homePaths(config.home);
  return { config, policy, paths, hostKey: readHostKey(paths.hostKey) };
}

function readHostKey(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new SallyportError('failed', `${file}: ${messageOf(error)}: restore it from a backup, or run sallyport init`);
  }
}

/** Takes the home's lock and opens store, audit log and authority. */
export async function openState(home: Home, clock: Clock): Promise<State> {
  const { config, policy, paths } = home;
  const store = await openStore(paths.state, { purpose: 'sallyport serve' });
  try {
    mkdirSync(paths.run, { recursive: true, mode: 0o755 });
    // FIFOs of sessions whose guard was killed.
    rmSync(join(paths.run, 's'), { recursive: true, force: true });
    mkdirSync(paths.recordings, { recursive: true, mode: 0o700 });
    const audit = openAuditLog(paths.state, clock);
    const authority = openAuthority({ store, policy, clock, config });
    return { ...home, config: { current: config }, store, audit, authority };
  } catch (error) {
    await store.close();
    throw error;
  }
}

export async function closeState(state: State): Promise<void> {
  state.authority.close();
  await state.audit.close();
  await state.store.close();
}
