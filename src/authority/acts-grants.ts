import { SallyportError } from '../core/errors.js';
import { escapeText } from '../core/escape.js';
import { newId } from '../core/ids.js';
import { isRoleName, isTargetPattern, NAME_RULES } from '../core/names.js';
import type { Grant } from '../store/types.js';
import { hasEnded } from './facts-index.js';
import { type Act, byId, checkReason, checkUntil, replaced, type Scene, usage, userOf } from './scene.js';
import type { GiveGrant, PolicyView, RevokeWhat } from './types.js';

export function giveGrant(scene: Scene, input: GiveGrant): Act<{ grant: Grant; warning?: string }> {
  userOf(scene, input.user);
  const grant = newGrant(scene, input);
  const warning = unknownRole(scene.policy, grant.role);
  return {
    data: { ...scene.data, grants: [...scene.data.grants, grant] },
    grants: [grant],
    news: { kind: 'grant', users: new Set([grant.user]), grants: [grant], cause: 'context' },
    result: { grant, ...(warning === undefined ? {} : { warning }) },
  };
}

/** A checked grant; whether there is such a user is the caller's to know. */
export function newGrant(scene: Scene, input: GiveGrant): Grant {
  const { user, role, target = '*', until, by } = input;
  if (!isRoleName(role)) usage(`${JSON.stringify(role)}: ${NAME_RULES.role}`);
  if (!isTargetPattern(target)) usage(`${JSON.stringify(target)}: ${NAME_RULES.pattern}`);
  const from = Math.max(scene.now, input.from ?? scene.now);
  if (!Number.isSafeInteger(from) || from > 8.64e15) usage('the start is not a moment in time');
  checkUntil(until, from);
  const reason = checkReason(input.reason);
  const span = until === undefined ? { from } : { from, until };
  return { id: newId(), user, role, target, ...span, reason, by, createdAt: scene.now };
}

export const revoked = (grant: Grant, now: number, by: string): Grant => ({ ...grant, revokedAt: now, revokedBy: by });

export function revoke(scene: Scene, what: RevokeWhat, by: string): Act<{ grants: Grant[] }> {
  const found = 'grant' in what ? [grantById(scene, what.grant)] : grantsHeld(scene, what);
  const grants = found.map((grant) => revoked(grant, scene.now, by));
  return {
    data: { ...scene.data, grants: replaced(scene.data.grants, grants) },
    grants,
    news: { kind: 'revoke', users: new Set(grants.map((g) => g.user)), grants, cause: 'revoked' },
    result: { grants },
  };
}

function grantById(scene: Scene, id: string): Grant {
  const grant = byId(scene.data.grants, id, 'grant');
  const over = grant.revokedAt ?? (hasEnded(grant, scene.now) ? grant.until : undefined);
  if (over === undefined) return grant;
  const word = grant.revokedAt === undefined ? 'ended' : 'was revoked';
  throw new SallyportError(
    'not-found',
    `grant ${grant.id} ${word} at ${new Date(over).toISOString()}: nothing to revoke`,
  );
}

function grantsHeld(scene: Scene, what: { user: string; role?: string; target?: string }): Grant[] {
  const user = userOf(scene, what.user);
  const own = [...scene.index.grantsOf(user.name).values()].filter((g) => !hasEnded(g, scene.now));
  const found = own.filter((g) => (what.role ?? g.role) === g.role && (what.target ?? g.target) === g.target);
  if (found.length > 0) return found;
  throw new SallyportError('not-found', whyNothing(scene.policy, own, what));
}

/** Why a revoke finds no grant: the role comes from policy, from a wider role, or is not held at all. */
function whyNothing(policy: PolicyView, own: Grant[], what: { user: string; role?: string; target?: string }): string {
  const { user, role } = what;
  const edge = policy.edges.find(
    (e) => e.member === user && (role === undefined || e.role === role || policy.rolesOf(e.role).includes(role)),
  );
  if (edge) {
    const name = role ?? edge.role;
    return `${user} holds ${escapeText(name, 64)} by policy, not by a grant: remove the g row at ${edge.file}:${edge.line} and reload`;
  }
  const wider = role === undefined ? undefined : own.find((g) => policy.rolesOf(g.role).includes(role));
  if (wider) return `${user} holds ${role} through grant ${wider.id} of ${wider.role}: revoke that`;
  const words = [
    role === undefined ? '' : ` of ${escapeText(role, 64)}`,
    what.target === undefined ? '' : ` on ${escapeText(what.target)}`,
  ];
  return `${user} holds no grant${words.join('')}: \`sallyport grants --user ${user}\` shows what is held`;
}

export function unknownRole(policy: PolicyView, role: string): string | undefined {
  const spoken = policy.rows.some((row) => row.role === role) || policy.edges.some((edge) => edge.member === role);
  return spoken ? undefined : `no rule of the policy speaks of role ${role}: the grant gives nothing until one does`;
}
