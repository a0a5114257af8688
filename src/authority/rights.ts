import { matchTarget } from '../policy/index.js';
import type { RightsData, RoleHolding } from '../policy/types.js';
import type { Grant } from '../store/types.js';
import { baseFacts } from './context.js';
import { hasEnded } from './facts-index.js';
import type { Gains } from './gains.js';
import { type Scene, userOf } from './scene.js';
import type { RightsQuery } from './types.js';

/** What a session of this user on this target may do: cost follows the user's own grants and rows. */
export function buildRights(scene: Scene, gains: Gains, query: RightsQuery): RightsData {
  const user = userOf(scene, query.user);
  const { policy } = scene;
  const targetGroups = policy.groupsOf(query.target);
  const holdings = holdingsOf(scene, gains, user.name).filter((h) => matchTarget(h.target, query.target, targetGroups));
  return {
    user: user.name,
    target: query.target,
    targetGroups,
    holdings,
    rows: policy.rowsFor(new Set(holdings.map((h) => h.role)), query.target),
    facts: baseFacts(scene, user, query),
    model: policy.model,
    labels: policy.labels,
  };
}

/** Every role held now or from a later moment, on whatever target. */
export function holdingsOf(scene: Scene, gains: Gains, user: string): RoleHolding[] {
  const { policy, index, now } = scene;
  const gained = gains.get(user);
  const byPolicy = policy.rolesOf(user).map((role): RoleHolding => {
    const from = gained?.get(role);
    return { role, target: '*', ...(from === undefined ? {} : { from }), via: 'policy' };
  });
  const byGrant: RoleHolding[] = [];
  for (const grant of index.grantsOf(user).values())
    if (!hasEnded(grant, now)) byGrant.push(...holdingsBy(grant, policy.rolesOf(grant.role), gains));
  return [...byPolicy, ...byGrant];
}

/** A grant gives its role and, for the same time on the same targets, what that role reaches. */
function holdingsBy(grant: Grant, reached: readonly string[], gains: Gains): RoleHolding[] {
  const { target, until, id: via } = grant;
  const gained = gains.get(grant.role);
  const end = until === undefined ? {} : { until };
  return [grant.role, ...reached].map((role) => ({
    role,
    target,
    from: Math.max(grant.from, gained?.get(role) ?? 0),
    ...end,
    via,
  }));
}
