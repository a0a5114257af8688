/** Records as the API shows them: ISO times, secrets and internals left out. */
import { type Authority, requestStateOf } from '../authority/index.js';
import type { RoleHolding, Row } from '../policy/types.js';
import type { AccessRequest, Grant, Lock, User, UserKey } from '../store/index.js';
import type { Reply } from './admin-port.js';
import type { Review } from './reviews.js';

export const iso = (ms: number) => new Date(ms).toISOString();

const maybeIso = <K extends string>(name: K, ms: number | undefined) =>
  (ms === undefined ? {} : { [name]: iso(ms) }) as { [P in K]?: string };

export function grantView(g: Grant): Reply<'grant'>['grant'] {
  const { id, user, role, target, reason, by, request } = g;
  const times = { ...maybeIso('until', g.until), ...maybeIso('revokedAt', g.revokedAt) };
  return { id, user, role, target, from: iso(g.from), reason, by, ...times, ...(request !== undefined && { request }) };
}

export function requestView(r: AccessRequest, nowMs: number): Reply<'request'>['request'] {
  const { at, expiresAt, decidedAt, ...rest } = r;
  const times = { at: iso(at), expiresAt: iso(expiresAt), ...maybeIso('decidedAt', decidedAt) };
  return { ...rest, ...times, kind: 'access', state: requestStateOf(r, nowMs) };
}

export function reviewView({ at, expiresAt, endedAt, ...rest }: Review): Reply<'request'>['request'] {
  return { ...rest, kind: 'command', at: iso(at), expiresAt: iso(expiresAt), ...maybeIso('decidedAt', endedAt) };
}

export function lockView(l: Lock): Reply<'lock'>['lock'] {
  const { id, kind, reason, by } = l;
  const subject = l.subject === undefined ? {} : { subject: l.subject };
  return {
    id,
    kind,
    ...subject,
    reason,
    by,
    from: iso(l.from),
    ...maybeIso('until', l.until),
    ...maybeIso('liftedAt', l.liftedAt),
  };
}

export function keyView(k: UserKey): Reply<'user.key-add'>['key'] {
  return { fp: k.fp, type: k.type, comment: k.comment, addedAt: iso(k.addedAt), ...maybeIso('expiresAt', k.expiresAt) };
}

export function userView(u: User, authority: Authority): Reply<'user.show'>['user'] {
  return {
    name: u.name,
    ...(u.account !== undefined && { account: u.account }),
    createdAt: iso(u.createdAt),
    keys: u.keys.map(keyView),
    labels: { ...u.labels },
    roles: authority.policyRoles(u.name),
    grants: authority.grants({ user: u.name }).map(grantView),
    locked: authority.lockFor({ user: u.name }) !== undefined,
    ...(u.factor && { mfa: { enrolledAt: iso(u.factor.enrolledAt), recoveryCodes: u.factor.recovery.length } }),
  };
}

export function holdingView(h: RoleHolding): Reply<'session'>['roles'][number] {
  return { role: h.role, target: h.target, via: h.via, ...maybeIso('from', h.from), ...maybeIso('until', h.until) };
}

export function ruleView(r: Row): Reply<'session'>['rules'][number] {
  const { id, effect, role, target, command, when, file, line } = r;
  return { id, effect, role, target, command, when, file, line };
}
