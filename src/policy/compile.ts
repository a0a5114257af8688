import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { messageOf, type Problem } from '../core/errors.js';
import { readCsv } from './csv.js';
import { RuleEnforcer } from './enforcer.js';
import { findCycles, Graph } from './graph.js';
import { lintRows } from './lint.js';
import { type CheckedModel, checkModel } from './model.js';
import { RowIndex } from './row-index.js';
import { compileRow } from './row-set.js';
import { type Edge, type PolicyRows, RowReader } from './rows.js';
import type { Labels, Row } from './types.js';

export interface PolicyInput {
  modelText: string;
  modelFile: string;
  policyText: string;
  policyFile: string;
  labels: Labels;
}

/** A policy that checks. Immutable. */
export interface CompiledPolicy {
  /** Changes exactly when model, rules or declared labels do. */
  readonly digest: string;
  /** Canonical text of the model, for RightsData. */
  readonly model: string;
  /** For RightsData. */
  readonly labels: Labels;
  readonly rows: readonly Row[];
  /** The `g` rows. */
  readonly edges: readonly Edge[];
  /** Roles a user or role has by `g` rows, transitively, itself not included. */
  rolesOf(name: string): string[];
  /** Groups a target belongs to by `g2` rows, transitively. */
  groupsOf(target: string): string[];
  /** Rules of these roles, and of role `*`, on a target, in the order of the file. Costs what the answer is long. */
  rowsFor(roles: ReadonlySet<string>, target: string): readonly Row[];
}

export interface CompileResult {
  /** There when no problem is an error. */
  policy?: CompiledPolicy;
  /** By file and line. */
  problems: Problem[];
}

/** Reads, checks and indexes a policy in one go: 100,000 rules take about a second. Never throws. */
export function compilePolicy(input: PolicyInput): CompileResult {
  const work = steps(input);
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
  }
}

/** The same in pieces of some ms, with the event loop running between them: for a process that has others to serve. */
export async function compilePolicyInPieces(input: PolicyInput): Promise<CompileResult> {
  const work = steps(input);
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
    await setImmediate();
  }
}

function* steps(input: PolicyInput): Generator<void, CompileResult> {
  const { model, problems } = checkModel(input.modelText, input.modelFile);
  if (model) problems.push(...tryModel(model, input.modelFile));
  const reader = new RowReader(input.policyFile, input.labels);
  for (const piece of readCsv(input.policyText, input.policyFile)) {
    for (const problem of piece.problems) problems.push(problem);
    for (const record of piece.records) reader.read(record);
    yield;
  }
  const read = reader.result;
  for (const problem of read.problems) problems.push(problem);
  problems.push(...findCycles(read.g, 'g'), ...findCycles(read.g2, 'g2'));
  for (const piece of lintRows(read.rows)) {
    for (const problem of piece) problems.push(problem);
    yield;
  }
  problems.sort((a, b) => (a.file === b.file ? (a.line ?? 0) - (b.line ?? 0) : 0));
  if (model === undefined || problems.some(({ severity }) => severity === 'error')) return { problems };
  return { policy: yield* index(model, read, input), problems };
}

/** Rows indexed in one go, which takes a few ms. */
const PIECE = 5_000;

function* index(model: CheckedModel, read: PolicyRows, input: PolicyInput): Generator<void, CompiledPolicy> {
  const roles = new Graph(read.g);
  const groups = new Graph(read.g2);
  const byRole = new RowIndex();
  for (const [at, row] of read.rows.entries()) {
    byRole.add(row);
    if (at % PIECE === 0) yield;
  }
  return {
    digest: digestOf(model, input),
    model: model.text,
    labels: input.labels,
    rows: read.rows,
    edges: read.g,
    rolesOf: (name) => roles.above(name),
    groupsOf: (target) => groups.above(target),
    rowsFor: (held, target) => byRole.find(held, [target, ...groups.above(target)]),
  };
}

function digestOf(model: CheckedModel, input: PolicyInput): string {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([model.text, input.labels])).update(input.policyText);
  return hash.digest('hex');
}

/** A narrowing of the right words can still be no expression: casbin says so only when it is asked. */
function tryModel(model: CheckedModel, file: string): Problem[] {
  const row: Row = {
    id: 'x',
    role: 'x',
    target: 'x',
    command: '*',
    when: 'true',
    effect: 'allow',
    children: 'none',
    file,
    line: 0,
  };
  const yes = () => true;
  try {
    const enforcer = new RuleEnforcer(model, [compileRow(row, undefined, '')]);
    enforcer.allows({
      holds: yes,
      onTarget: yes,
      runs: yes,
      when: yes,
      matched: [],
      user: '',
      target: '',
      command: '',
    });
    return [];
  } catch (error) {
    return [{ file, message: `the matcher is no expression: ${messageOf(error)}`, severity: 'error' }];
  }
}
