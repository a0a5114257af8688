import { type Clockwork, clockworkOf } from './clockwork.js';
import type { Question, Rights } from './types.js';
import { nextHour, zoneTime } from './zone.js';

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
  for (let at = nextHour(timezone, from); at <= until; at = nextHour(timezone, at)) moments.push(at);
  return moments;
}

/**
 * False when no decision can be another at `toMs` than at `fromMs`: no holding begins or ends in between, and no
 * condition's time comes. Looks at every rule, once for each set of them.
 */
export function mayChange(rights: Rights, fromMs: number, toMs: number): boolean {
  const known = knownOf(rights);
  // A clock set back makes old answers true again.
  if (known.reckons || toMs < fromMs) return true;
  if (known.moments.some((at) => at > fromMs && at <= toMs)) return true;
  if (known.timezone === undefined) return false;
  const [before, after] = [zoneTime(known.timezone, fromMs), zoneTime(known.timezone, toMs)];
  return before.hour !== after.hour || before.weekday !== after.weekday;
}

/**
 * The earliest moment after `fromMs` at which time alone may make some decision another; Infinity: none ever. Between the
 * two every decision is as at `fromMs`. Where a condition reckons with time it is the next whole second: clocks and calendars
 * turn at whole seconds.
 */
export function nextMoment(rights: Rights, fromMs: number): number {
  const { moments, timezone, reckons } = knownOf(rights);
  let next = reckons ? (Math.floor(fromMs / SECOND_MS) + 1) * SECOND_MS : Number.POSITIVE_INFINITY;
  for (const at of moments) if (at > fromMs && at < next) next = at;
  return timezone === undefined ? next : Math.min(next, nextHour(timezone, fromMs));
}

const SECOND_MS = 1_000;

const clockworks = new WeakMap<Rights, Clockwork>();

function knownOf(rights: Rights): Clockwork {
  const known = clockworks.get(rights) ?? clockworkOf(rights);
  clockworks.set(rights, known);
  return known;
}
