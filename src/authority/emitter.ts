import type { Clock } from '../core/clock.js';
import type { Change, ChangeListener } from './types.js';

export type News = Omit<Change, 'version' | 'at'>;

/** Numbers changes and delivers them, each to every listener before the next one to any. */
export class ChangeEmitter {
  readonly #clock: Clock;
  readonly #listeners = new Set<ChangeListener>();
  readonly #queue: Change[] = [];
  #delivering = false;
  #version = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get version(): number {
    return this.#version;
  }

  on(fn: ChangeListener): () => void {
    this.#listeners.add(fn);
    return () => this.#listeners.delete(fn);
  }

  /** Delivered before it returns, unless a listener is the caller: then after the change that listener hears of. */
  emit(news: News): Change {
    const change: Change = { version: ++this.#version, at: this.#clock.now(), ...news };
    this.#queue.push(change);
    if (!this.#delivering) this.#deliver();
    return change;
  }

  #deliver(): void {
    this.#delivering = true;
    try {
      for (let next = this.#queue.shift(); next; next = this.#queue.shift()) this.#tell(next);
    } finally {
      this.#delivering = false;
    }
  }

  #tell(change: Change): void {
    for (const fn of [...this.#listeners]) {
      try {
        fn(change);
      } catch (error) {
        // Nobody may miss a change: the others hear it, and the process that lost one must not live on.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
