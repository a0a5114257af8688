import type { Clock, Timer } from '../core/clock.js';
import { type InForce, inForce, termsOf, whyOthers } from '../policy/index.js';
import type { Rights } from '../policy/types.js';

/** One line in so long: what changes meanwhile is told in the next, if it is still other than what was told. Unit: ms. */
const QUIET_MS = 5_000;
/** With more conditions than this it is looked at, where time alone moves them, not every second but every minute. */
const MAX_EVERY_SECOND = 200;
const MINUTE_MS = 60_000;

export interface RightsNews {
  /** Rights were replaced; `known`: by what the person did just now, which is no news to them. */
  replaced(known: boolean): void;
  /** Time alone may have changed something. */
  tick(): void;
  close(): void;
}

/** Tells the person, in one line, when other rules hold for them than when they were last told. */
export function createRightsNews(clock: Clock, rights: () => Rights, say: (text: string) => void): RightsNews {
  let told: InForce | undefined = inForce(rights(), clock.now());
  let quiet: Timer | undefined;
  let looked = clock.mono();
  const look = () => {
    if (quiet !== undefined) return;
    looked = clock.mono();
    const now = inForce(rights(), clock.now());
    const why = told && now ? whyOthers(told, now) : undefined;
    told = now;
    if (why === undefined) return;
    say(`sallyport: your rights changed: ${why}`);
    quiet = clock.after(QUIET_MS, () => {
      quiet = undefined;
      look();
    });
  };
  return {
    replaced(known) {
      if (known) told = inForce(rights(), clock.now());
      else look();
    },
    tick() {
      if (termsOf(rights()) <= MAX_EVERY_SECOND || clock.mono() - looked >= MINUTE_MS) look();
    },
    close: () => quiet?.cancel(),
  };
}
