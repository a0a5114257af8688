/** How old a feed's facts are: boot time, which counts suspend, tells. */
import type { Clock, Timer } from '../core/clock.js';
import type { FeedState } from './types.js';

/** A source that answers in time and is asked in time is never older than refresh and timeout; what timers add. Unit: ms. */
const SLACK_MS = 500;
/** Timers sleep through suspend, so it is looked at this often, too. Unit: ms. */
const LOOK_MS = 1_000;

export interface Terms {
  refreshMs: number;
  timeoutMs: number;
  keepMs: number;
}

/** Ms after which facts are stale, and after which they are gone. */
export function limitsOf({ refreshMs, timeoutMs, keepMs }: Terms): { staleMs: number; goneMs: number } {
  const staleMs = refreshMs + timeoutMs + SLACK_MS;
  return { staleMs, goneMs: staleMs + keepMs };
}

export interface Freshness {
  readonly state: FeedState;
  /** Boot time of the last word of the source. */
  readonly okAt: number | undefined;
  /** The source has told what is true now, or was at `at`, boot time. */
  ok(at?: number): void;
  stop(): void;
}

/** `changed` hears every new state once. */
export function createFreshness(clock: Clock, terms: Terms, changed: (state: FeedState) => void): Freshness {
  const { staleMs, goneMs } = limitsOf(terms);
  let state: FeedState = 'waiting';
  let okAt: number | undefined;
  let timer: Timer | undefined;
  const look = () => {
    if (okAt === undefined) return;
    const age = clock.boot() - okAt;
    const next = age <= staleMs ? 'fresh' : age <= goneMs ? 'kept' : 'stale';
    timer?.cancel();
    if (next !== 'stale') timer = clock.after((next === 'fresh' ? staleMs : goneMs) - age + 1, look);
    if (next === state) return;
    state = next;
    changed(state);
  };
  const looks = clock.every(LOOK_MS, look);
  return {
    get state() {
      return state;
    },
    get okAt() {
      return okAt;
    },
    ok(at = clock.boot()) {
      okAt = at;
      look();
    },
    stop() {
      timer?.cancel();
      looks.cancel();
    },
  };
}
