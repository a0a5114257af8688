import type { Clock, Timer } from '../../src/core/clock.js';

interface Entry {
  due: number;
  order: number;
  fn: () => void;
  period?: number;
}

/**
 * A clock that moves only when told. Timers run on the monotonic clock, in order of their due time; a timer set while
 * time advances fires in the same `advance` if it falls due. Ticks of `every` that one `advance` passes all run.
 */
export class FakeClock implements Clock {
  #wall: number;
  #mono = 0;
  #boot = 0;
  #order = 0;
  readonly #entries = new Set<Entry>();

  constructor(startMs = Date.UTC(2026, 0, 5, 9, 0, 0)) {
    this.#wall = startMs;
  }

  now(): number {
    return this.#wall;
  }

  mono(): number {
    return this.#mono;
  }

  boot(): number {
    return this.#boot;
  }

  after(delayMs: number, fn: () => void): Timer {
    return this.#add({ due: this.#mono + Math.max(0, delayMs), order: this.#order++, fn });
  }

  every(periodMs: number, fn: () => void): Timer {
    return this.#add({ due: this.#mono + periodMs, order: this.#order++, fn, period: periodMs });
  }

  /** Moves wall, monotonic and boot time by `ms`, firing what falls due on the way. */
  advance(ms: number): void {
    const end = this.#mono + ms;
    for (let next = this.#next(end); next; next = this.#next(end)) {
      this.#move(Math.max(0, next.due - this.#mono));
      if (next.period === undefined) this.#entries.delete(next);
      else next.due += next.period;
      next.fn();
    }
    this.#move(end - this.#mono);
  }

  /** As `advance`, but lets promises settle between steps of `stepMs`. */
  async advanceAsync(ms: number, stepMs = 100): Promise<void> {
    for (let left = ms; left > 0; left -= stepMs) {
      this.advance(Math.min(left, stepMs));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Wall time alone jumps, either way: NTP, or an operator. No timer fires. */
  jumpWall(ms: number): void {
    this.#wall += ms;
  }

  /** The machine sleeps: wall and boot time pass, monotonic time stands still, no timer fires. */
  suspend(ms: number): void {
    this.#wall += ms;
    this.#boot += ms;
  }

  /** Timers still set. */
  pending(): number {
    return this.#entries.size;
  }

  #add(entry: Entry): Timer {
    this.#entries.add(entry);
    return { cancel: () => void this.#entries.delete(entry) };
  }

  #next(end: number): Entry | undefined {
    let best: Entry | undefined;
    for (const e of this.#entries) {
      if (e.due > end) continue;
      if (!best || e.due < best.due || (e.due === best.due && e.order < best.order)) best = e;
    }
    return best;
  }

  #move(ms: number): void {
    this.#wall += ms;
    this.#mono += ms;
    this.#boot += ms;
  }
}
