/** A seeded source of choices: the same seed gives the same programs on every machine. */
export interface Dice {
  /** An integer from 0 to `n - 1`. */
  below(n: number): number;
  pick<T>(from: readonly T[]): T;
  /** True once in `n` times. */
  once(n: number): boolean;
}

/** Mulberry32, by Tommy Ettinger (public domain). */
export function dice(seed: number): Dice {
  let state = seed >>> 0;
  const below = (n: number): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % n;
  };
  return {
    below,
    once: (n) => below(n) === 0,
    pick: <T>(from: readonly T[]): T => {
      const chosen = from[below(from.length)];
      if (chosen === undefined) throw new Error('nothing to choose from');
      return chosen;
    },
  };
}
