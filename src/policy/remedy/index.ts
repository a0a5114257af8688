/** What would turn a refusal into an allow: found by trying it out, and put into words here alone. */
import { SessionRights } from '../rights.js';
import type { Decision, Question, Rights } from '../types.js';
import { remediesFor } from './bring.js';
import { nearestWays } from './near.js';
import { phraseRemedies, phraseWay } from './phrase.js';
import type { Way } from './types.js';

export { approvedUntil, leastRemedies, remediesFor, withApproval } from './bring.js';
export { phraseRemedies } from './phrase.js';
export type { Remedy } from './types.js';

/**
 * Half a sentence for the person refused, safe to show: `a fresh second factor would allow it`, or what else of their
 * own rules is near; undefined when nothing is. Never throws.
 */
export function remedyFor(rights: Rights, question: Question, decision: Decision, atMs: number): string | undefined {
  if (decision.allow || decision.uncertain) return undefined;
  try {
    const remedies = remediesFor(rights, question, atMs);
    return remedies ? phraseRemedies(remedies) : waysNear(rights, question, decision, atMs, 1)[0]?.words;
  } catch {
    // No help is better than a refusal that fails.
    return undefined;
  }
}

/** What else of the session's own rules is near, at most `max`, in words that are safe to show. */
export function waysNear(
  rights: Rights,
  question: Question,
  decision: Decision,
  atMs: number,
  max: number,
): { by: Way['by']; words: string }[] {
  if (decision.allow || decision.uncertain || !(rights instanceof SessionRights)) return [];
  return nearestWays(rights, question, decision, atMs, max).map((way) => ({ by: way.by, words: phraseWay(way) }));
}
