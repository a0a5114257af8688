/** When names came to reach roles by an edit of the policy: a role gained mid-session counts from then. */
import type { PolicyView } from './types.js';

/** name → role → ms since the epoch. A role reached since the process began is not in it. */
export type Gains = ReadonlyMap<string, ReadonlyMap<string, number>>;

export const NO_GAINS: Gains = new Map();

/** Gains after an edit: old ones that still hold, and what the new edges added now. */
export function gainsAfter(before: Gains, old: PolicyView, next: PolicyView, now: number): Gains {
  const gains = new Map<string, Map<string, number>>();
  for (const [name, roles] of before) {
    const held = new Set(next.rolesOf(name));
    const kept = [...roles].filter(([role]) => held.has(role));
    if (kept.length > 0) gains.set(name, new Map(kept));
  }
  for (const name of touched(old, next)) {
    const had = new Set(old.rolesOf(name));
    for (const role of next.rolesOf(name)) if (!had.has(role)) noteGain(gains, name, role, now);
  }
  return gains;
}

function noteGain(gains: Map<string, Map<string, number>>, name: string, role: string, now: number): void {
  const own = gains.get(name);
  if (own) own.set(role, now);
  else gains.set(name, new Map([[role, now]]));
}

/** The members of new edges, and every name that reaches one of them. */
function touched(old: PolicyView, next: PolicyView): Set<string> {
  const known = new Set(old.edges.map(edgeKey));
  const found = new Set(next.edges.filter((e) => !known.has(edgeKey(e))).map((e) => e.member));
  if (found.size === 0) return found;
  const membersOf = new Map<string, string[]>();
  for (const { member, role } of next.edges) membersOf.set(role, [...(membersOf.get(role) ?? []), member]);
  for (const name of found) for (const member of membersOf.get(name) ?? []) found.add(member);
  return found;
}

const edgeKey = (edge: { member: string; role: string }): string => `${edge.member}\n${edge.role}`;
