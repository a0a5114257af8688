import type { Clock, Timer } from '../core/clock.js';
import { BEAT_MS } from '../wire/guard.js';
import type { Endings } from './ending.js';
import type { LiveSession, Registry } from './registry.js';

/** A door ends its sessions at the deadline; this much later the keeper does it. Unit: ms. */
const HARD_MARGIN_MS = 10;
/** A door's word on a person's last input is up to a beat old, and its own idle timer has precedence. Unit: ms. */
const IDLE_MARGIN_MS = 3_000;

export interface Watchdog {
  /** Sets or moves the session's last moment. */
  watch(session: LiveSession): void;
  forget(session: LiveSession): void;
  stop(): void;
}

/** The last word on every deadline: whatever a door does or fails to do, the session ends. */
export function createWatchdog(clock: Clock, registry: Registry, endings: Endings): Watchdog {
  const timers = new Map<string, Timer>();
  const end = (s: LiveSession, cause: LiveSession['deadlines']['hardCause'], reason: string) => {
    if (s.state === 'over') return;
    s.ordered ??= { cause, reason };
    void endings.force(s);
  };
  const idleCheck = clock.every(BEAT_MS, () => {
    const now = clock.now();
    for (const s of registry.all()) {
      if (s.state !== 'live') continue;
      if (now >= s.deadlines.hardAt + HARD_MARGIN_MS) end(s, s.deadlines.hardCause, 'ended by the keeper');
      else if (now >= s.lastInputAt + s.deadlines.idleMs + IDLE_MARGIN_MS) end(s, 'idle', 'ended by the keeper');
    }
  });
  return {
    watch(s) {
      timers.get(s.id)?.cancel();
      const left = s.deadlines.hardAt - clock.now() + HARD_MARGIN_MS;
      timers.set(
        s.id,
        clock.after(left, () => end(s, s.deadlines.hardCause, 'ended by the keeper')),
      );
    },
    forget(s) {
      timers.get(s.id)?.cancel();
      timers.delete(s.id);
    },
    stop() {
      idleCheck.cancel();
      for (const timer of timers.values()) timer.cancel();
    },
  };
}
