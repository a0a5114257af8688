import { messageOf } from '../core/errors.js';
import { appletOf } from './applet.js';
import { holdsFor } from './cel/condition.js';
import type { Ask } from './enforcer.js';
import { type Facts, factsAt } from './facts.js';
import type { Holdings } from './holdings.js';
import { matchPattern } from './pattern/index.js';
import type { CompiledRow, RowSet } from './row-set.js';
import { matchTarget } from './target.js';
import type { Children, CommandQuestion, Decision, Question, RightsData, Row } from './types.js';

/** What deciding for one session needs. */
export interface Scene {
  data: RightsData;
  set: RowSet;
  holdings: Holdings;
}

/** Decides; anything unexpected is a refusal. Never throws. */
export function decide(scene: Scene, question: Question, atMs: number): Decision {
  try {
    return question.kind === 'action' ? decideAction(scene, question, atMs) : decideCommand(scene, question, atMs);
  } catch (error) {
    return { allow: false, why: 'error', children: 'none', detail: messageOf(error) };
  }
}

function decideAction(scene: Scene, question: Question, atMs: number): Decision {
  const outcome = run(scene, question, atMs, false);
  if (outcome.deny) return refusedBy(outcome.deny);
  return outcome.allows.length > 0 ? allowedBy(outcome.allows) : NO_RULE;
}

function decideCommand(scene: Scene, question: CommandQuestion, atMs: number): Decision {
  if (question.words.length === 0) throw new Error('a command without words');
  if (question.children === 'none') return { allow: false, why: 'children', children: 'none' };
  const certain = run(scene, question, atMs, false);
  if (certain.deny) return refusedBy(certain.deny);
  const inner = refusedApplet(scene, question, atMs);
  if (inner) return inner;
  const decision = settle(question, certain.allows);
  if (!question.words.some((word) => word.dynamic)) return decision;
  const possible = run(scene, question, atMs, true);
  if (possible.deny) return { ...refusedBy(possible.deny), uncertain: true };
  if (!decision.allow && possible.allows.length > 0) return { ...NO_RULE, uncertain: true };
  return decision;
}

/** A program inside a program needs no allow of its own, but what a deny names it may not be. */
function refusedApplet(scene: Scene, question: CommandQuestion, atMs: number): Decision | undefined {
  const applet = appletOf(question);
  if (!applet) return undefined;
  const decision = decideCommand(scene, { ...applet, children: 'trusted' }, atMs);
  return decision.rule?.effect === 'deny' ? decision : undefined;
}

const NO_RULE: Decision = { allow: false, why: 'no-rule', children: 'none' };

/** No deny matched: what the allow rules, or the parent's word, make of it. */
function settle(question: CommandQuestion, allows: readonly Row[]): Decision {
  const trusted = question.children === 'trusted';
  if (allows.length === 0 && !trusted) return NO_RULE;
  const decision: Decision =
    allows.length > 0 ? allowedBy(allows) : { allow: true, why: 'no-rule', children: 'trusted' };
  const hooked = (question.hooks?.length ?? 0) > 0;
  return hooked && decision.children === 'trusted' ? { ...decision, children: 'checked' } : decision;
}

interface Outcome {
  deny?: Row;
  allows: Row[];
}

/** Asks casbin and holds its verdict against the rules that matched: where they disagree nothing is decided. */
function run(scene: Scene, question: Question, atMs: number, possible: boolean): Outcome {
  const matched: CompiledRow[] = [];
  const verdict = scene.set.enforcerFor(question).allows(askOf(scene, question, atMs, possible, matched));
  const rows = matched.map(({ row }) => row);
  const deny = rows.find((row) => row.effect === 'deny');
  const allows = rows.filter((row) => row.effect === 'allow');
  if (verdict !== (deny === undefined && allows.length > 0))
    throw new Error('casbin disagrees with the rules that matched');
  return deny ? { deny, allows } : { allows };
}

function askOf(scene: Scene, question: Question, atMs: number, possible: boolean, matched: CompiledRow[]): Ask {
  const { data, holdings } = scene;
  let known: Facts | undefined;
  const facts = () => {
    known ??= factsAt(data.facts, atMs, data.labels);
    return known;
  };
  return {
    holds: (role) => holdings.holds(role, atMs),
    onTarget: (pattern) => matchTarget(pattern, data.target, data.targetGroups),
    runs: ({ pattern, row }) => matchPattern(pattern, question, row.effect, possible),
    when: ({ condition, row }) => holdsFor(condition, row.effect, facts),
    matched,
    user: data.user,
    target: data.target,
    command: question.kind === 'action' ? question.action : (question.words[0]?.text ?? ''),
  };
}

const STRENGTH: Record<Children, number> = { checked: 0, trusted: 1, none: 2 };

/** Of several allow rows the strictest word counts: `none` beats `trusted` beats `checked`. */
function allowedBy(rows: readonly Row[]): Decision {
  const row = rows.reduce((best, next) => (STRENGTH[next.children] > STRENGTH[best.children] ? next : best));
  return { allow: true, rule: ruleOf(row), why: 'rule', children: row.children };
}

function refusedBy(row: Row): Decision {
  return { allow: false, rule: ruleOf(row), why: 'rule', children: 'none' };
}

function ruleOf({ id, effect, file, line }: Row): NonNullable<Decision['rule']> {
  return { id, effect, file, line };
}
