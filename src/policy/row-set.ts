import { type Condition, compileCondition } from './cel/condition.js';
import { RuleEnforcer } from './enforcer.js';
import type { CheckedModel } from './model.js';
import { literalOf, matchPattern, type Pattern, patternOf } from './pattern/index.js';
import type { Labels, Question, Row } from './types.js';

/** A rule ready to be asked. */
export interface CompiledRow {
  /** Its own in this process. */
  readonly id: number;
  row: Row;
  pattern: Pattern;
  /** Absent: it does not check here, which is an error in every answer. */
  condition: Condition | undefined;
}

/** Enforcers kept per row set, one for each set of rules that lately met in a question. */
const MAX_ENFORCERS = 256;
/** Enforcers that all sets share: whoever holds the same few rules about @session asks the same one. */
const MAX_SHARED = 1_024;
const shared = new Map<string, RuleEnforcer>();

/**
 * Rules compiled once and shared by every session that has the same ones. A question is put to casbin over the few
 * rules whose command could match it: casbin takes 2 µs a rule, whatever the rule says.
 */
export class RowSet {
  readonly rows: readonly CompiledRow[];
  readonly #model: CheckedModel;
  readonly #shares: boolean;
  readonly #actions: number[] = [];
  #programs: Programs | undefined;
  readonly #enforcers = new Map<string, RuleEnforcer>();

  /** `shares`: rules of it are rules of other sets, too. */
  constructor(model: CheckedModel, rows: readonly CompiledRow[], shares = false) {
    this.#model = model;
    this.rows = rows;
    this.#shares = shares;
    for (const [at, { pattern }] of rows.entries()) if (pattern.kind === 'action') this.#actions.push(at);
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
    // A keeper asks about actions alone, of thousands of sets.
    this.#programs ??= indexOf(this.rows);
    const { any, byName } = this.#programs;
    const found = new Set(any);
    for (const name of programNames(question)) for (const at of byName.get(name) ?? []) found.add(at);
    return [...found];
  }

  #build(key: string, picked: readonly number[]): RuleEnforcer {
    const rows = picked.map((at) => this.rows[at] as CompiledRow);
    const enforcer = this.#shares ? enforcerOver(this.#model, rows) : new RuleEnforcer(this.#model, rows);
    const oldest = this.#enforcers.keys().next().value;
    if (this.#enforcers.size >= MAX_ENFORCERS && oldest !== undefined) this.#enforcers.delete(oldest);
    this.#enforcers.set(key, enforcer);
    return enforcer;
  }
}

interface Programs {
  /** Rules whose program is a pattern. */
  any: number[];
  byName: Map<string, number[]>;
}

function indexOf(rows: readonly CompiledRow[]): Programs {
  const programs: Programs = { any: [], byName: new Map() };
  for (const [at, { pattern }] of rows.entries()) if (pattern.kind === 'command') addProgram(programs, pattern, at);
  return programs;
}

function addProgram({ any, byName }: Programs, pattern: Pattern & { kind: 'command' }, at: number): void {
  const names = pattern.program.map(literalOf);
  if (pattern.every || names.includes(undefined)) {
    any.push(at);
    return;
  }
  for (const name of new Set(names as string[])) {
    const list = byName.get(name);
    if (list) list.push(at);
    else byName.set(name, [at]);
  }
}

function enforcerOver(model: CheckedModel, rows: readonly CompiledRow[]): RuleEnforcer {
  const key = `${model.text}\n${rows.map(({ id }) => id).join()}`;
  const known = shared.get(key);
  if (known) return known;
  const enforcer = new RuleEnforcer(model, rows);
  const oldest = shared.keys().next().value;
  if (shared.size >= MAX_SHARED && oldest !== undefined) shared.delete(oldest);
  shared.set(key, enforcer);
  return enforcer;
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

let lastId = 0;

/** Compiles one rule; its pattern was checked with the policy. Throws PatternError when it was not. */
export function compileRow(row: Row, labels: Labels | undefined, labelsKey: string): CompiledRow {
  lastId += 1;
  return { id: lastId, row, pattern: patternOf(row.command), condition: conditionOf(row.when, labels, labelsKey) };
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
