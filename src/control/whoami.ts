/** Who one is to the broker, what one holds, and what is known of the session one asks from. */
import type { AdminPort, Caller, Reply } from './admin-port.js';
import { showContext } from './context.js';
import type { Deps } from './deps.js';
import { holdingView } from './views.js';

export function whoami(deps: Deps): Pick<AdminPort, 'whoami'> {
  return {
    whoami: async (_request, caller) => ({ ...nameOf(caller), ...ofUser(caller, deps), ...ofSession(caller, deps) }),
  };
}

const nameOf = ({ name, uid, by }: Caller) => ({ name, uid, by });

type Who = Reply<'whoami'>;

function ofUser({ user: name, session }: Caller, deps: Deps): Partial<Who> {
  const { authority } = deps;
  const user = name === undefined ? undefined : authority.user(name);
  if (!user) return {};
  const given = new Map(authority.grants({ user: user.name }).map((grant) => [grant.id, grant]));
  return {
    user: user.name,
    ...(user.account !== undefined && { account: user.account }),
    locked: authority.lockFor({ user: user.name }) !== undefined,
    mfa: user.factor !== undefined,
    roles: authority.holdings(user.name).map((holding) => {
      const grant = given.get(holding.via);
      return { ...holdingView(holding), ...(grant && { reason: grant.reason, by: grant.by }) };
    }),
    facts: showContext(deps, session ?? user.name).facts,
  };
}

function ofSession({ session }: Caller, { live }: Deps): Partial<Who> {
  const found = session === undefined ? undefined : live.session(session);
  if (!found) return {};
  const { info, gate, deadlines } = found;
  return { account: info.account, session: info, gate, idleMs: deadlines.idleMs };
}
