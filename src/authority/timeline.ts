/** The moments at which something becomes or stops being true by itself, and the timers that watch for them. */
import type { Clock, Timer } from '../core/clock.js';
import { Heap } from '../core/heap.js';

export type Moment =
  | { at: number; kind: 'grant-started' | 'grant-ended' | 'lock-ended'; id: string }
  | { at: number; kind: 'request-expired'; id: string }
  | { at: number; kind: 'key-expired'; id: string; user: string }
  | { at: number; kind: 'fact-ended'; id: string; subject: string; name: string };

/** Wall time can jump and monotonic timers sleep through suspend, so the wall clock is looked at this often. */
const LOOK_MS = 1000;
/** A wall clock that goes back by less is drift being corrected. */
const BACK_MS = 500;

export interface TimelineHooks {
  /** Moments that have come, in order; never empty. Some may be of records that changed since. */
  due(moments: Moment[]): void;
  /** The wall clock was set back: what had ended may not have. The owner fills the timeline anew. */
  wentBack(): void;
}

export class Timeline {
  readonly #clock: Clock;
  readonly #hooks: TimelineHooks;
  readonly #heap = new Heap<Moment>((a, b) => a.at < b.at);
  /** What the heap holds: a record that is put again must not fire twice. */
  readonly #known = new Set<string>();
  readonly #look: Timer;
  #timer: Timer | undefined;
  #armedFor = Number.POSITIVE_INFINITY;
  #last: number;

  constructor(clock: Clock, hooks: TimelineHooks) {
    this.#clock = clock;
    this.#hooks = hooks;
    this.#last = clock.now();
    this.#look = clock.every(LOOK_MS, () => this.#check());
  }

  add(moment: Moment): void {
    const name = nameOf(moment);
    if (this.#known.has(name)) return;
    this.#known.add(name);
    this.#heap.push(moment);
    this.#arm();
  }

  clear(): void {
    this.#heap.clear();
    this.#known.clear();
    this.#disarm();
  }

  close(): void {
    this.#look.cancel();
    this.clear();
  }

  #check(): void {
    const now = this.#clock.now();
    const back = now < this.#last - BACK_MS;
    this.#last = now;
    if (back) this.#hooks.wentBack();
    const due: Moment[] = [];
    for (let next = this.#heap.peek(); next && next.at <= now; next = this.#heap.peek()) {
      due.push(next);
      this.#heap.pop();
      this.#known.delete(nameOf(next));
    }
    if (due.length > 0) this.#hooks.due(due);
    // Wall time may have moved against the monotonic clock the timer runs on.
    this.#disarm();
    this.#arm();
  }

  #arm(): void {
    const next = this.#heap.peek();
    if (!next || next.at >= this.#armedFor) return;
    this.#disarm();
    this.#armedFor = next.at;
    // At least 1 ms: a timer that fires a little early must not spin.
    this.#timer = this.#clock.after(Math.max(1, next.at - this.#clock.now()), () => {
      this.#armedFor = Number.POSITIVE_INFINITY;
      this.#check();
    });
  }

  #disarm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#armedFor = Number.POSITIVE_INFINITY;
  }
}

const nameOf = ({ kind, id, at }: Moment): string => `${kind} ${id} ${at}`;
