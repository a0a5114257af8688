/** Every admin verb over one authority: the same code in the keeper and, with no broker running, in the CLI. */
import { makeBackup } from '../store/index.js';
import { act } from './act.js';
import type { AdminPort } from './admin-port.js';
import { answering } from './answering.js';
import { breaking } from './breakglass.js';
import { context } from './context.js';
import type { Deps, OperationsOptions } from './deps.js';
import { explaining } from './explaining.js';
import { factors } from './factors.js';
import { people } from './people.js';
import { diffing } from './policy-diff.js';
import { policyOperations } from './policy-operations.js';
import { requesting } from './requesting.js';
import { rights } from './rights.js';
import { watching } from './watching.js';
import { whoami } from './whoami.js';

export function createOperations(options: OperationsOptions): AdminPort {
  const deps: Deps = { ...options, current: { policy: options.policy, loadedAt: options.clock.now() } };
  return {
    ...watching(deps),
    ...whoami(deps),
    ...breaking(deps),
    ...people(deps),
    ...factors(deps),
    ...rights(deps),
    ...requesting(deps),
    ...answering(deps),
    ...context(deps),
    ...explaining(deps),
    ...policyOperations(deps),
    ...diffing(deps),
    backup: async (_request, caller) => {
      const { home } = deps.config();
      return await act(deps, 'backup', caller, { text: 'take a backup, keys included' }, () =>
        makeBackup(home, deps.clock),
      );
    },
  };
}
