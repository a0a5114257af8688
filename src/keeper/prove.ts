import type { Authority } from '../authority/index.js';
import { type Clock, within } from '../core/clock.js';
import type { AuditLog } from '../store/index.js';
import type { FromDoor } from '../wire/door.js';
import type { Proved } from '../wire/types.js';
import type { LiveSide } from './live.js';
import type { Logins } from './logins.js';
import type { LiveSession } from './registry.js';

/** Longest wait for the door to have the new rights before it is told that they are on their way. Unit: ms. */
const RIGHTS_MS = 2_000;

export interface ProverParts {
  authority: Authority;
  audit: AuditLog;
  clock: Clock;
  logins: Logins;
  live: Pick<LiveSide, 'settle'>;
}

/** A second factor typed in a session that runs. */
export type Prover = (session: LiveSession, message: Extract<FromDoor, { type: 'prove' }>) => Promise<Proved>;

/**
 * Every guess counts for the user, whether it was made here or at a login. A code that holds is in the audit log and in
 * the session's rights before its door hears so; later sessions on the connection have it, too.
 */
export function createProver(parts: ProverParts): Prover {
  const { authority, audit, clock, logins, live } = parts;
  return async (session, { code }) => {
    const { user } = session;
    if (!authority.user(user)?.factor) return { ok: false, left: 0, why: 'none' };
    const before = logins.guesses(user);
    if (before.left === 0) return { ok: false, why: 'wait', ...before };
    if (code === undefined) return { ok: true, ...before };
    const verdict = await logins.proveFactor(user, code);
    const what = { session: session.id, user, target: session.target, source: session.source };
    if (!verdict.ok) {
      audit.append({ event: 'factor', ...what, allow: false, reason: verdict.why });
      return { ok: false, why: verdict.why, ...logins.guesses(user) };
    }
    audit.append({ event: 'factor', ...what, allow: true, data: { mfa: verdict.by } });
    await audit.durable();
    session.mfaAt = clock.now();
    logins.proved(session.conn, user, session.mfaAt);
    await within(clock, live.settle(authority.factorProved(user)), RIGHTS_MS);
    return { ok: true, ...logins.guesses(user) };
  };
}
