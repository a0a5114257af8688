import { escapeText, showArgv } from '../core/escape.js';
import { type Ast, fieldOf, walk } from './cel/ast.js';
import { holdsFor } from './cel/condition.js';
import type { CompiledPolicy } from './compile.js';
import { type Facts, factsAt } from './facts.js';
import { Holdings } from './holdings.js';
import { matchPattern } from './pattern/index.js';
import { phraseRemedies, type Remedy, remediesFor } from './remedy/index.js';
import { compileRow } from './row-set.js';
import { matchTarget } from './target.js';
import type { Decision, Question, Rights, RightsData, Row } from './types.js';

export interface ExplainInput {
  policy: CompiledPolicy;
  rights: Rights;
  question: Question;
  /** Wall time, ms. */
  atMs: number;
}

export type Column = 'role' | 'target' | 'command' | 'when';

/** A rule that fails in exactly one column, and what would make it match. */
export interface NearRule {
  id: string;
  effect: 'allow' | 'deny';
  file: string;
  line: number;
  fails: Column;
  /** Of a rule that fails on command: it speaks of another program altogether. */
  elsewhere: boolean;
  /** One line for a person, escaped. */
  change: string;
}

export interface Explanation {
  user: string;
  target: string;
  /** The command or action, escaped. */
  subject: string;
  decision: Decision;
  /** What the person could bring to have it allowed. */
  remedies?: readonly Remedy[];
  /** At most 20, those that could turn the decision first, in the order of the file. */
  near: NearRule[];
}

/** More would not be read. */
const MAX_NEAR = 20;

/** Why a decision is what it is, and what would change it. Looks at every rule of the policy. */
export function explainDecision({ policy, rights, question, atMs }: ExplainInput): Explanation {
  const decision = rights.decide(question, atMs);
  const scene: Scene = { data: rights.data, holdings: new Holdings(rights.data), question, atMs, policy };
  const near = policy.rows.flatMap((row) => nearRule(row, scene) ?? []);
  const turning = decision.allow ? 'deny' : 'allow';
  // Rules about other commands are the most and say the least: they come last.
  const weight = (rule: NearRule) => Number(rule.effect !== turning) + 2 * Number(rule.fails === 'command');
  near.sort((a, b) => weight(a) - weight(b));
  const remedies = remediesFor(rights, question, atMs);
  return {
    user: rights.data.user,
    target: rights.data.target,
    subject: question.kind === 'action' ? escapeText(question.action) : showArgv(question.words.map((w) => w.text)),
    decision,
    ...(remedies && { remedies }),
    near: near.slice(0, MAX_NEAR),
  };
}

interface Scene {
  data: RightsData;
  holdings: Holdings;
  question: Question;
  atMs: number;
  policy: CompiledPolicy;
}

function nearRule(row: Row, scene: Scene): NearRule | undefined {
  const { data, holdings, question, atMs, policy } = scene;
  const fails: Column[] = [];
  if (!holdings.holds(row.role, atMs)) fails.push('role');
  if (!matchTarget(row.target, data.target, data.targetGroups)) fails.push('target');
  if (fails.length > 1) return undefined;
  const { pattern, condition } = compileRow(row, policy.labels, JSON.stringify(policy.labels));
  const facts = () => factsAt(data.facts, atMs, policy.labels);
  if (!matchPattern(pattern, question, row.effect, false)) fails.push('command');
  if (fails.length > 1 || differsInKind(pattern.kind, question)) return undefined;
  if (!holdsFor(condition, row.effect, facts)) fails.push('when');
  const [column, more] = fails;
  if (column === undefined || more !== undefined) return undefined;
  const change = changeFor(column, row, data, () => (condition ? describeFacts(condition.ast, facts()) : ''));
  return {
    id: row.id,
    effect: row.effect,
    file: row.file,
    line: row.line,
    fails: column,
    elsewhere: column === 'command' && !namesProgram(row.command, question),
    change: escapeText(change, 400),
  };
}

/** Whether the pattern's first word could be the program asked about. */
function namesProgram(pattern: string, question: Question): boolean {
  if (question.kind === 'action') return true;
  const [first = ''] = pattern.trim().split(/\s+/);
  const names = first.replaceAll(/[{}'"]/g, '').split('|');
  const asked = question.words[0]?.text ?? '';
  return names.some((name) => name.includes('*') || name === asked || name.endsWith(`/${asked}`));
}

/** A rule about programs is not near a question about an action. */
function differsInKind(kind: 'command' | 'action', question: Question): boolean {
  return kind !== question.kind;
}

function changeFor(column: Column, row: Row, data: RightsData, facts: () => string): string {
  if (column === 'role') {
    return row.effect === 'allow'
      ? `a grant of ${row.role}: sallyport grant ${data.user} --role ${row.role} --target ${data.target} --for 1h --reason …`
      : `it is for those who hold ${row.role}`;
  }
  if (column === 'target') return `it is for targets ${row.target}`;
  if (column === 'command') return `it is for: ${row.command}`;
  return `its condition is false: ${row.when} (${facts()})`;
}

/** The facts a condition looks at, with their values now: `risk.score unknown, time.hour 6`. */
function describeFacts(ast: Ast, facts: Facts): string {
  const seen = new Set<string>();
  walk(ast, (node) => {
    const field = fieldOf(node);
    if (field) seen.add(`${field.join('.')} ${showFact(facts[field[0]]?.[field[1]])}`);
  });
  return [...seen].join(', ');
}

export function showFact(value: unknown): string {
  if (value === undefined) return 'unknown';
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'object' && value !== null && 'getMilliseconds' in value) return `${ageOf(value)}s`;
  return String(value);
}

function ageOf(duration: object): number {
  const seconds: unknown = 'seconds' in duration ? duration.seconds : 0n;
  return Number(seconds);
}

/** The explanation as text for a terminal, several lines, the last without newline. */
export function renderExplanation({ user, target, subject, decision, remedies, near }: Explanation): string {
  const lines = [`${decision.allow ? 'allow' : 'deny'}: ${user} on ${target}: ${subject}`, `  ${becauseOf(decision)}`];
  if (remedies) lines.push(`  ${phraseRemedies(remedies)}`);
  const shown = near.filter((rule) => !rule.elsewhere);
  if (shown.length > 0) lines.push('near rules:');
  for (const rule of shown) {
    lines.push(`  ${rule.id} (${rule.file}:${rule.line}, ${rule.effect}) fails on ${rule.fails}: ${rule.change}`);
  }
  return lines.join('\n');
}

function becauseOf({ allow, rule, why, children, uncertain, detail }: Decision): string {
  if (rule) {
    const place = `rule ${rule.id} (${rule.file}:${rule.line})`;
    if (allow) return `by ${place}; programs it starts are ${children}`;
    return uncertain ? `words known only at run time may fall under ${place}` : `denied by ${place}`;
  }
  if (why === 'error') return `no decision could be reached: ${escapeText(detail ?? '')}`;
  if (why === 'children') return 'its parent may start no program';
  if (allow) return 'its parent is trusted and no rule denies it';
  return uncertain ? 'no rule is sure to allow it: some words are known only at run time' : 'no rule allows it';
}
