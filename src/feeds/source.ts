/** A feed that tells of everyone at once: a file, an address that is polled, a database, or one that pushes. */
import type { Timer } from '../core/clock.js';
import { messageOf } from '../core/errors.js';
import { createFreshness, type Terms } from './freshness.js';
import type { Answer, FeedHealth, FeedPorts, Sifted } from './types.js';

/** After a failure the source is asked again this soon, then ever later up to its refresh. Unit: ms. */
const FIRST_RETRY_MS = 1_000;

export interface Source {
  health(): FeedHealth;
  /** What has come by itself. */
  push(sifted: Sifted, whole: boolean): void;
  /** Asks now instead of at the next turn; nothing where an answer is awaited already. */
  nudge(): void;
  /** Boot time of its last word: what one that takes its place goes on from. */
  readonly okAt: number | undefined;
  /** Resolves when it was asked once, whatever came of it. */
  readonly first: Promise<void>;
  stop(): void;
}

/** `anew`: what it told is not known any more, so that `same` is no answer. */
export type Ask = (anew: boolean) => Promise<Answer>;

/**
 * `ask` is called again only when its last promise has settled, so that a slow source is never asked twice at a time. `okAt`:
 * its facts are known since then, told by the one whose place this takes.
 */
export function startSource(terms: Terms, ask: Ask | undefined, ports: FeedPorts, okAt?: number): Source {
  const { clock } = ports;
  const health: FeedHealth = { state: 'waiting' };
  const freshness = createFreshness(clock, terms, (state) => {
    if (state === 'stale') ports.tell(new Map(), true);
    ports.news(state, health.error);
  });
  let stopped = false;
  let busy = false;
  let timer: Timer | undefined;
  let retryMs = FIRST_RETRY_MS;
  let settle = () => {};
  const first = new Promise<void>((resolve) => {
    settle = resolve;
  });
  const take = (answer: Answer, whole: boolean) => {
    delete health.error;
    delete health.errorAt;
    health.okAt = clock.now();
    if (answer !== 'same') {
      delete health.refused;
      if (answer.refused !== undefined) health.refused = answer.refused;
      ports.tell(answer.facts, whole);
    }
    freshness.ok();
  };
  const failed = (error: unknown) => {
    const isNew = health.error === undefined;
    health.error = messageOf(error);
    health.errorAt = clock.now();
    if (isNew) ports.news(freshness.state, health.error);
  };
  const turn = () => {
    if (stopped || busy || ask === undefined) return;
    busy = true;
    timer?.cancel();
    const started = clock.boot();
    const next = (delayMs: number) => {
      busy = false;
      settle();
      if (!stopped) timer = clock.after(delayMs, turn);
    };
    ask(freshness.state === 'waiting' || freshness.state === 'stale').then(
      (answer) => {
        if (stopped) return;
        health.tookMs = Math.round(clock.boot() - started);
        retryMs = FIRST_RETRY_MS;
        take(answer, true);
        next(Math.max(0, terms.refreshMs - (clock.boot() - started)));
      },
      (error: unknown) => {
        if (stopped) return;
        failed(error);
        next(Math.min(retryMs, terms.refreshMs));
        retryMs *= 2;
      },
    );
  };
  if (okAt !== undefined) freshness.ok(okAt);
  turn();
  if (ask === undefined) settle();
  return {
    health: () => ({ ...health, state: freshness.state }),
    push: (sifted, whole) => take(sifted, whole),
    nudge: turn,
    get okAt() {
      return freshness.okAt;
    },
    first,
    stop() {
      stopped = true;
      timer?.cancel();
      freshness.stop();
      settle();
    },
  };
}
