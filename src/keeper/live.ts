import { isDeepStrictEqual } from 'node:util';
import type { Authority, Change } from '../authority/index.js';
import type { Config } from '../config/index.js';
import type { Effect, Live, SessionDetail } from '../control/live.js';
import type { EndCause } from '../core/causes.js';
import { type Clock, within } from '../core/clock.js';
import { SallyportError } from '../core/errors.js';
import { compileRights } from '../policy/index.js';
import { SESSION_QUESTION } from '../session/index.js';
import type { Endings } from './ending.js';
import type { Pairs } from './pairs.js';
import { type LiveSession, type Registry, sessionInfo } from './registry.js';
import { sessionDeadlines } from './terms.js';
import type { Watchdog } from './watchdog.js';

/** A door that has not answered a change by then has its session killed. Unit: ms. */
const ANSWER_MS = 1_000;
/** Sessions re-decided in one go before others get a turn. */
const BATCH = 25;
/** Outcomes kept for admin commands that have yet to ask for them. */
const MAX_KEPT = 1_000;

export interface LiveParts {
  authority: Authority;
  /** As it is now; a reload replaces it. */
  config: { readonly current: Config };
  clock: Clock;
  registry: Registry;
  endings: Endings;
  watchdog: Watchdog;
  pairs: Pairs;
}

export interface LiveSide extends Live<Change> {
  /** A door's answer to new rights. */
  settled(sid: string, version: number): void;
}

/** Carries every change of authority into the live sessions it concerns. */
export function createLive(parts: LiveParts): LiveSide {
  const { authority, registry } = parts;
  const outcomes = new Map<number, Promise<Effect[]>>();
  const answers = new Map<string, () => void>();
  authority.onChange((change) => {
    outcomes.set(change.version, spread(change, parts, answers));
    for (const version of outcomes.keys()) {
      if (outcomes.size <= MAX_KEPT) break;
      outcomes.delete(version);
    }
  });
  return {
    async settle(change) {
      const effects = await (outcomes.get(change.version) ?? []);
      outcomes.delete(change.version);
      return effects;
    },
    settled(sid, version) {
      answers.get(`${sid} ${version}`)?.();
      const session = registry.get(sid);
      if (session) session.version = Math.max(session.version, version);
    },
    sessions: () => registry.all().filter(isRunning).map(sessionInfo),
    session: (id) => detail(registry.get(id), parts.config.current),
    async kill(id, reason, _by) {
      const session = registry.get(id);
      if (!session || !isRunning(session)) throw new SallyportError('not-found', `no live session ${id}`);
      await parts.endings.order(session, 'killed', reason, authority.version());
      return { id, user: session.user, outcome: 'ended', cause: 'killed' };
    },
    doors: () => parts.pairs.info(),
  };
}

function isRunning(s: LiveSession): boolean {
  return s.state === 'live' || s.state === 'launching';
}

async function spread(change: Change, parts: LiveParts, answers: Map<string, () => void>): Promise<Effect[]> {
  const touched = concerned(change, parts.registry).filter(isRunning);
  const effects: Promise<Effect>[] = [];
  for (let at = 0; at < touched.length; at += BATCH) {
    if (at > 0) await new Promise<void>((resolve) => setImmediate(resolve));
    for (const session of touched.slice(at, at + BATCH)) effects.push(apply(session, change, parts, answers));
  }
  return (await Promise.all(effects)).filter((e) => e.outcome !== 'unchanged');
}

function concerned(change: Change, registry: Registry): LiveSession[] {
  if (change.users === 'all') return registry.all();
  return [...change.users].flatMap((user) => registry.ofUser(user));
}

/** Why this session may not go on under what is true now, whatever its rules say; undefined: nothing stands against it. */
export function standsAgainst(
  s: { user: string; key: string; target: string },
  authority: Authority,
): { cause: EndCause; reason?: string } | undefined {
  const lock = authority.lockFor(s);
  if (lock) return { cause: 'locked', reason: lock.reason };
  if (!authority.user(s.user)) return { cause: 'revoked', reason: 'the user was removed' };
  if (!authority.usableKey(s.user, s.key)) return { cause: 'credential', reason: 'the key was removed or has expired' };
  return undefined;
}

async function apply(
  s: LiveSession,
  change: Change,
  parts: LiveParts,
  answers: Map<string, () => void>,
): Promise<Effect> {
  const { authority, clock, endings, config } = parts;
  const ended = (cause: EndCause): Effect => ({ id: s.id, user: s.user, outcome: 'ended', cause });
  const stop = standsAgainst(s, authority);
  if (stop) {
    await endings.order(s, stop.cause, stop.reason, change.version);
    return ended(stop.cause);
  }
  const rights = authority.rightsFor({ ...s, ...s.rights.facts, user: s.user, target: s.target });
  const compiled = await compileRights(rights);
  const now = clock.now();
  if (!compiled.decide(SESSION_QUESTION, now).allow) {
    await endings.order(s, change.cause, undefined, change.version);
    return ended(change.cause);
  }
  const deadlines = sessionDeadlines(config.current, rights, compiled, s.startedAt, now);
  const same = isDeepStrictEqual(s.rights, rights) && isDeepStrictEqual(s.deadlines, deadlines);
  if (same) return { id: s.id, user: s.user, outcome: 'unchanged' };
  Object.assign(s, { rights, compiled, deadlines });
  if (s.state === 'live') parts.watchdog.watch(s);
  const answered = new Promise<void>((resolve) => answers.set(`${s.id} ${change.version}`, resolve));
  const { version, cause } = change;
  s.pair.toDoor({ type: 'rights', sid: s.id, version, rights, deadlines, cause });
  const inTime = await within(clock, Promise.race([answered, s.over]), ANSWER_MS);
  answers.delete(`${s.id} ${change.version}`);
  if (!inTime) {
    s.ordered ??= { cause: change.cause, reason: 'the door did not answer a change of rights' };
    await endings.force(s);
  }
  return s.state === 'over' || !inTime ? ended(change.cause) : { id: s.id, user: s.user, outcome: 'changed' };
}

function detail(s: LiveSession | undefined, config: Config): SessionDetail | undefined {
  if (!s || !isRunning(s)) return undefined;
  const { rights, deadlines, command, version } = s;
  return {
    info: sessionInfo(s),
    rights,
    deadlines,
    gate: config.gate,
    version,
    ...(command === undefined ? {} : { command }),
  };
}
