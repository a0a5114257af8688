import { fieldOf, walk } from '../cel/ast.js';
import { type Condition, compileCondition, holdsFor } from '../cel/condition.js';
import { conjunctsOf } from '../cel/conjuncts.js';
import { type Facts, factsAt } from '../facts.js';
import { matchPattern } from '../pattern/index.js';
import type { SessionRights } from '../rights.js';
import type { CompiledRow } from '../row-set.js';
import { matchTarget } from '../target.js';
import type { Decision, Question, RightsData } from '../types.js';
import { QUARTER_MS } from '../zone.js';
import type { Way } from './types.js';

/** Rows looked at for one refusal: conditions are cheap, but a user may hold thousands of rows. */
const MAX_LOOKED_AT = 50;
/** How far ahead an hour or a day of the week is looked for: every one of them comes within a week. */
const HORIZON_MS = 8 * 24 * 3_600_000;

/**
 * What of the session's own rows would turn a refusal, what lacks least first and `max` at most. It names what a
 * condition asks for, never what the facts are.
 */
export function nearestWays(
  rights: SessionRights,
  question: Question,
  decision: Decision,
  atMs: number,
  max: number,
): Way[] {
  const near = nearRows(rights, question, atMs);
  if (decision.why === 'no-rule') return offers(near, atMs, max);
  const lapsing = decision.why === 'rule' ? lapse(near) : undefined;
  return lapsing ? [lapsing] : [];
}

interface Near {
  data: RightsData;
  /** Rows for this user, target and command, whose condition is all that may be in the way, or holds. */
  rows: CompiledRow[];
  facts(atMs: number): Facts;
  holds(row: CompiledRow): boolean;
}

function nearRows({ data, scene }: SessionRights, question: Question, atMs: number): Near {
  const facts = (at: number) => factsAt(data.facts, at, data.labels);
  const now = facts(atMs);
  const rows = scene.set
    .about(question)
    .filter(
      ({ row, pattern }) =>
        matchPattern(pattern, question, row.effect, false) &&
        scene.holdings.holds(row.role, atMs) &&
        matchTarget(row.target, data.target, data.targetGroups),
    );
  return {
    data,
    rows: rows.slice(0, MAX_LOOKED_AT),
    facts,
    holds: ({ condition, row }) => holdsFor(condition, row.effect, () => now),
  };
}

interface Offer {
  row: CompiledRow;
  missing: Condition[];
}

/** No rule allows it: the allow rows that lack least. */
function offers(near: Near, atMs: number, max: number): Way[] {
  return near.rows
    .filter(({ row, condition }) => row.effect === 'allow' && condition !== undefined)
    .map((row): Offer => ({ row, missing: missingOf(row, near, atMs) }))
    .filter(({ missing }) => missing.length > 0)
    .sort((a, b) => a.missing.length - b.missing.length)
    .slice(0, max)
    .map((offer) => wayOf(offer, near, atMs));
}

function wayOf({ row, missing }: Offer, near: Near, atMs: number): Way {
  const { id: rule } = row.row;
  const from = missing.every(isAboutTheHour) ? nextTime(row, near, atMs) : undefined;
  if (from !== undefined) return { by: 'hour', rule, from, now: atMs, timezone: near.data.facts.timezone };
  return { by: 'facts', rule, lacks: missing.map(({ text }) => text) };
}

/** A deny with a condition: it lapses with that, if nothing else stands in the way. */
function lapse(near: Near): Way | undefined {
  const holding = near.rows.filter(near.holds);
  const denies = holding.filter(({ row }) => row.effect === 'deny');
  const allowed = holding.some(({ row }) => row.effect === 'allow');
  const [first, ...more] = denies;
  if (first?.condition === undefined || first.condition.always || more.length > 0 || !allowed) return undefined;
  return { by: 'lapse', rule: first.row.id, condition: first.row.when };
}

/** The parts of a row's condition that are not true now. */
function missingOf({ row, condition }: CompiledRow, near: Near, atMs: number): Condition[] {
  const facts = () => near.facts(atMs);
  const parts = conjunctsOf(row.when).map((text) => compileCondition(text, near.data.labels));
  const missing = parts.filter((part) => !holdsFor(part, 'allow', facts));
  return missing.length > 0 || condition === undefined || holdsFor(condition, 'allow', facts) ? missing : [condition];
}

function isAboutTheHour({ ast }: Condition): boolean {
  let hours = 0;
  let others = 0;
  walk(ast, (node) => {
    const field = fieldOf(node)?.join('.');
    if (field === 'time.hour' || field === 'time.weekday') hours += 1;
    else if (field !== undefined) others += 1;
  });
  return hours > 0 && others === 0;
}

/** When a condition that waits for an hour or a day of the week holds next, all else as it is. */
function nextTime({ condition }: CompiledRow, near: Near, atMs: number): number | undefined {
  const first = (Math.floor(atMs / QUARTER_MS) + 1) * QUARTER_MS;
  for (let at = first; at <= atMs + HORIZON_MS; at += QUARTER_MS)
    if (holdsFor(condition, 'allow', () => near.facts(at))) return at;
  return undefined;
}
