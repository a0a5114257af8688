import type { Clock } from '../core/clock.js';

/** Wrong codes a user may give in a row of WITHIN_MS; a guess then costs a minute, and a million of them two years. */
const TRIES = 5;
const WITHIN_MS = 5 * 60_000;
/** Users remembered: those of whom a wrong code was typed lately. */
const MAX_USERS = 100_000;

/** Bounds how fast codes can be guessed, by user, whoever types them and wherever. */
export interface Limiter {
  /** ms until another code is looked at; 0: now. */
  wait(user: string): number;
  /** Codes that are looked at still before that. */
  left(user: string): number;
  wrong(user: string): void;
  right(user: string): void;
}

export function createLimiter(clock: Clock): Limiter {
  const wrongAt = new Map<string, number[]>();
  const recent = (user: string) => (wrongAt.get(user) ?? []).filter((at) => clock.mono() - at < WITHIN_MS);
  return {
    wait(user) {
      const times = recent(user);
      const [oldest] = times;
      return times.length < TRIES || oldest === undefined ? 0 : Math.ceil(oldest + WITHIN_MS - clock.mono());
    },
    left: (user) => Math.max(0, TRIES - recent(user).length),
    wrong(user) {
      const times = [...recent(user), clock.mono()].slice(-TRIES);
      wrongAt.delete(user);
      wrongAt.set(user, times);
      const first = wrongAt.keys().next().value;
      if (wrongAt.size > MAX_USERS && first !== undefined) wrongAt.delete(first);
    },
    right: (user) => void wrongAt.delete(user),
  };
}
