import { matchTarget } from './target.js';
import type { RightsData } from './types.js';

/** From (included) until (excluded), ms since the epoch. */
interface Window {
  from: number;
  until: number;
}

/** When a session's user holds which role on its target. */
export class Holdings {
  readonly #windows = new Map<string, Window[]>();

  constructor(data: RightsData) {
    for (const { role, target, from, until } of data.holdings) {
      if (!matchTarget(target, data.target, data.targetGroups)) continue;
      const window = { from: from ?? Number.NEGATIVE_INFINITY, until: until ?? Number.POSITIVE_INFINITY };
      this.#windows.set(role, merged([...(this.#windows.get(role) ?? []), window]));
    }
  }

  holds(role: string, atMs: number): boolean {
    if (role === '*') return true;
    return this.#windows.get(role)?.some(({ from, until }) => from <= atMs && atMs < until) ?? false;
  }

  /** Moments at which a role begins or ends to be held. */
  edges(): number[] {
    return [...this.#windows.values()].flat().flatMap(({ from, until }) => [from, until]);
  }
}

/** Overlapping windows become one: many grants of a role cost no more than few. */
function merged(windows: Window[]): Window[] {
  const sorted = windows.filter(({ from, until }) => from < until).sort((a, b) => a.from - b.from);
  const result: Window[] = [];
  for (const window of sorted) {
    const last = result.at(-1);
    if (last && window.from <= last.until) last.until = Math.max(last.until, window.until);
    else result.push({ ...window });
  }
  return result;
}
