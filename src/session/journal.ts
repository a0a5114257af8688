import type { Clock, Timer } from '../core/clock.js';
import type { DecisionEvent } from '../wire/types.js';

/** A decision is in the audit log within a second; the journal's share of that. Unit: ms. */
const FLUSH_MS = 250;
/** More than this many waiting decisions are sent at once. */
const MAX_WAITING = 100;

export interface Journal {
  /** Numbers the event and sees that it reaches the keeper. */
  add(event: Omit<DecisionEvent, 'n' | 'at'>): DecisionEvent;
  /** What was decided, and what of it was refused. */
  counts(): { commands: number; denied: number };
  flush(): void;
}

/** Decisions of one session, numbered from 1 without gaps, sent on in small batches. */
export function createJournal(clock: Clock, send: (events: DecisionEvent[]) => void): Journal {
  let n = 0;
  let commands = 0;
  let denied = 0;
  let waiting: DecisionEvent[] = [];
  let timer: Timer | undefined;
  const flush = () => {
    timer?.cancel();
    timer = undefined;
    if (waiting.length === 0) return;
    const events = waiting;
    waiting = [];
    send(events);
  };
  return {
    add(event) {
      n += 1;
      if (event.ended === undefined) {
        commands += 1;
        if (!event.allow) denied += 1;
      }
      const full: DecisionEvent = { n, at: clock.now(), ...event };
      waiting.push(full);
      if (waiting.length >= MAX_WAITING) flush();
      else timer ??= clock.after(FLUSH_MS, flush);
      return full;
    },
    counts: () => ({ commands, denied }),
    flush,
  };
}
