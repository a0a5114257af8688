/** Checking and reloading the policy, and with it the configuration. */
import { isDeepStrictEqual } from 'node:util';
import { type Config, ConfigError, loadConfig } from '../config/index.js';
import { formatProblem, messageOf, type Problem } from '../core/errors.js';
import { change } from './act.js';
import type { AdminPort, Caller, Reply } from './admin-port.js';
import type { Deps } from './deps.js';
import { homePaths } from './home.js';
import type { Effect } from './live.js';
import { loadPolicy } from './policy-files.js';

type PolicyOperations = Pick<AdminPort, 'policy.check' | 'reload'>;

export function policyOperations(deps: Deps): PolicyOperations {
  return {
    'policy.check': async () => checkFiles(deps.config().home),
    reload: async (_request, caller) => await reload(deps, caller),
  };
}

/** What a start or a reload would say of the files of a home; needs no right but to read them. */
export function checkFiles(home: string): Reply<'policy.check'> {
  const { config, problems } = readConfig(home);
  if (!config) return { ok: false, problems };
  const { policy, problems: found } = loadPolicy(config);
  return {
    ok: policy !== undefined,
    ...(policy && { digest: policy.digest, rules: policy.rows.length }),
    problems: found,
  };
}

/** Both or neither: a bad file leaves everything as it was, and the problems say why. */
async function reload(deps: Deps, caller: Caller): Promise<Reply<'reload'>> {
  const inForce = deps.config();
  const { config = inForce, problems } = reloadsConfig(deps) ? readConfig(inForce.home) : { problems: [] };
  const checked = problems.length === 0 ? loadPolicy(config) : { problems };
  if (!checked.policy) return refuse(deps, caller, checked.problems);
  const { policy } = checked;
  const newConfig = !isDeepStrictEqual(config, inForce);
  const newPolicy = policy.digest !== deps.current.policy.digest || newConfig;
  const effects: Effect[] = [];
  if (newConfig) {
    const trace = { text: 'reload the configuration' };
    const done = await change(deps, 'reload', caller, trace, async () => {
      deps.broker?.useConfig?.(config);
      return await deps.authority.setConfig(config);
    });
    effects.push(...done.effects);
  }
  if (newPolicy) {
    const trace = { text: `reload the policy: ${policy.digest.slice(0, 12)}, ${policy.rows.length} rules` };
    const done = await change(deps, 'reload', caller, trace, () => deps.authority.setPolicy(policy));
    Object.assign(deps.current, { policy, loadedAt: deps.clock.now() });
    effects.push(...done.effects);
  }
  return { changed: newPolicy, ok: true, digest: policy.digest, problems: checked.problems, effects };
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
