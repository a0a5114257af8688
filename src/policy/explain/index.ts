/** Why a decision is what it is, and what would change it. */
import { escapeText, showArgv } from '../../core/escape.js';
import { compileCondition } from '../cel/condition.js';
import { factsAt } from '../facts.js';
import { remediesFor } from '../remedy/index.js';
import type { Decision } from '../types.js';
import { changesFor } from './changes.js';
import { type Outcome, outcomeOf, sayOutcome } from './conditions.js';
import { type Near, nearRows, viewOf } from './near-rules.js';
import type { ExplainInput, Explanation, MissingFact, NearRule } from './types.js';

export { renderExplanation } from './render.js';
export type { Explanation, MissingFact } from './types.js';

/** More would not be read. */
const MAX_NEAR = 20;

/** Looks at every rule of the policy. */
export function explainDecision(input: ExplainInput): Explanation {
  const { rights, question, atMs } = input;
  const decision = rights.decide(question, atMs);
  const near = nearRows(input);
  const remedies = remediesFor(rights, question, atMs);
  const deciding = decidingCondition(input, decision);
  const views = near.map((one) => viewOf(one, question)).sort((a, b) => weight(a, decision) - weight(b, decision));
  return {
    user: rights.data.user,
    target: rights.data.target,
    subject: question.kind === 'action' ? escapeText(question.action) : showArgv(question.words.map((w) => w.text)),
    decision,
    ...(deciding && { condition: escapeText(sayOutcome(deciding.when, deciding.outcome), 400) }),
    ...(remedies && { remedies }),
    changes: changesFor(input, decision, near, remedies),
    missing: missingFacts(input, near, deciding?.outcome),
    near: views.slice(0, MAX_NEAR),
  };
}

/** Those that could turn the decision first; rules about other commands are the most and say the least: they come last. */
function weight({ effect, fails }: NearRule, { allow }: Decision): number {
  return Number(effect !== (allow ? 'deny' : 'allow')) + 2 * Number(fails === 'command');
}

function decidingCondition({ rights: { data }, atMs }: ExplainInput, { rule }: Decision) {
  const row = rule && data.rows.find(({ id }) => id === rule.id);
  if (row === undefined || row.when === 'true') return undefined;
  const condition = compileCondition(row.when, data.labels);
  return { when: row.when, outcome: outcomeOf(condition, factsAt(data.facts, atMs, data.labels)) };
}

function missingFacts({ whyMissing }: ExplainInput, near: readonly Near[], deciding?: Outcome): MissingFact[] {
  const waiting = near.filter(({ fails }) => fails === 'when').flatMap(({ outcome }) => outcome.missing);
  return [...new Set([...(deciding?.missing ?? []), ...waiting])].sort().map((fact) => {
    const why = whyMissing?.(fact);
    return { fact, ...(why !== undefined && { why: escapeText(why, 400) }) };
  });
}
