import type { Clock, Timer } from '../core/clock.js';
import { Heap } from '../core/heap.js';

/** Wall time can jump and monotonic timers sleep through suspend, so the wall clock is looked at this often. Unit: ms. */
const LOOK_MS = 1_000;
/** Calls in one go, before others get a turn: everyone's hour ends at once. */
const PIECE = 50;

/** The clockwork that all sessions of a door share: one timer for each period and one for the soonest moment. */
export interface Wheel {
  /** Calls `fn` every `periodMs`, in one pass with all others of that period. */
  every(periodMs: number, fn: () => void): Timer;
  /** Calls `fn` once, at `atMs` of wall time, or soon after where that is over or the clock was set past it. */
  at(atMs: number, fn: () => void): Timer;
}

interface Call {
  readonly at: number;
  readonly fn: () => void;
  off: boolean;
}

export function createWheel(clock: Clock): Wheel {
  const moments = createMoments(clock);
  const passes = new Map<number, { timer: Timer; calls: Set<() => void> }>();
  return {
    at: moments,
    every(periodMs, fn) {
      // A function of its own: whoever comes twice is called twice.
      const call = () => fn();
      const pass = passes.get(periodMs) ?? startPass(clock, periodMs);
      passes.set(periodMs, pass);
      pass.calls.add(call);
      return {
        cancel() {
          pass.calls.delete(call);
          if (pass.calls.size > 0 || passes.get(periodMs) !== pass) return;
          pass.timer.cancel();
          passes.delete(periodMs);
        },
      };
    },
  };
}

function startPass(clock: Clock, periodMs: number): { timer: Timer; calls: Set<() => void> } {
  const calls = new Set<() => void>();
  const timer = clock.every(periodMs, () => {
    for (const call of [...calls]) if (calls.has(call)) call();
  });
  return { timer, calls };
}

function createMoments(clock: Clock): Wheel['at'] {
  const heap = new Heap<Call>((a, b) => a.at < b.at);
  let off = 0;
  let timer: Timer | undefined;
  let looks: Timer | undefined;
  let armedFor = Number.POSITIVE_INFINITY;

  const disarm = () => {
    timer?.cancel();
    timer = undefined;
    armedFor = Number.POSITIVE_INFINITY;
  };

  const arm = () => {
    const next = heap.peek();
    if (!next) {
      looks?.cancel();
      looks = undefined;
      return;
    }
    looks ??= clock.every(LOOK_MS, check);
    if (next.at >= armedFor) return;
    disarm();
    armedFor = next.at;
    // At least 1 ms: a timer that fires a little early must not spin.
    timer = clock.after(Math.max(1, next.at - clock.now()), check);
  };

  const check = () => {
    disarm();
    const now = clock.now();
    let called = 0;
    for (let next = heap.peek(); next && (next.off || next.at <= now) && called < PIECE; next = heap.peek()) {
      heap.pop();
      if (next.off) off -= 1;
      else {
        called += 1;
        next.off = true;
        next.fn();
      }
    }
    // Wall time may have moved against the clock the timer runs on; and of many that are due some are left.
    arm();
  };

  /** What was cancelled leaves when it is as much as what was not. */
  const sweep = () => {
    if (off < 64 || off * 2 < heap.size) return;
    const left = heap.drain().filter((call) => !call.off);
    off = 0;
    for (const call of left) heap.push(call);
  };

  return (at, fn) => {
    const call: Call = { at, fn, off: false };
    heap.push(call);
    arm();
    return {
      cancel() {
        if (call.off) return;
        call.off = true;
        off += 1;
        sweep();
      },
    };
  };
}
