/** A feed that is asked for each user who logs in, and again while they have sessions. */
import type { Timer } from '../core/clock.js';
import { messageOf } from '../core/errors.js';
import { limitsOf, type Terms } from './freshness.js';
import type { FeedHealth, FeedPorts, FeedState, Sifted } from './types.js';

/** Questions under way at a time; more wait their turn. */
const MAX_ASKING = 32;
const LOOK_MS = 1_000;

export interface PerUser {
  health(): FeedHealth;
  /** Resolves when an answer that is not older than `refresh` is there, or none could be had. Never rejects. */
  prepare(user: string): Promise<void>;
  /** Its answers, for one that takes its place. */
  readonly answers: Answers;
  stop(): void;
}

type Answers = Map<string, Entry>;

interface Entry {
  /** Boot time of the last answer, and of the last question. */
  okAt: number | undefined;
  askedAt: number;
  asking: Promise<void> | undefined;
  /** Set for the moment its last answer is not known any more. */
  end?: Timer | undefined;
}

/** `live` names the users who have sessions now; `ask` settles in time by itself. */
export function startPerUser(
  terms: Terms,
  ask: (user: string) => Promise<Sifted>,
  live: () => Iterable<string>,
  ports: FeedPorts,
  answers: Answers = new Map(),
): PerUser {
  const { clock } = ports;
  const { staleMs, goneMs } = limitsOf(terms);
  const entries: Answers = new Map();
  const health: FeedHealth = { state: 'waiting' };
  const queue = createQueue(MAX_ASKING);
  let stopped = false;
  const age = (entry: Entry) => (entry.okAt === undefined ? Number.POSITIVE_INFINITY : clock.boot() - entry.okAt);
  const enter = (state: FeedState) => {
    if (state === health.state) return;
    health.state = state;
    ports.news(state, health.error);
  };
  const answered = (user: string, entry: Entry, sifted: Sifted, started: number) => {
    if (stopped) return;
    delete health.error;
    delete health.errorAt;
    delete health.refused;
    if (sifted.refused !== undefined) health.refused = sifted.refused;
    entry.okAt = clock.boot();
    entry.end?.cancel();
    entry.end = clock.after(goneMs + 1, () => expire(user, entry));
    Object.assign(health, { okAt: clock.now(), tookMs: Math.round(clock.boot() - started) });
    ports.tell(new Map([[user, sifted.facts.get('') ?? {}]]), false);
    enter('fresh');
  };
  const failed = (error: unknown) => {
    if (stopped) return;
    const isNew = health.error === undefined;
    Object.assign(health, { error: messageOf(error), errorAt: clock.now() });
    if (isNew) ports.news(health.state, health.error);
  };
  const question = (user: string): Promise<void> => {
    const entry = entries.get(user) ?? { okAt: undefined, askedAt: 0, asking: undefined };
    entries.set(user, entry);
    entry.askedAt = clock.boot();
    entry.asking ??= queue(async () => {
      const started = clock.boot();
      if (!stopped) answered(user, entry, await ask(user), started);
    })
      .catch(failed)
      .finally(() => {
        entry.asking = undefined;
        expire(user, entry);
      });
    return entry.asking;
  };
  /** What was told too long ago is not known any more, and not even while it is asked again. */
  const expire = (user: string, entry: Entry) => {
    if (stopped || entry.okAt === undefined || age(entry) <= goneMs) return;
    ports.tell(new Map([[user, {}]]), false);
    entry.okAt = undefined;
  };
  for (const [user, { okAt, askedAt }] of answers) {
    const entry: Entry = { okAt, askedAt, asking: undefined };
    entries.set(user, entry);
    if (okAt !== undefined) entry.end = clock.after(okAt + goneMs + 1 - clock.boot(), () => expire(user, entry));
  }
  /** The feed is as well as the worst of its answers about people who are here. */
  const worst = (present: ReadonlySet<string>): FeedState => {
    const ages = [...present].flatMap((user) => entries.get(user) ?? []).map(age);
    if (ages.some((old) => old > goneMs)) return 'stale';
    return ages.some((old) => old > staleMs) ? 'kept' : 'fresh';
  };
  const look = () => {
    const present = new Set(live());
    // The timers' own clock stands still in suspend.
    for (const [user, entry] of entries) {
      expire(user, entry);
      if (entry.okAt === undefined && entry.asking === undefined && !present.has(user)) entries.delete(user);
    }
    if (health.state !== 'waiting') enter(worst(present));
    for (const user of present) {
      const entry = entries.get(user);
      if (entry === undefined || clock.boot() - entry.askedAt >= terms.refreshMs) void question(user);
    }
  };
  const looks = clock.every(LOOK_MS, look);
  return {
    health: () => ({ ...health }),
    async prepare(user) {
      const entry = entries.get(user);
      if (entry === undefined || age(entry) >= terms.refreshMs) await question(user);
    },
    answers: entries,
    stop() {
      stopped = true;
      looks.cancel();
      for (const entry of entries.values()) entry.end?.cancel();
    },
  };
}

/** Runs at most `most` at a time, in order. */
function createQueue(most: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running >= most) await new Promise<void>((resolve) => waiting.push(resolve));
    running += 1;
    try {
      return await work();
    } finally {
      running -= 1;
      waiting.shift()?.();
    }
  };
}
