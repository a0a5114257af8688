/** The scene `explain` plays in: the rights of a live session, or of a login now, with facts set by hand. */
import { SallyportError } from '../core/errors.js';
import type { FactValue, RightsData } from '../policy/types.js';
import { pickId } from './act.js';
import type { Request } from './admin-port.js';
import type { Deps } from './deps.js';
import { type Scene, setFact } from './facts.js';
import { mustKnow } from './people.js';

/** Throws `not-found` for a user, target or session that is not there, `usage` for a fact there cannot be. */
export function setScene(deps: Deps, request: Request<'explain'>): Scene {
  mustKnow(deps, request.user);
  const scene = {
    data: request.session === undefined ? loginNow(deps, request) : ofSession(deps, request),
    atMs: deps.clock.now(),
  };
  const { labels } = deps.config();
  for (const [name, value] of Object.entries(request.facts ?? {})) {
    const problem = setFact(labels, scene, name, value as FactValue);
    if (problem !== undefined) throw new SallyportError('usage', `--fact ${name}: ${problem}`);
  }
  return scene;
}

function loginNow(deps: Deps, { user, target }: Request<'explain'>): RightsData {
  if (!Object.hasOwn(deps.config().targets, target))
    throw new SallyportError(
      'not-found',
      `no target ${target}: there are ${Object.keys(deps.config().targets).join(', ')}`,
    );
  const source = { ip: '127.0.0.1' };
  const auth = { method: 'publickey' };
  return copy(deps.authority.rightsFor({ user, target, source, auth, startedAt: deps.clock.now() }));
}

function ofSession(deps: Deps, { user, target, session: prefix = '' }: Request<'explain'>): RightsData {
  const id = pickId(
    deps.live.sessions().map((s) => s.id),
    prefix,
    'live session',
  );
  const found = deps.live.session(id);
  if (!found || found.rights.user !== user || found.rights.target !== target)
    throw new SallyportError('not-found', `session ${id} is not one of ${user} on ${target}`);
  return copy(found.rights);
}

/** Facts are about to be changed; rows are not. */
const copy = (data: RightsData): RightsData => ({ ...data, facts: structuredClone(data.facts) });
