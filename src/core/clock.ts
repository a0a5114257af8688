/**
 * Time as a port. Nothing outside this file reads a clock or sets a timer (the linter sees to it), so that every
 * deadline can be tested with a fake clock.
 */

/** Node's timers are 32-bit: a longer delay fires at once, so longer waits are chunked. Unit: ms. */
const MAX_DELAY_MS = 0x7fff_ffff;

export interface Timer {
  /** Idempotent. A cancelled timer never fires. */
  cancel(): void;
}

export interface Clock {
  /** Wall time, ms since the epoch. Can jump. */
  now(): number;
  /** Monotonic time, ms with fractions; stands still in suspend. Only differences mean anything. */
  mono(): number;
  /** Boot time, ms; like mono but counts suspend. Only differences mean anything. */
  boot(): number;
  /** Calls `fn` once, `delayMs` from now on the monotonic clock; a negative delay counts as 0. Any length is fine. */
  after(delayMs: number, fn: () => void): Timer;
  /** Calls `fn` every `periodMs`; overdue ticks after a pause are merged into one. */
  every(periodMs: number, fn: () => void): Timer;
}

/** Resolves after `ms`, or when `signal` is aborted. Leaves nothing behind. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      timer.cancel();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = clock.after(ms, done);
    signal?.addEventListener('abort', done);
  });
}

/** True when `promise` is fulfilled within `ms`. Leaves no timer behind. */
export async function within(clock: Clock, promise: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: Timer | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = clock.after(ms, () => resolve(false));
  });
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    timer?.cancel();
  }
}

export interface SystemClockOptions {
  /** Reads CLOCK_BOOTTIME in ms; without it boot() equals mono() and suspend is seen through wall time alone. */
  boot?: () => number;
}

export function systemClock(options: SystemClockOptions = {}): Clock {
  const mono = () => performance.now();
  return {
    now: () => Date.now(),
    mono,
    boot: options.boot ?? mono,
    after: (delayMs, fn) => chunkedTimeout(mono() + Math.max(0, delayMs), mono, fn),
    every(periodMs, fn) {
      const handle = setInterval(fn, periodMs);
      return { cancel: () => clearInterval(handle) };
    },
  };
}

function chunkedTimeout(dueMono: number, mono: () => number, fn: () => void): Timer {
  let handle: NodeJS.Timeout;
  const arm = () => {
    const left = dueMono - mono();
    if (left > MAX_DELAY_MS) handle = setTimeout(arm, MAX_DELAY_MS);
    else handle = setTimeout(fn, Math.max(0, left));
  };
  arm();
  return { cancel: () => clearTimeout(handle) };
}
