import type { Clock } from '../core/clock.js';
import { mayChange } from '../policy/index.js';
import type { Rights, RightsData } from '../policy/types.js';
import type { Programs } from './programs.js';

/** Decides running programs again when time alone may have changed what they may: call it at every re-check. */
export function createTicks(clock: Clock, rights: () => Rights, programs: Pick<Programs, 'again'>): () => void {
  let last = clock.now();
  let busy = false;
  return () => {
    // What is still being decided is not begun anew; the next tick looks at the whole time.
    if (busy) return;
    const from = last;
    const to = clock.now();
    last = to;
    const current = rights();
    if (!mayChange(current, from, to)) return;
    busy = true;
    void programs.again({ because: whatEnded(current.data, from, to), cause: 'deadline' }).finally(() => {
      busy = false;
    });
  };
}

/** The grant whose end came in (from, to], if that is it. */
function whatEnded(data: RightsData, from: number, to: number): string {
  const ended = data.holdings.find(({ until }) => until !== undefined && until > from && until <= to);
  return ended === undefined ? 'its time is over' : `grant ${ended.via} ended`;
}
