import type { Clock, Timer } from '../core/clock.js';
import { escapeText } from '../core/escape.js';

/** Who watches is said at most this often. Unit: ms. */
const QUIET_MS = 3_000;
/** How often it is looked whether the policy says so by now. Unit: ms. */
const TICK_MS = 1_000;
/** Of more, the number. */
const MAX_NAMES = 3;

/** What the engineer of one session is told of those who watch it. */
export interface WatchNews {
  joined(name: string): void;
  left(name: string): void;
  /** The session is over. */
  stop(): void;
}

export interface WatchNewsParts {
  clock: Clock;
  /** Whether the policy says that the engineer is told, now. */
  mayTell(): boolean;
  say(text: string): void;
}

/** One who watches twice is one. Who is not told of is not said to have left either. */
export function createWatchNews({ clock, mayTell, say }: WatchNewsParts): WatchNews {
  const present = new Map<string, number>();
  let told = new Set<string>();
  let quietUntil = Number.NEGATIVE_INFINITY;
  let timer: Timer | undefined;

  const look = () => {
    timer?.cancel();
    timer = undefined;
    const now = clock.mono();
    if (now >= quietUntil && isNews(present, told) && mayTell()) {
      quietUntil = now + QUIET_MS;
      const before = told;
      told = new Set(present.keys());
      for (const text of phrase(before, told)) say(text);
    }
    if (present.size > 0 || told.size > 0) timer = clock.after(Math.max(TICK_MS, quietUntil - now), look);
  };
  const count = (name: string, by: 1 | -1) => {
    const n = (present.get(name) ?? 0) + by;
    if (n > 0) present.set(name, n);
    else present.delete(name);
    if (clock.mono() >= quietUntil || !timer) look();
  };
  return {
    joined: (name) => count(name, 1),
    left: (name) => count(name, -1),
    stop: () => timer?.cancel(),
  };
}

const isNews = (present: ReadonlyMap<string, number>, told: ReadonlySet<string>): boolean =>
  present.size !== told.size || [...present.keys()].some((name) => !told.has(name));

function phrase(before: ReadonlySet<string>, now: ReadonlySet<string>): string[] {
  const came = [...now].filter((name) => !before.has(name));
  const went = [...before].filter((name) => !now.has(name));
  const texts: string[] = [];
  if (came.length > 0) texts.push(`sallyport: ${list(came)} watching this session`);
  if (went.length > 1 && now.size === 0) texts.push('sallyport: nobody is watching this session any more');
  else if (went.length > 0) texts.push(`sallyport: ${list(went)} no longer watching this session`);
  return texts;
}

/** `carol is`, `carol and dave are`, `carol, dave, erin and 4 others are`. */
function list(names: readonly string[]): string {
  const shown = names.slice(0, MAX_NAMES).map((name) => escapeText(name, 40));
  const more = names.length - shown.length;
  if (more > 0) shown.push(more === 1 ? '1 other' : `${more} others`);
  const last = shown.pop() ?? '';
  return shown.length === 0 ? `${last} is` : `${shown.join(', ')} and ${last} are`;
}
