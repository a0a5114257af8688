import { type Ast, fieldOf, literalArgument, walk } from './cel/ast.js';
import { durationMs, timestampMs } from './cel/environment.js';
import { Holdings } from './holdings.js';
import { matchPattern } from './pattern/index.js';
import { SessionRights } from './rights.js';
import { type CompiledRow, compileRow } from './row-set.js';
import type { BaseFacts, Question, Rights } from './types.js';
import { QUARTER_MS, zoneTime } from './zone.js';

/** Conditions that reckon with time are asked at least this often. Unit: ms. */
const GRID_MS = 60_000;
/** At most so many points of that grid, however far the horizon. */
const GRID_POINTS = 2_000;
/** The hours of so much time are looked at in one go. Unit: ms. */
const SPAN_MS = 24 * 3_600_000;

/**
 * The earliest moment in (fromMs, fromMs + horizonMs] at which `question` is not allowed any more, to the ms; undefined
 * when there is none. It follows holdings that end, hours and weekdays in the session's zone, and the literals that
 * `time.now`, `session.age` and `mfa.age` are compared with. A condition that reckons with these instead of comparing
 * them is asked every minute, and a refusal shorter than that may be missed.
 */
export function nextEdge(rights: Rights, question: Question, fromMs: number, horizonMs: number): number | undefined {
  const clockwork = clockworkOf(rights, question);
  const end = Math.floor(fromMs + horizonMs);
  let allowed = Math.floor(fromMs);
  for (let from = allowed; from < end; from += SPAN_MS) {
    const until = Math.min(end, from + SPAN_MS);
    for (const at of momentsIn(clockwork, from, until, horizonMs)) {
      if (!rights.decide(question, at).allow) return bisect(rights, question, allowed, at);
      allowed = at;
    }
  }
  return undefined;
}

/** The first moment of refusal, given one that is not after it and one that is not before it. */
function bisect(rights: Rights, question: Question, allowed: number, refused: number): number {
  let low = allowed;
  let high = refused;
  while (high - low > 1) {
    const middle = low + Math.floor((high - low) / 2);
    if (rights.decide(question, middle).allow) low = middle;
    else high = middle;
  }
  return high;
}

/** What can change an answer as time goes by. */
interface Clockwork {
  /** Moments, ms since the epoch. */
  moments: number[];
  /** Set when hours or weekdays matter. */
  timezone: string | undefined;
  /** Some condition reckons with time. */
  reckons: boolean;
}

/** Moments in (from, until] at which the answer may change, in order. */
function momentsIn(clockwork: Clockwork, from: number, until: number, horizonMs: number): number[] {
  const moments = clockwork.moments.filter((at) => at > from && at <= until);
  // An answer that is a refusal from the start is found, too.
  if (from + 1 <= until) moments.push(from + 1);
  if (clockwork.timezone !== undefined) moments.push(...hoursIn(clockwork.timezone, from, until));
  if (clockwork.reckons) {
    const step = Math.max(GRID_MS, Math.ceil(horizonMs / GRID_POINTS));
    for (let at = from + step; at <= until; at += step) moments.push(at);
  }
  return [...new Set(moments)].sort((a, b) => a - b);
}

/** Moments at which the hour or the weekday changes. */
function hoursIn(timezone: string, from: number, until: number): number[] {
  const moments: number[] = [];
  let before = zoneTime(timezone, from);
  for (let at = (Math.floor(from / QUARTER_MS) + 1) * QUARTER_MS; at <= until; at += QUARTER_MS) {
    const now = zoneTime(timezone, at);
    if (now.hour !== before.hour || now.weekday !== before.weekday) moments.push(at);
    before = now;
  }
  return moments;
}

/**
 * False when no decision can be another at `toMs` than at `fromMs`: no holding begins or ends in between, and no
 * condition's time comes. Looks at every rule, once for each `rights`.
 */
export function mayChange(rights: Rights, fromMs: number, toMs: number): boolean {
  const known = clockworks.get(rights) ?? clockworkOf(rights, undefined);
  clockworks.set(rights, known);
  // A clock set back makes old answers true again.
  if (known.reckons || toMs < fromMs) return true;
  if (known.moments.some((at) => at > fromMs && at <= toMs)) return true;
  if (known.timezone === undefined) return false;
  const [before, after] = [zoneTime(known.timezone, fromMs), zoneTime(known.timezone, toMs)];
  return before.hour !== after.hour || before.weekday !== after.weekday;
}

const clockworks = new WeakMap<Rights, Clockwork>();

/** `question` absent: whatever is asked. */
function clockworkOf(rights: Rights, question: Question | undefined): Clockwork {
  const { facts } = rights.data;
  const clockwork: Clockwork = { moments: holdingsOf(rights).edges(), timezone: undefined, reckons: false };
  for (const { condition, pattern, row } of rowsOf(rights)) {
    if (condition === undefined || condition.always) continue;
    if (!question || matchPattern(pattern, question, row.effect, true)) addCondition(clockwork, condition.ast, facts);
  }
  return clockwork;
}

function rowsOf(rights: Rights): readonly CompiledRow[] {
  if (rights instanceof SessionRights) return rights.scene.set.rows;
  const { rows, labels } = rights.data;
  return rows.map((row) => compileRow(row, labels, JSON.stringify(labels ?? null)));
}

function holdingsOf(rights: Rights): Holdings {
  return rights instanceof SessionRights ? rights.scene.holdings : new Holdings(rights.data);
}

function addCondition(clockwork: Clockwork, ast: Ast, facts: BaseFacts): void {
  let uses = 0;
  let compared = 0;
  walk(ast, (node) => {
    const name = fieldOf(node)?.join('.') ?? '';
    if (name === 'time.hour' || name === 'time.weekday') clockwork.timezone = facts.timezone;
    if (isMoving(name)) uses++;
    const moments = momentsOf(node, facts);
    if (moments === undefined) return;
    compared++;
    // Whichever way the comparison goes, its answer changes at the moment itself or 1 ms later.
    for (const at of moments) clockwork.moments.push(at, at + 1);
  });
  if (uses > compared) clockwork.reckons = true;
}

function isMoving(name: string): boolean {
  return name === 'time.now' || name === 'session.age' || name === 'mfa.age';
}

const COMPARISONS = new Set<string>(['<', '<=', '>', '>=', '==', '!=']);

/** For a moving fact compared with a literal, or asked for with has(): the moments its answer can change. */
function momentsOf(node: Ast, facts: BaseFacts): number[] | undefined {
  if (node.op === 'call' && node.args[0] === 'has') return movingName(node.args[1][0]) ? [] : undefined;
  if (!COMPARISONS.has(node.op)) return undefined;
  const [left, right] = node.args as [Ast, Ast];
  return literalMoment(movingName(left), right, facts) ?? literalMoment(movingName(right), left, facts);
}

function movingName(node: Ast | undefined): string | undefined {
  const name = node ? fieldOf(node)?.join('.') : undefined;
  return name !== undefined && isMoving(name) ? name : undefined;
}

function literalMoment(name: string | undefined, literal: Ast, facts: BaseFacts): number[] | undefined {
  if (name === undefined) return undefined;
  if (name === 'time.now') {
    const at = timestampMs(literalArgument(literal, 'timestamp') ?? '');
    return at === undefined ? undefined : [Math.floor(at)];
  }
  const text = literalArgument(literal, 'duration');
  const age = text === undefined ? undefined : durationMs(text);
  const start = name === 'mfa.age' ? facts.mfaAt : facts.startedAt;
  if (age === undefined) return undefined;
  return start === undefined ? [] : [start + age];
}
