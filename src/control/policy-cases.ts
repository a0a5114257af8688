/** A table of decisions a policy must come to: `sallyport policy test FILE`. */
import { basename } from 'node:path';
import { z } from 'zod';
import { type Config, loadConfig, readYamlFile } from '../config/index.js';
import type { Clock } from '../core/clock.js';
import { formatProblem, messageOf, SallyportError } from '../core/errors.js';
import { escapeText } from '../core/escape.js';
import type { Lookup } from '../gate/index.js';
import { type CompiledPolicy, compileRights, type Explanation, explainDecision, type Remedy } from '../policy/index.js';
import type { FactValue, RightsData } from '../policy/types.js';
import { type Scene, setFact } from './facts.js';
import { loadPolicyInPieces } from './policy-files.js';
import { questionsOf } from './questions.js';

const factValue: z.ZodType<FactValue> = z.union([z.string(), z.number(), z.boolean()]);

const policyCase = z.strictObject({
  name: z.string().max(200).optional(),
  /** Holds what `g` rows say; need not be known to the store. */
  user: z.string().max(64).default('someone'),
  /** Held besides, as by grants on this target. */
  roles: z.array(z.string()).max(100).default([]),
  target: z.string().max(200).default('local'),
  /** A line of shell or an action such as @login; as a list, the words of one command. */
  run: z.union([z.string().min(1), z.array(z.string()).min(1)]),
  /** Default: now. */
  at: z.string().optional(),
  facts: z.record(z.string(), factValue).default({}),
  expect: z.enum(['allow', 'deny'], 'must be allow or deny'),
  /** The id of the deciding rule; `none`: no rule decides. */
  by: z.string().optional(),
  children: z.enum(['checked', 'trusted', 'none']).optional(),
  /** Exactly what a person would have to bring; empty: nothing they could would do. */
  remedies: z
    .array(z.enum(['mfa', 'approval'], 'must be mfa or approval'))
    .max(2)
    .optional(),
  /** Among the facts that are named as missing; empty: none is. */
  missing: z.array(z.string().max(200)).max(100).optional(),
});
const table = z.array(policyCase, 'must be a list of cases').max(10_000);

type PolicyCase = z.infer<typeof policyCase>;

export interface CaseResult {
  line: number;
  name: string;
  ok: boolean;
  expected: string;
  got: string;
}

export interface CasesReply {
  passed: number;
  failed: number;
  cases: CaseResult[];
}

/**
 * Plays every case of a file against the policy of a home. Programs need not exist on this machine: a name counts as a
 * program in a directory nobody but root writes. Throws a ConfigError for files that cannot be read or do not check.
 */
export async function testPolicy(home: string, file: string, clock: Clock): Promise<CasesReply> {
  const config = loadConfig(home);
  const { policy, problems } = await loadPolicyInPieces(config);
  if (!policy) throw new SallyportError('failed', problems.map(formatProblem).join('\n'));
  const { value, lineAt } = readYamlFile(file, table);
  const cases: CaseResult[] = [];
  for (const [n, one] of value.entries()) {
    const result = await play(one, policy, config, clock.now());
    cases.push({ line: lineAt([n]), name: one.name ?? textOf(one.run), ...result });
  }
  const passed = cases.filter(({ ok }) => ok).length;
  return { passed, failed: cases.length - passed, cases };
}

const textOf = (run: string | string[]) => (typeof run === 'string' ? run : run.join(' '));

async function play(one: PolicyCase, policy: CompiledPolicy, config: Config, now: number) {
  const expected = expectedOf(one);
  try {
    const scene = sceneOf(one, policy, config, now);
    const rights = await compileRights(scene.data);
    const questions = questionsOf(typeof one.run === 'string' ? [one.run] : one.run, anyProgram);
    // Of a line's commands the refused one speaks, as it does at the prompt.
    const question = questions.find((asked) => !rights.decide(asked, scene.atMs).allow) ?? questions[0];
    if (!question) throw new Error('nothing to decide');
    const input = { policy, rights, question, atMs: scene.atMs };
    // Explaining looks at every rule: only for cases that ask.
    const asks = one.remedies !== undefined || one.missing !== undefined;
    const found = asks ? explainDecision(input) : { decision: rights.decide(question, scene.atMs), missing: [] };
    return { ok: agrees(one, found), expected, got: describe(one, found) };
  } catch (error) {
    return { ok: false, expected, got: `an error: ${escapeText(messageOf(error), 300)}` };
  }
}

type Found = Pick<Explanation, 'decision' | 'remedies' | 'missing'>;

function agrees({ expect, by, children, remedies, missing }: PolicyCase, found: Found): boolean {
  const { decision } = found;
  if (decision.allow !== (expect === 'allow')) return false;
  if (by !== undefined && by !== (decision.rule?.id ?? 'none')) return false;
  if (children !== undefined && children !== decision.children) return false;
  if (remedies !== undefined && sayRemedies(remedies) !== sayRemedies(found.remedies ?? [])) return false;
  const known = found.missing.map(({ fact }) => fact);
  return missing?.length === 0 ? known.length === 0 : (missing ?? []).every((fact) => known.includes(fact));
}

const sayRemedies = (remedies: readonly Remedy[]) =>
  `remedies ${[...new Set(remedies)].sort().join(' and ') || 'none'}`;
const sayMissing = (facts: readonly string[]) => `missing ${facts.join(', ') || 'nothing'}`;

function expectedOf({ expect, by, children, remedies, missing }: PolicyCase): string {
  return escapeText(
    [
      `${expect}${by === undefined ? '' : ` by ${by}`}`,
      ...(children === undefined ? [] : [`children ${children}`]),
      ...(remedies === undefined ? [] : [sayRemedies(remedies)]),
      ...(missing === undefined ? [] : [sayMissing(missing)]),
    ].join(', '),
  );
}

function describe(one: PolicyCase, { decision, remedies = [], missing }: Found): string {
  const { allow, rule, children, why, detail } = decision;
  const place = rule ? `${rule.id} (${rule.file}:${rule.line})` : 'none';
  return [
    `${allow ? 'allow' : 'deny'} by ${place}`,
    ...(allow ? [`children ${children}`] : []),
    ...(one.remedies === undefined ? [] : [sayRemedies(remedies)]),
    ...(one.missing === undefined ? [] : [sayMissing(missing.map(({ fact }) => fact))]),
  ]
    .join(', ')
    .concat(why === 'error' ? `: ${escapeText(detail ?? '')}` : '');
}

function sceneOf(one: PolicyCase, policy: CompiledPolicy, config: Config, now: number): Scene {
  const { user, target, roles } = one;
  const targets = config.targets;
  const known = Object.hasOwn(targets, target) ? targets[target] : undefined;
  const held = new Set([...policy.rolesOf(user), ...roles, ...roles.flatMap((role) => policy.rolesOf(role))]);
  const data: RightsData = {
    user,
    target,
    targetGroups: policy.groupsOf(target),
    holdings: [...held].map((role) => ({ role, target: '*', via: 'policy' })),
    rows: policy.rowsFor(held, target),
    facts: {
      ...{ user: {}, target: { ...known }, source: { ip: '127.0.0.1' }, auth: { method: 'publickey' } },
      ...{ device: {}, risk: {}, approval: {}, startedAt: now, timezone: config.timezone },
    },
    model: policy.model,
    labels: policy.labels,
  };
  const scene: Scene = { data, atMs: now };
  const facts = { ...(one.at === undefined ? {} : { 'time.now': one.at }), ...one.facts };
  for (const [name, value] of Object.entries(facts)) {
    const problem = setFact(policy.labels, scene, name, value);
    if (problem !== undefined) throw new Error(`${name === 'time.now' ? 'at' : name}: ${problem}`);
  }
  return scene;
}

const anyProgram: Lookup = (name) => {
  const path = name.includes('/') ? name : `/usr/bin/${name}`;
  return { path, names: [basename(path)], trustedNames: [basename(path)] };
};
