import { messageOf } from '../../core/errors.js';
import type { Facts } from '../facts.js';
import type { Effect, Labels } from '../types.js';
import type { Ast } from './ast.js';
import { ConditionError, checkNames, checkNodes } from './checks.js';
import { environmentFor } from './environment.js';
import { sayFailure } from './failure.js';

export interface Condition {
  readonly text: string;
  /** Throws where CEL has an error, a missing fact included. */
  evaluate(facts: Facts): boolean;
  readonly ast: Ast;
  /** True for the condition `true`. */
  readonly always: boolean;
}

/** Reads and type-checks the `when` column of a rule. Throws ConditionError. */
export function compileCondition(text: string, labels: Labels | undefined): Condition {
  const parsed = parse(text, labels);
  checkNames(parsed.ast, labels);
  const check = parsed.check();
  if (!check.valid) throw new ConditionError(sayFailure(text, check.error?.summary ?? 'it does not check', labels));
  expectBool(text, check.type, labels);
  checkNodes(parsed.ast);
  const always = parsed.ast.op === 'value' && parsed.ast.args === true;
  return { text, ast: parsed.ast, always, evaluate: (facts) => parsed(facts as Record<string, unknown>) === true };
}

/** A condition in its row: an error or a missing fact is false in an allow row and true in a deny row. */
export function holdsFor(condition: Condition | undefined, effect: Effect, facts: () => Facts): boolean {
  if (condition?.always) return true;
  try {
    return condition === undefined ? effect === 'deny' : condition.evaluate(facts());
  } catch {
    return effect === 'deny';
  }
}

function parse(text: string, labels: Labels | undefined) {
  if (text === '') throw new ConditionError('the condition is empty; write true for always');
  try {
    return environmentFor(labels).parse(text);
  } catch (error) {
    const summary = error instanceof Error && 'summary' in error ? String(error.summary) : messageOf(error);
    throw new ConditionError(sayFailure(text, summary, labels));
  }
}

function expectBool(text: string, type: string | undefined, labels: Labels | undefined): void {
  if (type !== 'bool' && !(type === 'dyn' && labels === undefined))
    throw new ConditionError(`${text} is ${type ?? 'unknown'}, not a condition; it must be true or false`);
}
