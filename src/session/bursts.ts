import type { Clock, Timer } from '../core/clock.js';

/** So long without a refusal, and a burst is over. Unit: ms. */
const QUIET_MS = 300;
/** A burst that goes on is counted aloud this often: first, and at most, each time twice as late as before. Unit: ms. */
const FIRST_COUNT_MS = 1_000;
const LAST_COUNT_MS = 16_000;
/** So few that came together are told one by one. */
const MAX_EACH = 3;

const HEAD = 'sallyport: denied: ';

/**
 * Refusals on their way to the terminal. The first is told at once; what follows in the same breath, a build under a
 * strict policy, is told when it is over or from time to time: a few as they are, many as one line with their number.
 * Holds at most MAX_EACH texts and the last.
 */
export interface Bursts {
  /** `text` is a whole line: `sallyport: denied: …`. */
  refused(text: string): void;
  /** Tells what is held; the next refusal is a first one again. */
  flush(): void;
}

export function createBursts(clock: Clock, tell: (...texts: string[]) => void): Bursts {
  let timer: Timer | undefined;
  let bursting = false;
  /** Of what is held: how many, the first few, and the last. */
  let count = 0;
  let few: string[] = [];
  let last = '';
  let latest = 0;
  let reportAt = 0;
  let period = FIRST_COUNT_MS;

  const report = () => {
    if (count <= MAX_EACH) tell(...few);
    else tell(manyDenied(count, last));
    count = 0;
    few = [];
  };
  const arm = () => {
    const now = clock.mono();
    const quietAt = latest + QUIET_MS;
    if (now >= quietAt) {
      end();
      return;
    }
    if (now >= reportAt) {
      period = Math.min(period * 2, LAST_COUNT_MS);
      reportAt = now + period;
      if (count > 0) report();
    }
    timer = clock.after(Math.min(quietAt, reportAt) - now, arm);
  };
  const end = () => {
    timer?.cancel();
    timer = undefined;
    bursting = false;
    if (count > 0) report();
  };

  return {
    refused(text) {
      latest = clock.mono();
      if (!bursting) {
        bursting = true;
        period = FIRST_COUNT_MS;
        reportAt = latest + period;
        timer = clock.after(QUIET_MS, arm);
        tell(text);
        return;
      }
      count += 1;
      last = text;
      if (few.length < MAX_EACH) few.push(text);
    },
    flush: end,
  };
}

/** One line for many refusals. `last` is the whole line of the last of them. */
export function manyDenied(count: number, last: string): string {
  return `${HEAD}${count} more programs, the last: ${last.startsWith(HEAD) ? last.slice(HEAD.length) : last}`;
}
