/** Asking for a role, and seeing what became of it. */
import { formatDuration } from '../core/duration.js';
import { SallyportError } from '../core/errors.js';
import { newId } from '../core/ids.js';
import { change, pickId } from './act.js';
import type { AdminPort, Caller, Reply } from './admin-port.js';
import type { Deps } from './deps.js';
import { ownUser } from './oneself.js';
import { iso, requestView, reviewView } from './views.js';

type Requesting = Pick<AdminPort, 'request' | 'request.withdraw' | 'requests'>;
export type RequestView = Reply<'request'>['request'];

export function requesting(deps: Deps): Requesting {
  const { authority, clock } = deps;
  return {
    request: async (request, caller) => {
      const user = personOf('request', caller, deps);
      const { role, target, forMs, reason } = request;
      const id = newId();
      const expires = iso(clock.now() + deps.config().requests.expireMs);
      const trace = {
        ...{ event: 'request' as const, user, target, reason },
        text: `request role ${role} on ${target} for ${formatDuration(forMs)}`,
        data: { request: id, kind: 'access', role, forMs, expires },
      };
      const done = await change(deps, 'request', caller, trace, () => authority.askForRole({ ...request, id, user }));
      return { request: requestView(done.request, clock.now()) };
    },
    'request.withdraw': async ({ id: prefix }, caller) => {
      const user = personOf('request.withdraw', caller, deps);
      const found = findRequest(deps, prefix, (r) => r.user === user);
      const { id, kind, target } = found;
      if (kind === 'command')
        throw new SallyportError('usage', `request ${id} is a held command: Ctrl-C withdraws it where it waits`);
      const trace = {
        ...{ event: 'request-withdrawn' as const, user, target },
        text: `withdraw request ${id}`,
        data: { request: id, kind },
      };
      const work = () => authority.withdrawRequest({ id, user });
      const done = await change(deps, 'request.withdraw', caller, trace, work);
      return { request: requestView(done.request, clock.now()) };
    },
    requests: async ({ all }, caller) => {
      const found = allRequests(deps, all);
      if (caller.by !== 'self') return { requests: found };
      const own = ownUser('requests', caller);
      return { requests: found.filter((r) => r.user === own) };
    },
  };
}

/** Of both kinds, oldest first; `all`: what is over, too. */
export function allRequests({ authority, reviews, clock }: Deps, all: boolean): RequestView[] {
  const now = clock.now();
  const access = authority.requests(all).map((r) => requestView(r, now));
  const commands = (reviews?.list(all) ?? []).map(reviewView);
  return [...access, ...commands].sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** The one whose id begins so: among those that wait, or else among all, so that what became of it can be said. */
export function findRequest(deps: Deps, prefix: string, among: (r: RequestView) => boolean = () => true): RequestView {
  const known = allRequests(deps, true).filter(among);
  const waiting = known.filter((r) => r.state === 'waiting' && r.id.startsWith(prefix));
  const id = pickId(
    (waiting.length > 0 ? waiting : known).map((r) => r.id),
    prefix,
    'request',
  );
  const found = known.find((r) => r.id === id);
  if (!found) throw new SallyportError('not-found', `no request ${prefix}`);
  return found;
}

/** The user who asks: by name, or by the account that `admins` names for them. */
function personOf(verb: 'request' | 'request.withdraw', caller: Caller, deps: Deps): string {
  const [mapped] = usersOf(caller, deps);
  return mapped ?? ownUser(verb, caller);
}

/** The sallyport users a caller is known to be. */
export function usersOf({ user, uid }: Caller, deps: Deps): string[] {
  if (user !== undefined) return [user];
  return deps.config().admins.flatMap((admin) => (admin.uid === uid ? [admin.user] : []));
}
