/** The commands that wait for another's yes, and what became of each: bounded, and the first end of each is its only one. */
import type { Review, ReviewState } from '../../control/reviews.js';
import type { Clock } from '../../core/clock.js';
import { newId } from '../../core/ids.js';
import type { Question } from '../../policy/types.js';

/** Waiting at once, of one session and of all. */
const PER_SESSION = 4;
const ALTOGETHER = 1_000;
/** Asked by one user within ASKED_MS, whatever came of it: reviewers read every one. */
const ASKED = 20;
const ASKED_MS = 60_000;
/** Ended ones that `requests --all` still shows. */
const REMEMBERED = 200;

export interface Draft {
  user: string;
  session: string;
  target: string;
  gate: 'line' | 'exec';
  text: string;
  digest?: string;
  rule?: string;
  /** Escaped. */
  reason?: string;
  questions: readonly Question[];
}

/** `writing`: not on disk yet, so that nobody sees it; it counts. */
export interface Entry extends Draft {
  readonly id: string;
  readonly at: number;
  readonly expiresAt: number;
  state: ReviewState | 'writing';
  /** Who is answering just now. */
  takenBy?: string;
  by?: string;
  why?: string;
  endedAt?: number;
}

export interface Ending {
  state: Exclude<ReviewState, 'waiting'>;
  by?: string;
  why?: string;
}

export interface Book {
  /** Takes a place; a string says why there is none. */
  enter(draft: Draft, rules: { waitMs: number; perUser: number }): Entry | string;
  /** It is on disk: from now on it can be answered. False when it has ended meanwhile. */
  open(entry: Entry): boolean;
  get(id: string): Entry | undefined;
  /** Those not ended. */
  waiting(): Entry[];
  /** As people may see them, oldest first. */
  list(all: boolean): Review[];
  /** False when somebody else is answering, or it has ended. */
  take(entry: Entry, by: string): boolean;
  giveBack(entry: Entry): void;
  /** False when it had ended before. */
  end(entry: Entry, ending: Ending): boolean;
}

export function createBook(clock: Clock): Book {
  const live = new Map<string, Entry>();
  const ended: Entry[] = [];
  const rate = createRate(clock);
  const count = (of: (entry: Entry) => boolean) => [...live.values()].filter(of).length;
  return {
    enter(draft, { waitMs, perUser }) {
      const { user, session } = draft;
      if (count((e) => e.session === session) >= PER_SESSION)
        return `this session asks about ${PER_SESSION} commands already, the most at once`;
      if (count((e) => e.user === user) >= perUser)
        return `${user} asks about ${perUser} commands already, the most at once`;
      if (live.size >= ALTOGETHER) return 'too many commands wait for an approval just now';
      if (!rate.take(user)) return `${ASKED} commands were asked about within a minute: wait before the next`;
      const at = clock.now();
      const entry: Entry = { ...draft, id: newId(), at, expiresAt: at + waitMs, state: 'writing' };
      live.set(entry.id, entry);
      return entry;
    },
    open(entry) {
      if (entry.state !== 'writing') return false;
      entry.state = 'waiting';
      return true;
    },
    get: (id) => live.get(id) ?? ended.find((e) => e.id === id),
    waiting: () => [...live.values()],
    list: (all) => [...(all ? ended : []), ...live.values()].flatMap((e) => viewOf(e) ?? []).sort(byId),
    take(entry, by) {
      if (entry.state !== 'waiting' || entry.takenBy !== undefined) return false;
      entry.takenBy = by;
      return true;
    },
    giveBack: (entry) => void delete entry.takenBy,
    end(entry, ending) {
      if (!live.delete(entry.id)) return false;
      Object.assign(entry, ending, { endedAt: clock.now() });
      ended.push(entry);
      if (ended.length > REMEMBERED) ended.shift();
      return true;
    },
  };
}

function viewOf({ questions: _, takenBy: __, state, ...rest }: Entry): Review | undefined {
  return state === 'writing' ? undefined : { ...rest, state };
}

const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1);

/** How often each user asked lately. Only users with a session can, so they are few. */
function createRate(clock: Clock) {
  const times = new Map<string, number[]>();
  return {
    take(user: string): boolean {
      const since = clock.mono() - ASKED_MS;
      for (const [name, asked] of times) if ((asked.at(-1) ?? since) <= since) times.delete(name);
      const recent = (times.get(user) ?? []).filter((at) => at > since);
      if (recent.length >= ASKED) return false;
      times.set(user, [...recent, clock.mono()]);
      return true;
    },
  };
}
