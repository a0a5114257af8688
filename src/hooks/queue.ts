/** What waits to be told by one hook, in order: bounded in number, tries and age. Nobody ever waits for it. */
import type { Clock, Timer } from '../core/clock.js';
import { messageOf } from '../core/errors.js';
import { droppedEvent } from './events.js';
import { DeliveryError, type HookEvent, type HookHealth, type HookState } from './types.js';

/** Events that wait; one more, and the oldest is dropped and counted. */
export const MAX_WAITING = 1_000;
/** What was tried so often, or is so old, is given up. Unit of the age: ms. */
export const MAX_TRIES = 100;
export const MAX_AGE_MS = 3_600_000;
/** After a failure; each further one doubles it. Unit: ms. */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

export interface QueuePorts {
  clock: Clock;
  /** Sends events together; rejects with a DeliveryError, or with what may go better later. */
  deliver(events: readonly HookEvent[]): Promise<void>;
  /** It fails, or is well again. */
  news(state: HookState, error?: string): void;
  /** From 0 to 1. */
  random(): number;
}

export interface Queue {
  push(event: HookEvent): void;
  health(): HookHealth;
  /** Resolves when nothing waits, or what waits has failed. */
  settled(): Promise<void>;
  /** What is left is never sent; how many that are. */
  stop(): number;
}

interface Item {
  event: HookEvent;
  /** Boot time, ms. */
  since: number;
}

/** `together`: events in one delivery, at most. */
export function createQueue(together: number, ports: QueuePorts): Queue {
  return new HookQueue(together, ports);
}

class HookQueue implements Queue {
  readonly #together: number;
  readonly #ports: QueuePorts;
  readonly #health: Omit<HookHealth, 'waiting'> = { state: 'idle', delivered: 0, failed: 0, dropped: 0 };
  #items: Item[] = [];
  #sending: Item[] = [];
  #pause: Timer | undefined;
  /** Failures in a row. */
  #streak = 0;
  /** Lost, and the receiver does not know. */
  #untold = 0;
  /** Goes before what is being sent and tells of so many that were lost. */
  #note: { event: HookEvent; lost: number } | undefined;
  #stopped = false;
  #waiters: (() => void)[] = [];

  constructor(together: number, ports: QueuePorts) {
    this.#together = together;
    this.#ports = ports;
  }

  push(event: HookEvent): void {
    if (this.#stopped) return;
    if (this.#items.length >= MAX_WAITING) {
      this.#items.shift();
      this.#lose(1, 'dropped');
    }
    this.#items.push({ event, since: this.#ports.clock.boot() });
    this.#next();
  }

  health(): HookHealth {
    return { ...this.#health, waiting: this.#items.length + this.#sending.length };
  }

  settled(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiters.push(resolve);
      this.#tellWaiters();
    });
  }

  stop(): number {
    this.#stopped = true;
    this.#pause?.cancel();
    this.#tellWaiters();
    return this.health().waiting;
  }

  #next(): void {
    if (this.#stopped || this.#sending.length > 0) return;
    this.#expire();
    this.#sending = this.#items.splice(0, this.#together);
    if (this.#sending.length === 0) this.#tellWaiters();
    else {
      this.#note = this.#lossNote();
      void this.#attempt(1);
    }
  }

  #lossNote(): { event: HookEvent; lost: number } | undefined {
    const lost = this.#untold;
    this.#untold = 0;
    return lost === 0 ? undefined : { event: droppedEvent(lost, this.#ports.clock.now()), lost };
  }

  async #attempt(tries: number): Promise<void> {
    const events = this.#sending.map(({ event }) => event);
    try {
      await this.#ports.deliver(this.#note ? [this.#note.event, ...events] : events);
      this.#succeeded();
    } catch (error) {
      this.#failed(error, tries);
    }
  }

  #succeeded(): void {
    this.#health.delivered += this.#sending.length;
    this.#health.okAt = this.#ports.clock.now();
    this.#streak = 0;
    this.#sending = [];
    this.#become('ok');
    this.#next();
  }

  #failed(error: unknown, tries: number): void {
    const { clock } = this.#ports;
    this.#streak += 1;
    this.#health.error = messageOf(error);
    this.#health.errorAt = clock.now();
    this.#become('failing', this.#health.error);
    const again = !(error instanceof DeliveryError) || error.again;
    const oldest = this.#sending[0]?.since ?? 0;
    if (again && tries < MAX_TRIES && clock.boot() - oldest < MAX_AGE_MS) {
      if (!this.#stopped) this.#retry(tries, error instanceof DeliveryError ? error.afterMs : undefined);
      return;
    }
    this.#lose(this.#sending.length, 'failed');
    this.#untold += this.#note?.lost ?? 0;
    this.#sending = [];
    this.#next();
  }

  #retry(tries: number, afterMs = 0): void {
    const { clock, random } = this.#ports;
    const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (this.#streak - 1));
    // Receivers that come back are not met by everyone at once.
    const pause = Math.max(longest * (0.5 + random() / 2), Math.min(afterMs, LONGEST_PAUSE_MS));
    this.#pause = clock.after(pause, () => {
      this.#pause = undefined;
      void this.#attempt(tries + 1);
    });
    this.#tellWaiters();
  }

  #expire(): void {
    const now = this.#ports.clock.boot();
    const fresh = this.#items.findIndex(({ since }) => now - since < MAX_AGE_MS);
    const old = fresh === -1 ? this.#items.length : fresh;
    if (old === 0) return;
    this.#items.splice(0, old);
    this.#lose(old, 'dropped');
  }

  #lose(events: number, how: 'failed' | 'dropped'): void {
    this.#health[how] += events;
    this.#untold += events;
  }

  #become(state: HookState, error?: string): void {
    const before = this.#health.state;
    this.#health.state = state;
    if (state !== before && !(before === 'idle' && state === 'ok')) this.#ports.news(state, error);
  }

  #tellWaiters(): void {
    if (!this.#stopped && this.#pause === undefined && this.#sending.length > 0) return;
    for (const resolve of this.#waiters.splice(0)) resolve();
  }
}
