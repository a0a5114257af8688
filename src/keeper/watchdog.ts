import type { Clock, Timer } from '../core/clock.js';
import { BEAT_MS } from '../wire/guard.js';
import type { Endings } from './ending.js';
import type { LiveSession, Registry } from './registry.js';

/** A door ends its sessions at the deadline; this much later the keeper does it. Unit: ms. */
const HARD_MARGIN_MS = 10;
/** A door's word on a person's last input is up to a beat old, and its own idle timer has precedence. Unit: ms. */
const IDLE_MARGIN_MS = 3_000;
/** From the reservation to the guard's word that it runs; what takes longer does not begin. Unit: ms. */
const START_MS = 30_000;
/** From the end of its processes to the door's last word: what the terminal held, and a recording on a slow disk. Unit: ms. */
const LAST_WORD_MS = 40_000;

export interface Watchdog {
  /** Ends a reservation that does not become a session in time: a door may hold no place without using it. `moreMs`: it waits for a person. */
  expect(session: LiveSession, moreMs?: number): void;
  /** Nothing of the session runs any more: writes its end down when the door does not. */
  gone(session: LiveSession): void;
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
  const set = (s: LiveSession, delayMs: number, fn: () => void) => {
    timers.get(s.id)?.cancel();
    if (s.state === 'over') return;
    timers.set(s.id, clock.after(delayMs, fn));
  };
  const forget = (s: LiveSession) => {
    timers.get(s.id)?.cancel();
    timers.delete(s.id);
  };
  const giveUp = async (s: LiveSession) => {
    const reason = 'it was not started in time';
    await endings.order(s, 'crashed', reason, s.version);
    await endings.finish(s, { cause: 'crashed', reason });
  };
  const idleCheck = clock.every(BEAT_MS, () => {
    const now = clock.now();
    const mono = clock.mono();
    for (const s of registry.all()) {
      if (s.state !== 'live') continue;
      if (now >= s.deadlines.hardAt + HARD_MARGIN_MS) end(s, s.deadlines.hardCause, 'ended by the keeper');
      else if (mono >= s.inputMono + s.deadlines.idleMs + IDLE_MARGIN_MS) end(s, 'idle', 'ended by the keeper');
    }
  });
  return {
    expect(s, moreMs = 0) {
      set(s, START_MS + moreMs, () => void giveUp(s));
      void s.over.then(() => forget(s));
    },
    gone(s) {
      const reason = 'the door did not say how it ended';
      set(s, LAST_WORD_MS, () => void endings.finish(s, { cause: 'crashed', reason }));
    },
    watch(s) {
      const left = s.deadlines.hardAt - clock.now() + HARD_MARGIN_MS;
      set(s, left, () => end(s, s.deadlines.hardCause, 'ended by the keeper'));
    },
    forget,
    stop() {
      idleCheck.cancel();
      for (const timer of timers.values()) timer.cancel();
    },
  };
}
