import { SallyportError } from '../core/errors.js';
import { newId } from '../core/ids.js';
import { isFingerprint, isTargetPattern, NAME_RULES } from '../core/names.js';
import { matchTarget } from '../policy/index.js';
import type { Lock } from '../store/types.js';
import { type FactsIndex, hasEnded } from './facts-index.js';
import { type Act, byId, checkReason, checkUntil, replaced, type Scene, usage, userOf } from './scene.js';
import type { PutLock } from './types.js';

export function putLock(scene: Scene, input: PutLock): Act<{ lock: Lock }> {
  const { kind, subject, until, by } = input;
  checkSubject(scene, input);
  checkUntil(until, scene.now);
  const lock: Lock = {
    id: newId(),
    kind,
    ...(subject === undefined ? {} : { subject }),
    reason: checkReason(input.reason),
    by,
    from: scene.now,
    ...(until === undefined ? {} : { until }),
  };
  return {
    data: { ...scene.data, locks: [...scene.data.locks, lock] },
    locks: [lock],
    news: { kind: 'lock', users: usersUnder(scene.index, lock), lock, cause: 'locked' },
    result: { lock },
  };
}

export function liftLock(scene: Scene, id: string, by: string): Act<{ lock: Lock }> {
  const lock = byId(scene.data.locks, id, 'lock');
  const over = lock.liftedAt ?? (hasEnded(lock, scene.now) ? lock.until : undefined);
  if (over !== undefined)
    throw new SallyportError('not-found', `lock ${lock.id} ended at ${new Date(over).toISOString()}: nothing to lift`);
  const lifted: Lock = { ...lock, liftedAt: scene.now, liftedBy: by };
  return {
    data: { ...scene.data, locks: replaced(scene.data.locks, [lifted]) },
    locks: [lifted],
    news: { kind: 'unlock', users: usersUnder(scene.index, lock), lock: lifted, cause: 'context' },
    result: { lock: lifted },
  };
}

/** Whose sessions a lock concerns. */
export function usersUnder(index: FactsIndex, lock: Lock): ReadonlySet<string> | 'all' {
  if (lock.kind === 'target' || lock.kind === 'everyone') return 'all';
  const user = lock.kind === 'user' ? lock.subject : index.key(lock.subject ?? '')?.user.name;
  return new Set(user === undefined ? [] : [user]);
}

/** The first lock in force that refuses. */
export function lockAgainst(scene: Scene, who: { user: string; key?: string; target?: string }): Lock | undefined {
  const groups = who.target === undefined ? [] : scene.policy.groupsOf(who.target);
  for (const lock of scene.index.locks()) if (!hasEnded(lock, scene.now) && meets(lock, who, groups)) return lock;
  return undefined;
}

function meets(lock: Lock, who: { user: string; key?: string; target?: string }, groups: readonly string[]): boolean {
  switch (lock.kind) {
    case 'everyone':
      return true;
    case 'user':
      return lock.subject === who.user;
    case 'key':
      return who.key !== undefined && lock.subject === who.key;
    case 'target':
      return who.target !== undefined && lock.subject !== undefined && matchTarget(lock.subject, who.target, groups);
  }
}

function checkSubject(scene: Scene, { kind, subject }: PutLock): void {
  if (kind === 'everyone' && subject !== undefined) usage('a lock on everyone names nobody');
  if (kind === 'everyone') return;
  if (subject === undefined) usage(`a lock on a ${kind} must name it`);
  else if (kind === 'user') userOf(scene, subject);
  else if (kind === 'key' && !isFingerprint(subject))
    usage(`${JSON.stringify(subject)} is not a key's fingerprint (SHA256:…, as ssh-keygen -l prints it)`);
  else if (kind === 'target' && !isTargetPattern(subject)) usage(`${JSON.stringify(subject)}: ${NAME_RULES.pattern}`);
}
