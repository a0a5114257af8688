import { SessionRights } from './rights.js';
import type { BaseFacts, Question, Rights } from './types.js';

/** What a person can bring that turns a refusal into an allow: a fresh second factor, another person's approval, or both. */
export type Remedy = 'mfa' | 'approval';

/** Stands for whoever may approve: conditions may ask that somebody did, or who. */
const SOMEBODY = 'somebody else';

const TRIES: readonly (readonly Remedy[])[] = [['mfa'], ['approval'], ['mfa', 'approval']];

/** The least that would allow what is refused now; undefined when neither would, and when it is allowed already. */
export function remediesFor(rights: Rights, question: Question, atMs: number): readonly Remedy[] | undefined {
  if (!(rights instanceof SessionRights) || rights.decide(question, atMs).allow) return undefined;
  return TRIES.find((remedies) => {
    const facts = withRemedies(rights.data.facts, remedies, atMs);
    return rights.withFacts(facts).decide(question, atMs).allow;
  });
}

function withRemedies(facts: BaseFacts, remedies: readonly Remedy[], atMs: number): BaseFacts {
  return {
    ...facts,
    ...(remedies.includes('mfa') ? { mfaAt: atMs } : {}),
    ...(remedies.includes('approval') ? { approval: { by: SOMEBODY } } : {}),
  };
}

const WORDS: Record<Remedy, string> = { mfa: 'a fresh second factor', approval: "another person's approval" };

/** `a fresh second factor and another person's approval would allow it`. */
export function phraseRemedies(remedies: readonly Remedy[]): string {
  return `${remedies.map((remedy) => WORDS[remedy]).join(' and ')} would allow it`;
}
