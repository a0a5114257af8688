/** What the admin operations need of feeds. The keeper implements it; with no broker nobody is asked. */
import type { Change } from '../authority/index.js';

/** One feed as `status` shows it. */
export interface FeedStatus {
  feed: string;
  kind: string;
  /** Where its facts come from; empty for one that pushes. */
  from: string;
  gives: readonly string[];
  state: 'waiting' | 'fresh' | 'kept' | 'stale';
  /** ISO 8601 UTC: the last success, and how long ago. */
  okAt?: string;
  ageMs?: number;
  tookMs?: number;
  error?: string;
  errorAt?: string;
  refused?: string;
  /** Users and keys of whom it tells something. */
  subjects: number;
}

export interface Pushed {
  /** Absent: nothing of it was new. */
  change?: Change;
  /** What was not taken, for people. */
  refused?: string;
}

export interface Feeds {
  status(): FeedStatus[];
  /** Rejects with `not-found` for what is no feed that pushes. */
  push(
    feed: string,
    subjects: readonly (readonly [string, Record<string, string | number | boolean>])[],
    whole: boolean,
  ): Pushed;
}
