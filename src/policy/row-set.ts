import { type Condition, compileCondition } from './cel/condition.js';
import { RuleEnforcer } from './enforcer.js';
import type { CheckedModel } from './model.js';
import { literalOf, type Pattern, patternOf } from './pattern/index.js';
import type { Labels, Question, Row } from './types.js';

/** A rule ready to be asked. */
export interface CompiledRow {
  row: Row;
  pattern: Pattern;
  /** Absent: it does not check here, which is an error in every answer. */
  condition: Condition | undefined;
}

/** Enforcers kept per row set, one for each combination of program names the rules know. */
const MAX_ENFORCERS = 256;

/**
 * Rules compiled once and shared by every session that has the same ones. A question is put to casbin over the few
 * rules whose first word could match it, so that rules about other programs cost nothing.
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

  /** Casbin over every rule that could match this question. */
  enforcerFor(question: Question): RuleEnforcer {
    if (question.kind === 'action') return this.#enforcer('@', () => this.#actions);
    if (question.words[0]?.dynamic && question.program === undefined) {
      return this.#enforcer('?', () => [...this.#anyProgram, ...[...this.#byProgram.values()].flat()]);
    }
    const known = [...new Set(programNames(question))].filter((name) => this.#byProgram.has(name)).sort();
    return this.#enforcer(`=${known.join('\0')}`, () => [
      ...this.#anyProgram,
      ...known.flatMap((name) => this.#byProgram.get(name) ?? []),
    ]);
  }

  #enforcer(key: string, rows: () => number[]): RuleEnforcer {
    const cached = this.#enforcers.get(key);
    if (cached) return cached;
    const picked = [...new Set(rows())].sort((a, b) => a - b);
    const enforcer = new RuleEnforcer(
      this.#model,
      picked.map((at) => this.rows[at] as CompiledRow),
    );
    if (this.#enforcers.size >= MAX_ENFORCERS) this.#enforcers.clear();
    this.#enforcers.set(key, enforcer);
    return enforcer;
  }
}

function programNames(question: Question & { kind: 'command' }): string[] {
  const typed = question.words[0]?.text ?? '';
  const names = [typed, typed.slice(typed.lastIndexOf('/') + 1)];
  const { program } = question;
  if (program) names.push(program.path, ...program.names, ...program.trustedNames);
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
