import type { Authority, Change } from '../authority/index.js';
import type { EndCause } from '../core/causes.js';
import type { Clock, Timer } from '../core/clock.js';
import { standsAgainst } from './live.js';
import type { LoginRecord, Logins } from './logins.js';

/** What the sessions of a connection get for their last words before it is closed. Unit: ms. */
const AFTER_MS = 6_000;

/** What can stand against a login itself, whatever its rights. */
const KINDS: ReadonlySet<Change['kind']> = new Set(['lock', 'user-removed', 'key-removed', 'key-expired']);

export interface HangupParts {
  authority: Authority;
  clock: Clock;
  logins: Logins;
  hangUp(login: LoginRecord, cause: EndCause): void;
}

/** Closes connections, also those without a session, whose login is locked out or gone. Returns how to stop. */
export function createHangups({ authority, clock, logins, hangUp }: HangupParts): () => void {
  const timers = new Set<Timer>();
  const sweep = () => {
    for (const login of logins.all()) {
      const against = standsAgainst(login, authority);
      if (against) hangUp(login, against.cause);
    }
  };
  const off = authority.onChange(({ kind }) => {
    if (!KINDS.has(kind)) return;
    const timer = clock.after(AFTER_MS, () => {
      timers.delete(timer);
      sweep();
    });
    timers.add(timer);
  });
  return () => {
    off();
    for (const timer of timers) timer.cancel();
  };
}
