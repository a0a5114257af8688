import { isDeepStrictEqual } from 'node:util';
import type { Authority, Change } from '../authority/index.js';
import type { Config } from '../config/index.js';
import type { Effect, Live, SessionDetail } from '../control/live.js';
import type { EndCause } from '../core/causes.js';
import { type Clock, within } from '../core/clock.js';
import { SallyportError } from '../core/errors.js';
import { compileRights } from '../policy/index.js';
import { SESSION_QUESTION } from '../session/index.js';
import type { RightsUpdate } from '../wire/types.js';
import { becauseOf } from './because.js';
import { deniedOf } from './denied.js';
import type { Endings } from './ending.js';
import { createPace, type Pace } from './pace.js';
import type { Pairs } from './pairs.js';
import { type LiveSession, type Registry, sessionInfo } from './registry.js';
import { rightsNow } from './rights-now.js';
import { sessionDeadlines } from './terms.js';
import type { Trees } from './trees.js';
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
  trees: Trees;
  pairs: Pairs;
  pace: Pace;
}

interface Answer {
  outcome: 'changed' | 'ended';
  /** Running programs that ended with their rights. */
  programs: number;
}

/** Who waits for a door's answer, by session and version. */
type Answers = Map<string, (answer: Answer) => void>;

export interface LiveSide extends Live<Change> {
  /** Of a session that is being started: it and its door are brought up to the rights of now. Resolves to why it may not start. */
  renew(session: LiveSession): Promise<string | undefined>;
  /** A door's answer to new rights. */
  settled(sid: string, version: number, answer: Answer): void;
}

/** Carries every change of authority into the live sessions it concerns. */
export function createLive(outer: Omit<LiveParts, 'pace'> & { pace?: Pace }): LiveSide {
  const parts: LiveParts = { ...outer, pace: outer.pace ?? createPace() };
  const { authority, registry } = parts;
  const outcomes = new Map<number, Promise<Effect[]>>();
  const answers: Answers = new Map();
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
    settled(sid, version, answer) {
      const session = registry.get(sid);
      if (!session || version > authority.version()) return;
      // What was not launched yet is looked at again when it is, whatever its door says it knows.
      if (isRunning(session)) session.version = Math.max(session.version, version);
      answers.get(`${sid} ${version}`)?.(answer);
    },
    renew: (session) => renew(session, parts, answers),
    sessions: () => registry.all().filter(isRunning).map(sessionInfo),
    session: (id) => detail(registry.get(id), parts.config.current),
    async processes(id) {
      const session = registry.get(id);
      return session && isRunning(session) ? await parts.trees.of(session) : undefined;
    },
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

async function spread(change: Change, parts: LiveParts, answers: Answers): Promise<Effect[]> {
  const touched = concerned(change, parts.registry).filter(isRunning);
  const effects: Promise<Effect>[] = [];
  for (let at = 0; at < touched.length; at += BATCH) {
    if (at > 0) await new Promise<void>((resolve) => setImmediate(resolve));
    for (const session of touched.slice(at, at + BATCH)) {
      session.turn = apply(session, change, parts, answers).catch(() => failed(session, change, parts));
      effects.push(session.turn);
    }
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

const endedBy = (s: LiveSession, cause: EndCause): Effect => ({ id: s.id, user: s.user, outcome: 'ended', cause });

/** A session whose rights cannot be brought up to date does not go on with old ones. */
async function failed(s: LiveSession, change: Change, { endings }: LiveParts): Promise<Effect> {
  await endings.order(s, 'crashed', 'a change of rights could not be applied', change.version);
  return endedBy(s, 'crashed');
}

async function apply(s: LiveSession, change: Change, parts: LiveParts, answers: Answers): Promise<Effect> {
  const { authority, clock, endings, config } = parts;
  const stop = standsAgainst(s, authority);
  if (stop) {
    await endings.order(s, stop.cause, stop.reason, change.version);
    return endedBy(s, stop.cause);
  }
  s.turns += 1;
  const turn = s.turns;
  const rights = rightsNow(s, authority);
  const compiled = await compileRights(rights);
  if (s.state === 'over') return endedBy(s, s.ordered?.cause ?? change.cause);
  // Rights that were read later hold this change too: older ones that took longer to compile never replace them.
  if (turn !== s.turns && s.turn) return await s.turn;
  const now = clock.now();
  if (!compiled.decide(SESSION_QUESTION, now).allow) {
    await endings.order(s, change.cause, undefined, change.version);
    return endedBy(s, change.cause);
  }
  const deadlines = sessionDeadlines(config.current, rights, compiled, s.startedAt, now);
  const same = isDeepStrictEqual(s.rights, rights) && isDeepStrictEqual(s.deadlines, deadlines);
  if (same) return (await s.queued?.effect) ?? { id: s.id, user: s.user, outcome: 'unchanged' };
  Object.assign(s, { rights, compiled, deadlines });
  if (s.state === 'live') parts.watchdog.watch(s);
  return await queue(s, change, parts, answers);
}

async function renew(s: LiveSession, parts: LiveParts, answers: Answers): Promise<string | undefined> {
  const { authority, clock, config } = parts;
  const version = authority.version();
  const rights = rightsNow(s, authority);
  const isSame = isDeepStrictEqual(s.rights, rights);
  const compiled = isSame ? s.compiled : await compileRights(rights);
  const now = clock.now();
  const denied = deniedOf(s, compiled, now);
  if (denied !== undefined) return denied;
  const deadlines = sessionDeadlines(config.current, rights, compiled, s.startedAt, now);
  const moved = !isSame || !isDeepStrictEqual(s.deadlines, deadlines);
  Object.assign(s, { rights, compiled, deadlines, version });
  if (!moved || s.state !== 'starting') return undefined;
  await parts.pace.enter(s.pair);
  const effect = await tellDoor(s, { version, cause: 'revoked', because: 'rights changed' }, parts, answers);
  return effect.outcome === 'changed' ? undefined : 'your rights changed just now: connect again';
}

/** In turn, where its door has much to answer; whatever changes until then goes with it. */
async function queue(s: LiveSession, change: Change, parts: LiveParts, answers: Answers): Promise<Effect> {
  if (s.queued) {
    if (change.version > s.queued.change.version) s.queued.change = change;
    return await s.queued.effect;
  }
  const room = parts.pace.enter(s.pair);
  if (room === undefined) return await tellDoor(s, newsOf(change), parts, answers);
  const send = async () => {
    await room;
    const last = s.queued?.change ?? change;
    delete s.queued;
    return await tellDoor(s, newsOf(last), parts, answers);
  };
  s.queued = { change, effect: send() };
  return await s.queued.effect;
}

/** Facts change far more often than rules, and are far less. */
function newsFor({ rights, told }: LiveSession): RightsUpdate {
  if (rights.rows !== told.rows || rights.model !== told.model || rights.labels !== told.labels) return rights;
  const { rows: _, model: _m, labels: _l, ...rest } = rights;
  return rest;
}

/** What a door is told with new rights. */
interface News {
  version: number;
  cause: EndCause;
  because: string;
}

const newsOf = (change: Change): News => ({
  version: change.version,
  cause: change.cause,
  because: becauseOf(change),
});

/** Hands the session's rights to its door; a door that does not answer, or says it ended what goes on, is not believed. */
async function tellDoor(s: LiveSession, news: News, parts: LiveParts, answers: Answers): Promise<Effect> {
  const { clock, endings, pace } = parts;
  const { version, cause, because } = news;
  const key = `${s.id} ${version}`;
  let answer: Answer | undefined;
  const answered = new Promise<void>((resolve) => {
    answers.set(key, (said) => {
      answer = said;
      resolve();
    });
  });
  try {
    if (s.state === 'over') return endedBy(s, s.ordered?.cause ?? cause);
    const rights = newsFor(s);
    s.told = s.rights;
    s.pair.toDoor({ type: 'rights', sid: s.id, version, rights, deadlines: s.deadlines, cause, because });
    await within(clock, Promise.race([answered, s.over]), ANSWER_MS);
  } finally {
    answers.delete(key);
    pace.leave(s.pair);
  }
  if (answer?.outcome === 'changed') {
    const ended = answer.programs > 0 ? { programs: answer.programs } : {};
    return { id: s.id, user: s.user, outcome: 'changed', ...ended };
  }
  if (answer === undefined || !(await within(clock, s.over, ANSWER_MS))) {
    s.ordered ??= { cause, reason: 'the door did not answer a change of rights' };
    await endings.force(s);
  }
  return endedBy(s, cause);
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
