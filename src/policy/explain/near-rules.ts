import { escapeText } from '../../core/escape.js';
import type { CompiledPolicy } from '../compile.js';
import { type Facts, factsAt } from '../facts.js';
import { Holdings } from '../holdings.js';
import { matchPattern } from '../pattern/index.js';
import { type CompiledRow, compileRow } from '../row-set.js';
import { matchTarget } from '../target.js';
import type { Question, RightsData, Row } from '../types.js';
import { type Outcome, outcomeOf, sayOutcome } from './conditions.js';
import type { Column, ExplainInput, NearRule } from './types.js';

/** A rule and the one column it fails in. */
export interface Near {
  row: Row;
  fails: Column;
  /** Of its condition now. */
  outcome: Outcome;
}

/** Of every rule of the policy those that fail in exactly one column, in the order of the file. */
export function nearRows({ policy, rights: { data }, question, atMs }: ExplainInput): Near[] {
  let known: Facts | undefined;
  const facts = () => {
    known ??= factsAt(data.facts, atMs, policy.labels);
    return known;
  };
  const scene = { data, holdings: new Holdings(data), question, atMs, facts };
  const compiled = compiler(policy);
  return policy.rows.flatMap((row) => nearRow(row, scene, compiled) ?? []);
}

function compiler({ labels }: CompiledPolicy): (row: Row) => CompiledRow {
  const key = JSON.stringify(labels);
  return (row) => compileRow(row, labels, key);
}

interface Scene {
  data: RightsData;
  holdings: Holdings;
  question: Question;
  atMs: number;
  facts(): Facts;
}

function nearRow(row: Row, scene: Scene, compiled: (row: Row) => CompiledRow): Near | undefined {
  const { data, holdings, question, atMs, facts } = scene;
  const fails: Column[] = [];
  if (!holdings.holds(row.role, atMs)) fails.push('role');
  if (!matchTarget(row.target, data.target, data.targetGroups)) fails.push('target');
  if (fails.length > 1) return undefined;
  const { pattern, condition } = compiled(row);
  if (!matchPattern(pattern, question, row.effect, false)) fails.push('command');
  // A rule about programs is not near a question about an action.
  if (fails.length > 1 || pattern.kind !== question.kind) return undefined;
  const outcome = outcomeOf(condition, facts());
  if (outcome.is === 'false' || (outcome.is === 'error' && row.effect === 'allow')) fails.push('when');
  const [column, more] = fails;
  return column === undefined || more !== undefined ? undefined : { row, fails: column, outcome };
}

/** The same for a person. */
export function viewOf({ row, fails, outcome }: Near, question: Question): NearRule {
  return {
    id: row.id,
    effect: row.effect,
    file: row.file,
    line: row.line,
    fails,
    elsewhere: fails === 'command' && !namesProgram(row.command, question),
    change: escapeText(changeFor(fails, row, outcome), 400),
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

function changeFor(column: Column, row: Row, outcome: Outcome): string {
  if (column === 'role')
    return row.effect === 'allow' ? `a grant of role ${row.role} would` : `it is for those who hold ${row.role}`;
  if (column === 'target') return `it is for targets ${row.target}`;
  if (column === 'command') return `it is for: ${row.command}`;
  return `its condition ${sayOutcome(row.when, outcome)}`;
}
