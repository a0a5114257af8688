/** Grants and locks. */
import { SallyportError } from '../core/errors.js';
import { change, endOf, pickId } from './act.js';
import type { AdminPort, Request } from './admin-port.js';
import type { Deps } from './deps.js';
import { onlyOwn } from './oneself.js';
import { mustKnow } from './people.js';
import { grantView, iso, lockView } from './views.js';

type Rights = Pick<AdminPort, 'grant' | 'revoke' | 'grants' | 'lock' | 'unlock' | 'locks'>;

export function rights(deps: Deps): Rights {
  const { authority } = deps;
  return {
    grant: async (request, caller) => {
      const { user, role, target, reason } = request;
      mustKnow(deps, user);
      const nowMs = deps.clock.now();
      const from = request.from === undefined ? undefined : Math.max(Date.parse(request.from), nowMs);
      const until = endOf(request, from ?? nowMs);
      const input = { user, role, target, reason, by: caller.name, ...(from && { from }), ...(until && { until }) };
      const trace = {
        user,
        text: `grant ${user} role ${role} on ${target}`,
        reason,
        data: { role, target, ...(request.from && { from: request.from }), ...(until && { until: iso(until) }) },
      };
      const done = await change(deps, 'grant', caller, trace, () => authority.grant(input));
      const warning = done.warning === undefined ? {} : { warning: done.warning };
      return { grant: grantView(done.grant), effects: done.effects, ...warning };
    },
    revoke: async (request, caller) => {
      const what = whatToRevoke(deps, request);
      const subject = 'grant' in what ? `grant ${what.grant}` : `grants of ${what.user}`;
      const { reason, role, target } = request;
      const user = 'grant' in what ? {} : { user: what.user };
      const data = { subject: request.subject, ...(role && { role }), ...(target && { target }) };
      const trace = { ...user, text: `revoke ${subject}`, ...(reason !== undefined && { reason }), data };
      const done = await change(deps, 'revoke', caller, trace, () => authority.revoke(what, caller.name));
      return { grants: done.grants.map(grantView), effects: done.effects };
    },
    grants: async ({ user: asked, all }, caller) => {
      const user = onlyOwn('grants', caller, asked);
      if (user !== undefined && !all) mustKnow(deps, user);
      return { grants: authority.grants({ all, ...(user !== undefined && { user }) }).map(grantView) };
    },
    lock: async (request, caller) => {
      const { kind, subject, reason } = request;
      if ((kind === 'everyone') !== (subject === undefined))
        throw new SallyportError('usage', 'lock: name a user, a key or a target, or lock everyone');
      const until = endOf(request, deps.clock.now());
      const whom = subject === undefined ? 'everyone' : `${kind} ${subject}`;
      const trace = {
        ...(kind === 'user' && subject !== undefined && { user: subject }),
        ...(kind === 'key' && subject !== undefined && { key: subject }),
        text: `lock ${whom}`,
        reason,
        ...(until !== undefined && { data: { until: iso(until) } }),
      };
      const input = {
        kind,
        reason,
        by: caller.name,
        ...(subject !== undefined && { subject }),
        ...(until && { until }),
      };
      const done = await change(deps, 'lock', caller, trace, () => authority.lock(input));
      return { lock: lockView(done.lock), effects: done.effects };
    },
    unlock: async ({ id: prefix, reason }, caller) => {
      const id = pickId(
        authority.locks().map((l) => l.id),
        prefix,
        'lock',
      );
      const trace = { text: `unlock ${id}`, ...(reason !== undefined && { reason }), data: { lock: id } };
      const done = await change(deps, 'unlock', caller, trace, () => authority.unlock(id, caller.name));
      return { lock: lockView(done.lock), effects: done.effects };
    },
    locks: async ({ all }) => ({ locks: authority.locks(all).map(lockView) }),
  };
}

/** A user's name wins over the beginning of an id; a whole id wins over both. */
function whatToRevoke(deps: Deps, { subject, role, target }: Request<'revoke'>) {
  const isUser = deps.authority.user(subject) !== undefined;
  const whole = deps.authority.grants({ all: true }).some((g) => g.id === subject);
  if (isUser && !whole) return { user: subject, ...(role && { role }), ...(target && { target }) };
  if (role !== undefined || target !== undefined)
    throw new SallyportError('not-found', `no user ${subject}: --role and --target narrow down a user's grants`);
  const ids = deps.authority.grants().map((g) => g.id);
  return { grant: pickId(ids, subject, 'user or grant') };
}
