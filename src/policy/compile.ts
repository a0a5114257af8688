import { createHash } from 'node:crypto';
import { messageOf, type Problem } from '../core/errors.js';
import { readCsv } from './csv.js';
import { RuleEnforcer } from './enforcer.js';
import { findCycles, Graph } from './graph.js';
import { lintRows } from './lint.js';
import { type CheckedModel, checkModel } from './model.js';
import { patternOf } from './pattern/index.js';
import { RowIndex } from './row-index.js';
import { type Edge, type PolicyRows, readRows } from './rows.js';
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
  rowsFor(roles: ReadonlySet<string>, target: string): Row[];
}

/** Reads, checks and indexes a policy; `policy` is there when no problem is an error. Never throws. */
export function compilePolicy(input: PolicyInput): { policy?: CompiledPolicy; problems: Problem[] } {
  const checked = checkModel(input.modelText, input.modelFile);
  const csv = readCsv(input.policyText, input.policyFile);
  const read = readRows(csv.records, input.policyFile, input.labels);
  const problems = [
    ...checked.problems,
    ...(checked.model ? tryModel(checked.model, input.modelFile) : []),
    ...csv.problems,
    ...read.problems,
    ...findCycles(read.g, 'g'),
    ...findCycles(read.g2, 'g2'),
    ...lintRows(read.rows),
  ];
  problems.sort((a, b) => (a.file === b.file ? (a.line ?? 0) - (b.line ?? 0) : 0));
  const failed = problems.some(({ severity }) => severity === 'error');
  return checked.model && !failed ? { policy: index(checked.model, read, input), problems } : { problems };
}

function index(model: CheckedModel, { rows, g, g2 }: PolicyRows, input: PolicyInput): CompiledPolicy {
  const roles = new Graph(g);
  const groups = new Graph(g2);
  const byRole = new RowIndex(rows);
  return {
    digest: digestOf(model, input),
    model: model.text,
    labels: input.labels,
    rows,
    edges: g,
    rolesOf: (name) => roles.above(name),
    groupsOf: (target) => groups.above(target),
    rowsFor: (held, target) => byRole.find(held, [target, ...groups.above(target)]),
  };
}

function digestOf(model: CheckedModel, input: PolicyInput): string {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([model.text, input.policyText, input.labels]));
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
    const enforcer = new RuleEnforcer(model, [{ row, pattern: patternOf('*'), condition: undefined }]);
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
