import type { EndCause } from '../core/causes.js';
import type { Clock, Timer } from '../core/clock.js';
import { formatDuration } from '../core/duration.js';
import type { Deadlines } from '../wire/types.js';

export interface DeadlineHooks {
  warn(text: string): void;
  end(cause: EndCause): void;
  /** Called every `recheckMs`. */
  recheck(): void;
}

export interface SessionDeadlines {
  /** A person's input, just now. Costs one clock read. */
  touch(): void;
  update(next: Deadlines): void;
  /** Wall time of the last input. */
  lastInputAt(): number;
  stop(): void;
}

/** Wall time that is ahead of a timer by less is the jitter of reading two clocks. Unit: ms. */
const DRIFT_MS = 2;

/**
 * The session's clockwork. Idle runs on the monotonic clock; the hard deadline falls at whichever of monotonic timer,
 * boot time and wall time comes first: the timer fires exactly, and each re-check looks at the other two, so that a
 * suspended or re-set clock is noticed within one period. `every` is what ticks for the re-checks.
 */
export function startDeadlines(
  clock: Clock,
  first: Deadlines,
  hooks: DeadlineHooks,
  every: Clock['every'] = clock.every.bind(clock),
): SessionDeadlines {
  let current = first;
  let lastInput = clock.mono();
  let lastInputWall = clock.now();
  let hard = armHard(clock, current, hooks, warnTimes(clock, current));
  const idle = armIdle(
    clock,
    () => current,
    () => lastInput,
    hooks,
  );
  const tick = () => {
    if (hard.overdue()) hooks.end(current.hardCause);
    else {
      hard.steady();
      hooks.recheck();
    }
  };
  let ticks = every(current.recheckMs, tick);
  return {
    touch() {
      lastInput = clock.mono();
      lastInputWall = clock.now();
    },
    update(next) {
      const sooner = next.hardAt < current.hardAt;
      const moved = next.hardAt !== current.hardAt || next.hardCause !== current.hardCause;
      const idleMoved = next.idleMs !== current.idleMs;
      const periodMoved = next.recheckMs !== current.recheckMs;
      current = next;
      if (periodMoved) {
        ticks.cancel();
        ticks = every(current.recheckMs, tick);
      }
      if (moved) {
        hard.stop();
        hard = armHard(clock, current, hooks, warnTimes(clock, current));
        if (sooner) warnIfNear(clock, current, hooks);
      }
      if (idleMoved) idle.rearm();
    },
    lastInputAt: () => lastInputWall,
    stop() {
      hard.stop();
      idle.stop();
      ticks.cancel();
    },
  };
}

function warnTimes(clock: Clock, d: Deadlines): number[] {
  const left = d.hardAt - clock.now();
  return d.warnMs.filter((w) => w < left);
}

function warnIfNear(clock: Clock, d: Deadlines, hooks: DeadlineHooks): void {
  const left = d.hardAt - clock.now();
  if (left > 0 && d.warnMs.some((w) => left <= w)) hooks.warn(hardWarning(left, d.hardCause));
}

function hardWarning(leftMs: number, cause: EndCause): string {
  return `sallyport: this session closes in ${formatDuration(leftMs)} (${cause})`;
}

function armHard(clock: Clock, d: Deadlines, hooks: DeadlineHooks, warns: number[]) {
  const left = d.hardAt - clock.now();
  const bootEnd = clock.boot() + left;
  const timers: Timer[] = warns.map((w) => clock.after(left - w, () => hooks.warn(hardWarning(w, d.hardCause))));
  const end = () => hooks.end(d.hardCause);
  let due = clock.mono() + left;
  let last = clock.after(left, end);
  return {
    overdue: () => clock.now() >= d.hardAt || clock.boot() >= bootEnd,
    /** A wall clock that runs faster than the timer's, or was set, is there first. */
    steady() {
      const nearer = d.hardAt - clock.now();
      if (clock.mono() + nearer >= due - DRIFT_MS) return;
      last.cancel();
      due = clock.mono() + nearer;
      last = clock.after(nearer, end);
    },
    stop() {
      last.cancel();
      for (const t of timers) t.cancel();
    },
  };
}

/** The last of the warnings that is shorter than the idle limit; undefined where none fits. */
function idleWarning(d: Deadlines): number | undefined {
  return d.warnMs.filter((w) => w < d.idleMs).at(-1);
}

function armIdle(clock: Clock, deadlines: () => Deadlines, lastInput: () => number, hooks: DeadlineHooks) {
  let timer: Timer | undefined;
  /** lastInput at which the warning was given: one warning for each silence. */
  let warnedFor: number | undefined;
  const arm = () => {
    timer?.cancel();
    const d = deadlines();
    const silent = clock.mono() - lastInput();
    const warnMs = idleWarning(d);
    if (silent >= d.idleMs) {
      hooks.end('idle');
      return;
    }
    const warned = warnedFor === lastInput();
    if (warnMs !== undefined && !warned && silent >= d.idleMs - warnMs) {
      warnedFor = lastInput();
      const left = d.idleMs - silent;
      hooks.warn(`sallyport: no input for ${formatDuration(silent)}; this session closes in ${formatDuration(left)}`);
    }
    const next = warnMs !== undefined && warnedFor !== lastInput() ? d.idleMs - warnMs : d.idleMs;
    timer = clock.after(next - silent, arm);
  };
  arm();
  return { rearm: arm, stop: () => timer?.cancel() };
}
