import { formatProblem } from '../../src/core/errors.js';
import {
  type BaseFacts,
  type CommandQuestion,
  type CompiledPolicy,
  compilePolicy,
  compileRights,
  type Labels,
  type Rights,
  type RightsData,
  SHIPPED_MODEL,
} from '../../src/policy/index.js';

export const LABELS: Labels = {
  user: { team: 'string' },
  target: { sensitivity: 'int', weight: 'double' },
  device: { managed: 'bool' },
};

export const FACTS: BaseFacts = {
  user: { team: 'blue' },
  target: { sensitivity: 2, weight: 1 },
  source: { ip: '10.1.2.3' },
  auth: { method: 'publickey', key: 'SHA256:x' },
  device: {},
  risk: {},
  approval: {},
  startedAt: Date.parse('2026-11-23T08:00:00Z'),
  timezone: 'UTC',
};

/** A Monday. */
export const NOON = Date.parse('2026-11-23T12:00:00Z');

export function compile(policyText: string, modelText = SHIPPED_MODEL) {
  return compilePolicy({ policyText, modelText, policyFile: 'p.csv', modelFile: 'm.conf', labels: LABELS });
}

export function policy(policyText: string, modelText?: string): CompiledPolicy {
  const { policy, problems } = compile(policyText, modelText);
  if (!policy) throw new Error(problems.map(formatProblem).join('\n'));
  return policy;
}

export function problemsOf(policyText: string, modelText?: string): string[] {
  return compile(policyText, modelText).problems.map(formatProblem);
}

/** Rights of alice on target `db1`, who holds `eng` for good, unless said otherwise. */
export function rightsData(policyText: string, over: Partial<RightsData> = {}, modelText?: string): RightsData {
  const compiled = policy(policyText, modelText);
  const holdings = over.holdings ?? [{ role: 'eng', target: '*', via: 'policy' }];
  const target = over.target ?? 'db1';
  return {
    user: 'alice',
    target,
    targetGroups: compiled.groupsOf(target),
    holdings,
    rows: compiled.rowsFor(new Set(holdings.map(({ role }) => role)), target),
    facts: FACTS,
    model: compiled.model,
    labels: compiled.labels,
    ...over,
  };
}

export function rights(policyText: string, over: Partial<RightsData> = {}, modelText?: string): Promise<Rights> {
  return compileRights(rightsData(policyText, over, modelText));
}

/** A program in /usr/bin, typed by name; a word in <> is dynamic. */
export function run(line: string, over: Partial<CommandQuestion> = {}): CommandQuestion {
  const question = typed(line, over);
  const name = question.words[0]?.text ?? '';
  return { program: { path: `/usr/bin/${name}`, names: [name], trustedNames: [name] }, ...question };
}

/** As typed, resolved to nothing. */
export function typed(line: string, over: Partial<CommandQuestion> = {}): CommandQuestion {
  const words = line
    .split(' ')
    .filter((text) => text !== '')
    .map((text) => (/^<.*>$/.test(text) ? { text: text.slice(1, -1), dynamic: true } : { text }));
  return { kind: 'command', words, ...over };
}
