/** What feeds say, as they said it last: facts by feed and subject, in memory alone, for feeds tell them again. */
import type { ToldValue } from '../config/facts.js';

export type FactValues = Readonly<Record<string, ToldValue>>;

/** What a feed says of one subject, a user's name or a key's fingerprint. */
export interface Told {
  readonly facts: FactValues;
  /** Wall time, ms. */
  readonly at: number;
}

/** What a feed says now. `whole`: of everyone, and who is not named has no facts from it any more. */
export interface FeedUpdate {
  readonly facts: ReadonlyMap<string, FactValues>;
  readonly whole: boolean;
}

/** Subjects one feed may speak of; more are not taken. */
export const MAX_SUBJECTS = 100_000;

export class ToldFacts {
  readonly #feeds = new Map<string, Map<string, Told>>();

  of(feed: string, subject: string): Told | undefined {
    return this.#feeds.get(feed)?.get(subject);
  }

  count(feed: string): number {
    return this.#feeds.get(feed)?.size ?? 0;
  }

  /** The subjects of which something is different now. */
  update(feed: string, { facts, whole }: FeedUpdate, at: number): string[] {
    const before = this.#feeds.get(feed) ?? new Map<string, Told>();
    const next = whole ? new Map<string, Told>() : before;
    const changed: string[] = [];
    for (const [subject, values] of facts) {
      const old = before.get(subject);
      if (!same(old?.facts, values)) changed.push(subject);
      if (isEmpty(values)) next.delete(subject);
      else if (next.has(subject) || next.size < MAX_SUBJECTS) next.set(subject, { facts: values, at });
    }
    if (whole)
      for (const subject of before.keys()) if (!next.has(subject) && !facts.has(subject)) changed.push(subject);
    if (next.size === 0) this.#feeds.delete(feed);
    else this.#feeds.set(feed, next);
    return changed;
  }

  /** Forgets every feed that is not named. The subjects of which something was forgotten. */
  keep(feeds: ReadonlySet<string>): string[] {
    const gone = [...this.#feeds.keys()].filter((feed) => !feeds.has(feed));
    return gone.flatMap((feed) => this.update(feed, { facts: new Map(), whole: true }, 0));
  }
}

const isEmpty = (values: FactValues): boolean => Object.keys(values).length === 0;

function same(a: FactValues = {}, b: FactValues): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && a[name] === b[name]);
}
