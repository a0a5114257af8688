/** What the audit log says of commands that wait, beside what it says of those who answer. */
import type { ReviewState } from '../../control/reviews.js';
import type { AuditEntry } from '../../store/index.js';
import type { LiveSession } from '../registry.js';
import type { Ending, Entry } from './book.js';

export function requestEntry(entry: Entry, session: LiveSession): AuditEntry {
  const { gate, digest, expiresAt, rule, reason } = entry;
  const expires = new Date(expiresAt).toISOString();
  return {
    event: 'request',
    ...whose(entry),
    source: session.source,
    text: entry.text,
    ...(rule === undefined ? {} : { rule }),
    ...(reason === undefined ? {} : { reason }),
    data: { request: entry.id, kind: 'command', gate, expires, ...(digest === undefined ? {} : { digest }) },
  };
}

const EVENTS: Record<Exclude<ReviewState, 'waiting'>, AuditEntry['event']> = {
  approved: 'approve',
  refused: 'refuse',
  expired: 'request-expired',
  withdrawn: 'request-withdrawn',
};

/** An end that no admin made. */
export function endedEntry(entry: Entry, state: Ending['state'], why: string | undefined): AuditEntry {
  return {
    event: EVENTS[state],
    ...whose(entry),
    text: entry.text,
    ...(why === undefined ? {} : { reason: why }),
    data: { request: entry.id, kind: 'command' },
  };
}

const whose = ({ user, session, target }: Entry) => ({ user, session, target });
