/** What a condition comes to, and the facts it looks at, in words. */
import { type Ast, fieldOf, walk } from '../cel/ast.js';
import type { Condition } from '../cel/condition.js';
import { type Facts, showFact } from '../facts.js';

export interface Outcome {
  /** `error`: it cannot be told, as when a fact is missing. */
  is: 'true' | 'false' | 'error';
  /** Facts it names that nobody knows. */
  missing: string[];
  /** `risk.score unknown, time.hour 6`. */
  facts: string;
}

export function outcomeOf(condition: Condition | undefined, facts: Facts): Outcome {
  if (condition === undefined) return { is: 'error', missing: [], facts: '' };
  const named = factsNamed(condition.ast).map(([object, field]) => ({
    name: `${object}.${field}`,
    value: facts[object]?.[field],
  }));
  return {
    is: evaluate(condition, facts),
    missing: named.filter(({ value }) => value === undefined).map(({ name }) => name),
    facts: named.map(({ name, value }) => `${name} ${showFact(value)}`).join(', '),
  };
}

function evaluate(condition: Condition, facts: Facts): Outcome['is'] {
  try {
    return condition.evaluate(facts) ? 'true' : 'false';
  } catch {
    return 'error';
  }
}

/** Each once, in the order of the text. */
function factsNamed(ast: Ast): [string, string][] {
  const seen = new Map<string, [string, string]>();
  walk(ast, (node) => {
    const field = fieldOf(node);
    if (field) seen.set(field.join('.'), field);
  });
  return [...seen.values()];
}

const VERDICT = { true: 'holds', false: 'is false', error: 'cannot be told' };

/** `is false: risk.score < 50.0 (risk.score 80)`. */
export function sayOutcome(when: string, { is, facts }: Outcome): string {
  return `${VERDICT[is]}: ${when}${facts === '' ? '' : ` (${facts})`}`;
}
