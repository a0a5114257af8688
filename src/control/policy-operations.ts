/** Checking and reloading the policy, and with it the configuration. */
import { isDeepStrictEqual } from 'node:util';
import { type Config, ConfigError, loadConfig } from '../config/index.js';
import { formatProblem, messageOf, type Problem } from '../core/errors.js';
import type { CompiledPolicy } from '../policy/index.js';
import { change } from './act.js';
import type { AdminPort, Caller, Reply } from './admin-port.js';
import type { Deps } from './deps.js';
import { homePaths } from './home.js';
import { loadPolicyInPieces } from './policy-files.js';

type PolicyOperations = Pick<AdminPort, 'policy.check' | 'reload'>;

export function policyOperations(deps: Deps): PolicyOperations {
  let last: Promise<unknown> = Promise.resolve();
  return {
    'policy.check': async () => await checkFiles(deps.config().home),
    // One after another: what was read first must not come into force last.
    reload: async (_request, caller) => {
      const mine = last.then(() => reload(deps, caller));
      last = mine.catch(() => undefined);
      return await mine;
    },
  };
}

/** What a start or a reload would say of the files of a home; needs no right but to read them. */
export async function checkFiles(home: string): Promise<Reply<'policy.check'>> {
  const { config, problems } = readConfig(home);
  if (!config) return { ok: false, problems };
  const { policy, problems: found } = await loadPolicyInPieces(config);
  return {
    ok: policy !== undefined,
    ...(policy && { digest: policy.digest, rules: policy.rows.length }),
    problems: [...found, ...(policy ? neverTold(config, policy) : [])],
  };
}

/** Risk, devices and labels may be set by hand; a country comes from a database alone. */
function neverTold({ context, file }: Config, { rows }: CompiledPolicy): Problem[] {
  if (Object.values(context.feeds).some((feed) => feed.kind === 'country')) return [];
  const row = rows.find(({ when }) => /\bsource\.country\b/.test(when));
  if (row === undefined) return [];
  const message = `${row.id} speaks of source.country, which nobody tells: name a country database under context.feeds in ${file}`;
  return [{ file: row.file, line: row.line, message, severity: 'warning' }];
}

/** Both at once or neither: a bad file leaves everything as it was, and the problems say why. */
async function reload(deps: Deps, caller: Caller): Promise<Reply<'reload'>> {
  const inForce = deps.config();
  const read = reloadsConfig(deps) ? readConfig(inForce.home) : { config: inForce, problems: [] };
  if (!read.config) return refuse(deps, caller, read.problems);
  const { config, problems: later } = untilRestart(read.config, inForce);
  const { policy, problems: found } = await loadPolicyInPieces(config);
  if (!policy) return refuse(deps, caller, found);
  const problems = [...found, ...later];
  const newConfig = !isDeepStrictEqual(config, inForce);
  const changed = newConfig || policy.digest !== deps.current.policy.digest;
  if (!changed) return { changed, ok: true, digest: policy.digest, problems, effects: [] };
  const what = `the policy: ${policy.digest.slice(0, 12)}, ${policy.rows.length} rules`;
  const trace = { text: `reload ${newConfig ? 'the configuration and ' : ''}${what}` };
  const { effects } = await change(deps, 'reload', caller, trace, async () => {
    if (newConfig) deps.broker?.useConfig?.(config);
    Object.assign(deps.current, { policy, loadedAt: deps.clock.now() });
    return await deps.authority.setPolicy(policy, config);
  });
  return { changed, ok: true, digest: policy.digest, problems, effects };
}

/** What only a start can change: doors and guards were told it when they began, and sessions stand on it. */
const AT_START = ['listen', 'doors', 'doorAccount', 'isolation', 'gate'] as const;
/** Taken over, but heard by doors that start from now on alone. */
const BY_DOORS = ['env', 'limits'] as const;

function untilRestart(next: Config, inForce: Config): { config: Config; problems: Problem[] } {
  const { listen, doors, doorAccount, isolation, gate, file } = inForce;
  const differs = (key: keyof Config) => !isDeepStrictEqual(next[key], inForce[key]);
  const later = [...AT_START, ...BY_DOORS].filter(differs);
  const message = `${later.join(', ')}: counts in full from the next start of the broker on`;
  const config = { ...next, listen, doors, doorAccount, isolation, gate };
  return { config, problems: later.length === 0 ? [] : [{ file, message, severity: 'warning' }] };
}

function refuse(deps: Deps, { name: by }: Caller, problems: Problem[]): Reply<'reload'> {
  deps.audit.append({
    event: 'policy',
    by,
    allow: false,
    text: `reload refused: ${problems.map(formatProblem).join('; ')}`,
  });
  return { ok: false, changed: false, digest: deps.current.policy.digest, problems, effects: [] };
}

/** A running broker that cannot take a new configuration keeps the one it has. */
const reloadsConfig = ({ broker }: Deps) => broker?.useConfig !== undefined;

function readConfig(home: string): { config?: Config; problems: Problem[] } {
  try {
    return { config: loadConfig(home), problems: [] };
  } catch (error) {
    if (error instanceof ConfigError) return { problems: [...error.problems] };
    return { problems: [{ file: homePaths(home).config, message: messageOf(error), severity: 'error' }] };
  }
}
