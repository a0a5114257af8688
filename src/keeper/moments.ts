/** What comes true by itself is in the audit log as well as what admins do. */
import type { Authority, Change } from '../authority/index.js';
import type { AccessRequest, AuditEntry, AuditLog } from '../store/index.js';

/** Entries of one change that the log gets; the last of them says how many more there were. */
const MAX_ENTRIES = 100;

export function noteMoments(authority: Authority, audit: AuditLog): () => void {
  const note = (entries: readonly AuditEntry[]) => {
    // Where the log cannot be written its own failure handler ends everything.
    if (audit.healthy()) for (const entry of entries) audit.append(entry);
  };
  // Of a store that cannot be written `status` tells; the next start will note them again.
  const expired = () => authority.expireRequests().catch((): AccessRequest[] => []);
  void expired().then((requests) => note(requests.map(expiredEntry)));
  return authority.onChange((change) => {
    note(entriesOf(change));
    if (change.kind === 'request-expired') void expired();
  });
}

function entriesOf(change: Change): AuditEntry[] {
  const { kind, grants = [], requests = [], lock, users, key } = change;
  if (kind === 'lock-ended' && lock)
    return [{ event: kind, text: `lock ${lock.id} ended`, reason: lock.reason, data: { lock: lock.id } }];
  if (kind === 'request-expired') return requests.map(expiredEntry);
  if (kind === 'key-expired') {
    const [user] = users === 'all' ? [] : users;
    return [{ event: kind, ...(user === undefined ? {} : { user }), ...(key === undefined ? {} : { key }) }];
  }
  if (kind !== 'grant-started' && kind !== 'grant-ended') return [];
  const more = grants.length - MAX_ENTRIES;
  return grants.slice(0, MAX_ENTRIES).map(({ id, user, role, target }, at) => ({
    event: kind,
    user,
    target,
    text: `grant ${id} role ${role} ${kind === 'grant-ended' ? 'ended' : 'started'}`,
    data: { grant: id, role, ...(more > 0 && at === MAX_ENTRIES - 1 ? { more } : {}) },
  }));
}

function expiredEntry({ id, user, role, target, reason }: AccessRequest): AuditEntry {
  const text = `request ${id} for role ${role} expired: nobody answered it`;
  return { event: 'request-expired', user, target, text, reason, data: { request: id, kind: 'access', role } };
}
