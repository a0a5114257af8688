import { type Condition, compileCondition } from './cel/condition.js';
import { RuleEnforcer } from './enforcer.js';
import type { CheckedModel } from './model.js';
import { literalOf, matchPattern, type Pattern, patternOf } from './pattern/index.js';
import type { Labels, Question, Row } from './types.js';

/** A rule ready to be asked. */
export interface CompiledRow {
  row: Row;
  pattern: Pattern;
  /** Absent: it does not check here, which is an error in every answer. */
  condition: Condition | undefined;
}

/** Enforcers kept per row set, one for each set of rules that lately met in a question. */
const MAX_ENFORCERS = 256;

/**
 * Rules compiled once and shared by every session that has the same ones. A question is put to casbin over the few
 * rules whose command could match it: casbin takes 2 µs a rule, whatever the rule says.
 */
export class RowSet {
  readonly rows: readonly CompiledRow[];
  readonly #model: CheckedModel;
  readonly #actions: number[] = [];
  /** Rules whose program is a pattern. */
  readonly #anyProgram: number[] = [];
  readonly #byProgram = new Map<string, number[]>();
  readonly #enforcers = new Map<string, RuleEnforcer>();

  constructor(model: CheckedModel, rows: readonly CompiledRow[]) {
    this.#model = model;
    this.rows = rows;
    for (const [at, row] of rows.entries()) this.#index(row.pattern, at);
  }

  #index(pattern: Pattern, at: number): void {
    if (pattern.kind === 'action') {
      this.#actions.push(at);
      return;
    }
    const names = pattern.program.map(literalOf);
    if (pattern.every || names.includes(undefined)) this.#anyProgram.push(at);
    else for (const name of new Set(names)) this.#addProgram(name as string, at);
  }

  #addProgram(name: string, at: number): void {
    const list = this.#byProgram.get(name);
    if (list) list.push(at);
    else this.#byProgram.set(name, [at]);
  }

  /** Casbin over exactly the rules whose command could match this question; the rest it would only say no to. */
  enforcerFor(question: Question): RuleEnforcer {
    const picked = this.#candidates(question).filter((at) => {
      const { pattern, row } = this.rows[at] as CompiledRow;
      return matchPattern(pattern, question, row.effect, true);
    });
    const key = picked.sort((a, b) => a - b).join();
    return this.#enforcers.get(key) ?? this.#build(key, picked);
  }

  /** Rules whose command names the question's program, or any: a superset of those it could match. */
  about(question: Question): CompiledRow[] {
    return this.#candidates(question).map((at) => this.rows[at] as CompiledRow);
  }

  #candidates(question: Question): number[] {
    if (question.kind === 'action') return [...this.#actions];
    if (question.words[0]?.dynamic && question.program === undefined) return [...this.rows.keys()];
    const found = new Set(this.#anyProgram);
    for (const name of programNames(question)) for (const at of this.#byProgram.get(name) ?? []) found.add(at);
    return [...found];
  }

  #build(key: string, picked: readonly number[]): RuleEnforcer {
    const enforcer = new RuleEnforcer(
      this.#model,
      picked.map((at) => this.rows[at] as CompiledRow),
    );
    const oldest = this.#enforcers.keys().next().value;
    if (this.#enforcers.size >= MAX_ENFORCERS && oldest !== undefined) this.#enforcers.delete(oldest);
    this.#enforcers.set(key, enforcer);
    return enforcer;
  }
}

function programNames(question: Question & { kind: 'command' }): string[] {
  const typed = question.words[0]?.text ?? '';
  const names = [typed, typed.slice(typed.lastIndexOf('/') + 1)];
  const { program } = question;
  if (program) names.push(program.path, ...(program.same ?? []), ...program.names, ...program.trustedNames);
  return names;
}

const conditions = new Map<string, Condition | undefined>();
const CONDITION_CACHE = 20_000;

/** Compiles one rule; its pattern was checked with the policy. Throws PatternError when it was not. */
export function compileRow(row: Row, labels: Labels | undefined, labelsKey: string): CompiledRow {
  return { row, pattern: patternOf(row.command), condition: conditionOf(row.when, labels, labelsKey) };
}

function conditionOf(when: string, labels: Labels | undefined, labelsKey: string): Condition | undefined {
  const key = `${labelsKey}\n${when}`;
  if (conditions.has(key)) return conditions.get(key);
  if (conditions.size >= CONDITION_CACHE) conditions.clear();
  let condition: Condition | undefined;
  try {
    condition = compileCondition(when, labels);
  } catch {
    condition = undefined;
  }
  conditions.set(key, condition);
  return condition;
}
