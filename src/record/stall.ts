import type { Clock, Timer } from '../core/clock.js';

/**
 * Calls `onStall` when `ms` passed without a cancel. In two halves with a turn of the event loop after each: after a
 * pause of the whole process overdue timers come before the answers that are there too, and must not win.
 */
export function watchStall(clock: Clock, ms: number, onStall: () => void): Timer {
  let cancelled = false;
  let timer: Timer;
  const half = (then: () => void) => {
    timer = clock.after(ms / 2, () => {
      setImmediate(() => {
        if (!cancelled) then();
      });
    });
  };
  half(() => half(onStall));
  return {
    cancel() {
      cancelled = true;
      timer.cancel();
    },
  };
}
