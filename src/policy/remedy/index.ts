/** What would turn a refusal into an allow: found by trying it out, and put into words here alone. */
import { SessionRights } from '../rights.js';
import type { Decision, Question, Rights } from '../types.js';
import { remediesFor } from './bring.js';
import { nearestWay } from './near.js';
import { phraseWay } from './phrase.js';
import type { Way } from './types.js';

export { remediesFor } from './bring.js';
export { phraseRemedies } from './phrase.js';
export type { Remedy } from './types.js';

/**
 * Half a sentence for the person refused, safe to show: `a fresh second factor would allow it`, or what else of their
 * own rules is near; undefined when nothing is. Never throws.
 */
export function remedyFor(rights: Rights, question: Question, decision: Decision, atMs: number): string | undefined {
  if (decision.allow || decision.uncertain || !(rights instanceof SessionRights)) return undefined;
  try {
    const way = wayOut(rights, question, decision, atMs);
    return way && phraseWay(way);
  } catch {
    // No help is better than a refusal that fails.
    return undefined;
  }
}

function wayOut(rights: SessionRights, question: Question, decision: Decision, atMs: number): Way | undefined {
  const remedies = remediesFor(rights, question, atMs);
  return remedies ? { by: 'remedies', remedies } : nearestWay(rights, question, decision, atMs);
}
