import type { Clock, Timer } from '../core/clock.js';
import { nextMoment } from '../policy/index.js';
import type { Rights, RightsData } from '../policy/types.js';
import type { Wheel } from './wheel.js';

export interface TimeEdges {
  /** A re-check: looks if a moment has come that no timer was told of, by a clock that was set. Else next to free. */
  tick(): void;
  /** Other rights are in force, and were looked at: their moments count from now. */
  replaced(): void;
  stop(): void;
}

export interface TimeEdgesParts {
  clock: Clock;
  wheel: Pick<Wheel, 'at'>;
  rights: () => Rights;
  /** Time alone may have changed what is allowed, in (fromMs, toMs] of wall time. */
  look(fromMs: number, toMs: number): void;
}

/**
 * Has a session looked at again when time alone may have changed what it may: at that very moment, by a timer set for it.
 * Between two such moments every answer is what it was, and nothing is asked.
 */
export function createTimeEdges({ clock, wheel, rights, look }: TimeEdgesParts): TimeEdges {
  let timer: Timer | undefined;
  let seen: Rights | undefined;
  let next = Number.POSITIVE_INFINITY;
  let last = clock.now();

  const arm = (now: number) => {
    timer?.cancel();
    timer = undefined;
    last = now;
    seen = rights();
    next = nextMoment(seen, now);
    if (next !== Number.POSITIVE_INFINITY) timer = wheel.at(next, tick);
  };

  const tick = () => {
    const now = clock.now();
    // A clock that was set back makes old answers true again.
    const quiet = seen === rights() && last <= now && now < next;
    const from = last;
    last = now;
    if (quiet) return;
    arm(now);
    look(from, now);
  };

  arm(last);
  return {
    tick,
    replaced: () => arm(clock.now()),
    stop: () => timer?.cancel(),
  };
}

/** What of these rights came to its end in (fromMs, toMs], for the line that tells an engineer why a program ended. */
export function whatEnded({ holdings }: Pick<RightsData, 'holdings'>, fromMs: number, toMs: number): string {
  const ended = holdings.find(({ until }) => until !== undefined && until > fromMs && until <= toMs);
  return ended === undefined ? 'its time is over' : `grant ${ended.via} ended`;
}
