/** From records to moments, and from moments that have come to news. */
import type { AccessRequest, Grant, Lock, SetFact, User } from '../store/types.js';
import { idOf, userOfSubject } from './acts-facts.js';
import { usersUnder } from './acts-locks.js';
import type { News } from './emitter.js';
import type { FactsIndex } from './facts-index.js';
import type { Moment } from './timeline.js';

/** The moments still ahead of records that stand. */
export function momentsOf(
  records: {
    users?: Iterable<User>;
    grants?: Iterable<Grant>;
    locks?: Iterable<Lock>;
    facts?: Iterable<SetFact>;
    requests?: Iterable<AccessRequest>;
  },
  now: number,
): Moment[] {
  const found: Moment[] = [];
  for (const grant of records.grants ?? []) found.push(...momentsOfGrant(grant, now));
  for (const { id, until, liftedAt } of records.locks ?? [])
    if (until !== undefined && liftedAt === undefined) found.push({ at: until, kind: 'lock-ended', id });
  for (const user of records.users ?? []) found.push(...momentsOfKeys(user));
  for (const { until, subject, name } of records.facts ?? [])
    if (until !== undefined) found.push({ at: until, kind: 'fact-ended', id: idOf({ subject, name }), subject, name });
  for (const { id, state, expiresAt } of records.requests ?? [])
    if (state === 'waiting') found.push({ at: expiresAt, kind: 'request-expired', id });
  return found.filter((m) => m.at > now);
}

function momentsOfKeys({ name, keys }: User): Moment[] {
  return keys.flatMap(({ fp, expiresAt }) =>
    expiresAt === undefined ? [] : [{ at: expiresAt, kind: 'key-expired' as const, id: fp, user: name }],
  );
}

function momentsOfGrant({ id, from, until, revokedAt }: Grant, now: number): Moment[] {
  if (revokedAt !== undefined) return [];
  const start: Moment[] = from > now ? [{ at: from, kind: 'grant-started', id }] : [];
  return until === undefined ? start : [...start, { at: until, kind: 'grant-ended', id }];
}

/** The news of moments that have come, for records that still stand; what ended leaves the index. */
export function newsOf(index: FactsIndex, moments: readonly Moment[]): News[] {
  const started: Grant[] = [];
  const ended: Grant[] = [];
  const others: News[] = [];
  const forgotten = new Set<string>();
  for (const moment of moments) {
    if (moment.kind === 'key-expired') others.push(...keyNews(index, moment));
    else if (moment.kind === 'lock-ended') others.push(...lockNews(index, moment));
    else if (moment.kind === 'request-expired') others.push(...requestNews(index, moment));
    else if (moment.kind === 'fact-ended') forget(index, moment, forgotten);
    else {
      const grant = index.grant(moment.id);
      if (grant) (moment.kind === 'grant-started' ? started : ended).push(grant);
    }
  }
  for (const grant of ended) index.dropGrant(grant);
  return [
    ...grantNews('grant-started', started),
    ...grantNews('grant-ended', ended),
    ...factNews(forgotten),
    ...others,
  ];
}

/** A fact that was set anew since has another end. */
function forget(index: FactsIndex, moment: Moment & { kind: 'fact-ended' }, users: Set<string>): void {
  if (index.fact(moment.subject, moment.name)?.until !== moment.at) return;
  index.dropFact(moment);
  const user = userOfSubject(index, moment.subject);
  if (user !== undefined) users.add(user);
}

/** Facts that end together are one change. */
function factNews(users: ReadonlySet<string>): News[] {
  return users.size === 0 ? [] : [{ kind: 'context', users, cause: 'context' }];
}

/** Many grants that start or end together are one change: a door is told once. */
function grantNews(kind: 'grant-started' | 'grant-ended', grants: Grant[]): News[] {
  if (grants.length === 0) return [];
  const users = new Set(grants.map((g) => g.user));
  return [{ kind, users, grants, cause: kind === 'grant-ended' ? 'deadline' : 'context' }];
}

function lockNews(index: FactsIndex, { id }: Moment): News[] {
  const lock = index.lock(id);
  if (!lock) return [];
  index.dropLock(lock);
  return [{ kind: 'lock-ended', users: usersUnder(index, lock), lock, cause: 'context' }];
}

/** Nobody's rights change with it. */
function requestNews(index: FactsIndex, { id }: Moment): News[] {
  const request = index.request(id);
  if (!request) return [];
  index.dropRequest(request);
  return [{ kind: 'request-expired', users: new Set(), requests: [request], cause: 'context' }];
}

function keyNews(index: FactsIndex, moment: Moment): News[] {
  const owned = index.key(moment.id);
  if (owned?.key.expiresAt !== moment.at) return [];
  return [{ kind: 'key-expired', users: new Set([owned.user.name]), key: owned.key.fp, cause: 'credential' }];
}
