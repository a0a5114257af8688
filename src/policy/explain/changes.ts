import { escapeText } from '../../core/escape.js';
import type { CompiledPolicy } from '../compile.js';
import { phraseRemedies, type Remedy, waysNear } from '../remedy/index.js';
import type { Decision } from '../types.js';
import type { Near } from './near-rules.js';
import type { Change, ExplainInput } from './types.js';

/** Grants, and rules of the user's own, that are named. */
const MAX_NAMED = 5;

/** What would allow what is refused, each by itself: what the person brings, a grant, facts and hours. */
export function changesFor(
  { policy, rights, question, atMs }: ExplainInput,
  decision: Decision,
  near: readonly Near[],
  remedies: readonly Remedy[] | undefined,
): Change[] {
  if (decision.allow) return [];
  const grants = decision.why === 'no-rule' ? grantsThatWould(near, policy) : [];
  const { user, target } = rights.data;
  return [
    ...(remedies ? [{ by: 'remedies' as const, words: phraseRemedies(remedies) }] : []),
    ...grants.map((role) => ({ by: 'grant' as const, words: sayGrant(role, user, target) })),
    ...waysNear(rights, question, decision, atMs, MAX_NAMED),
  ];
}

/** Roles with a rule that only lacks the role, where no deny comes with them. */
function grantsThatWould(near: readonly Near[], policy: CompiledPolicy): string[] {
  const lacking = near.filter(({ fails }) => fails === 'role').map(({ row }) => row);
  const denied = new Set(lacking.filter(({ effect }) => effect === 'deny').map(({ role }) => role));
  const roles = new Set(lacking.filter(({ effect }) => effect === 'allow').map(({ role }) => role));
  return [...roles].filter((role) => ![role, ...policy.rolesOf(role)].some((r) => denied.has(r))).slice(0, MAX_NAMED);
}

function sayGrant(role: string, user: string, target: string): string {
  const command = `sallyport grant ${user} --role ${role} --target ${target} --for 1h --reason …`;
  return escapeText(`a grant of role ${role} would allow it: ${command}`, 400);
}
