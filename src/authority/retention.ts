/** What ended long ago leaves the store, with the next act; the audit log keeps it. */
import type { AccessRequest, Grant, Lock, StoreData } from '../store/types.js';

/** Without the grants, locks and requests whose end lies longer back; the same data where there are none. */
export function withoutOld(data: StoreData, now: number, keptMs: number): StoreData {
  const since = now - keptMs;
  const grants = data.grants.filter((grant) => endOfGrant(grant) > since);
  const locks = data.locks.filter((lock) => endOfLock(lock) > since);
  const requests = data.requests.filter((request) => endOfRequest(request) > since);
  const gone = data.grants.length + data.locks.length + data.requests.length;
  return gone === grants.length + locks.length + requests.length ? data : { ...data, grants, locks, requests };
}

const NEVER = Number.POSITIVE_INFINITY;

const endOfGrant = ({ until, revokedAt }: Grant) => Math.min(until ?? NEVER, revokedAt ?? NEVER);
const endOfLock = ({ until, liftedAt }: Lock) => Math.min(until ?? NEVER, liftedAt ?? NEVER);
const endOfRequest = ({ decidedAt, expiresAt }: AccessRequest) => decidedAt ?? expiresAt;
