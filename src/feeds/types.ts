import type { ToldValue } from '../config/index.js';
import type { Clock } from '../core/clock.js';

export type Facts = Readonly<Record<string, ToldValue>>;

/**
 * `waiting`: it never told anything; `fresh`; `kept`: its facts are stale and in their grace; `stale`: they are missing.
 */
export type FeedState = 'waiting' | 'fresh' | 'kept' | 'stale';

export interface FeedHealth {
  state: FeedState;
  /** Wall time, ms. */
  okAt?: number;
  /** How long the last answer took, ms. */
  tookMs?: number;
  error?: string;
  errorAt?: number;
  /** Facts in its last answer that were not taken, for people. */
  refused?: string;
}

export interface FeedPorts {
  clock: Clock;
  /** Of whom something is told; without facts nothing is known any more. `whole`: and of nobody else. */
  tell(facts: ReadonlyMap<string, Facts>, whole: boolean): void;
  /** The feed went from one state to another, or began to fail. */
  news(state: FeedState, error?: string): void;
}

/** What a feed's source answers, checked. `same`: nothing changed since it was last asked. */
export type Answer = Sifted | 'same';

export interface Sifted {
  facts: Map<string, Facts>;
  refused?: string;
}
