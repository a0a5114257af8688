/** Asking for a role, and what others make of it. */

import { formatDuration } from '../core/duration.js';
import { SallyportError } from '../core/errors.js';
import { isRoleName, isTargetPattern, NAME_RULES } from '../core/names.js';
import type { AccessRequest, Grant } from '../store/types.js';
import { newGrant, unknownRole } from './acts-grants.js';
import { lockAgainst } from './acts-locks.js';
import { overWords, ownWords } from './decided.js';
import type { News } from './emitter.js';
import { type Act, checkReason, replaced, type Scene, usage, userOf } from './scene.js';
import type { Answer, AskForRole } from './types.js';

/** Of all there are, those that are over included; the audit log keeps them for good. */
const MAX_KEPT = 5_000;
/** Requests of one user within ASKED_MS, whatever became of them: reviewers read every one. */
const MAX_ASKED = 30;
const ASKED_MS = 3_600_000;
/** Waiting at once, of everybody. */
const MAX_WAITING = 5_000;

const refused = (message: string) => new SallyportError('refused', message);

/** As it is now: one that nobody answered in time has expired. */
export function stateOf({ state, expiresAt }: AccessRequest, now: number): AccessRequest['state'] {
  return state === 'waiting' && expiresAt <= now ? 'expired' : state;
}

export function askForRole(scene: Scene, input: AskForRole): Act<{ request: AccessRequest }> {
  const { id, role, target, forMs } = input;
  const user = userOf(scene, input.user).name;
  checkAsked(scene, input);
  refuseTooMany(scene, input);
  const reason = checkReason(input.reason);
  const expiresAt = scene.now + scene.config.requests.expireMs;
  const request: AccessRequest = {
    ...{ id, user, role, target, forMs, reason },
    at: scene.now,
    expiresAt,
    state: 'waiting',
  };
  return { ...outcome(scene, request), data: { ...scene.data, requests: [...kept(scene), request] } };
}

/** As a grant of it would be checked, and shorter than the longest that is given so. */
function checkAsked({ policy, config }: Scene, { role, target, forMs }: AskForRole): void {
  if (!isRoleName(role)) usage(`${JSON.stringify(role)}: ${NAME_RULES.role}`);
  if (!isTargetPattern(target)) usage(`${JSON.stringify(target)}: ${NAME_RULES.pattern}`);
  if (unknownRole(policy, role) !== undefined) usage(`no rule of the policy speaks of role ${role}: ask for another`);
  const { longestMs, roles } = config.requests;
  if (!mayBeAsked(roles, role)) throw refused(`role ${role} cannot be asked for here: ${namesOf(roles)} can`);
  if (!(forMs > 0)) usage('a request for no time at all: say for how long');
  if (forMs > longestMs) usage(`${formatDuration(forMs)} is too long to ask for: at most ${formatDuration(longestMs)}`);
}

const mayBeAsked = (roles: '*' | readonly string[], role: string) => roles === '*' || roles.includes(role);
const namesOf = (roles: '*' | readonly string[]) => (roles.length === 0 ? 'none' : [...roles].slice(0, 20).join(', '));

function refuseTooMany(scene: Scene, { user, role, target }: AskForRole): void {
  const waiting = waitingOf(scene, user);
  const same = waiting.find((r) => r.role === role && r.target === target);
  if (same) throw refused(`request ${same.id} for role ${role} on ${target} waits already`);
  const { perUser } = scene.config.requests;
  if (waiting.length >= perUser)
    throw refused(`${user} has ${perUser} requests waiting, the most at once: withdraw one first`);
  const lately = scene.data.requests.filter((r) => r.user === user && r.at > scene.now - ASKED_MS);
  if (lately.length >= MAX_ASKED) throw refused(`${user} has asked ${MAX_ASKED} times within an hour: ask later`);
  if ([...scene.index.requests()].length >= MAX_WAITING) throw refused('too many requests wait already: ask later');
}

export function waitingOf({ index, now }: Scene, user: string): AccessRequest[] {
  return [...index.requests()].filter((r) => r.user === user && stateOf(r, now) === 'waiting');
}

export function approveRequest(scene: Scene, answer: Answer): Act<{ request: AccessRequest; grant: Grant }> {
  const request = toAnswer(scene, answer, 'approve');
  const { id, user, role, target, forMs } = request;
  if (!scene.index.user(user)) throw refused(`request ${id}: there is no user ${user} any more: refuse it`);
  const lock = lockAgainst(scene, { user });
  if (lock) throw refused(`request ${id}: ${user} is locked (${lock.reason}): unlock ${lock.id} first, or refuse it`);
  if (unknownRole(scene.policy, role) !== undefined)
    throw refused(`request ${id}: no rule of the policy speaks of role ${role} any more: refuse it`);
  if (!mayBeAsked(scene.config.requests.roles, role))
    throw refused(`request ${id}: role ${role} cannot be asked for any more: refuse it`);
  const until = scene.now + forMs;
  const given: Grant = newGrant(scene, { user, role, target, until, reason: request.reason, by: answer.by });
  const grant: Grant = { ...given, request: id };
  const decided: AccessRequest = { ...decidedBy(answer, 'approved', request, scene.now), grant: grant.id };
  const { data, requests } = outcome(scene, decided);
  return {
    data: { ...data, grants: [...data.grants, grant] },
    requests,
    grants: [grant],
    news: { kind: 'grant', users: new Set([user]), grants: [grant], cause: 'context' },
    result: { request: decided, grant },
  };
}

export function refuseRequest(scene: Scene, answer: Answer): Act<{ request: AccessRequest }> {
  return outcome(scene, decidedBy(answer, 'refused', toAnswer(scene, answer, 'refuse'), scene.now));
}

/** Makes it durable that those are over; nothing for nobody. */
export function expireRequests(scene: Scene): Act<{ requests: AccessRequest[] }> | undefined {
  const requests = overdue(scene).map((request): AccessRequest => ({ ...request, state: 'expired' }));
  if (requests.length === 0) return undefined;
  const data = { ...scene.data, requests: replaced(kept(scene), requests) };
  return { data, requests, news: NOBODY, result: { requests } };
}

function overdue({ data, now }: Scene): AccessRequest[] {
  return data.requests.filter((r) => r.state === 'waiting' && r.expiresAt <= now);
}

export function withdrawRequest(
  scene: Scene,
  { id, user }: { id: string; user: string },
): Act<{ request: AccessRequest }> {
  const request = waitingById(scene, id);
  if (request.user !== user) throw refused(`request ${id} is ${request.user}'s: only they withdraw it`);
  return outcome(scene, { ...request, state: 'withdrawn', by: user, decidedAt: scene.now });
}

function decidedBy(
  { by, why }: Answer,
  state: 'approved' | 'refused',
  request: AccessRequest,
  now: number,
): AccessRequest {
  return { ...request, state, by, decidedAt: now, ...(why === undefined ? {} : { why }) };
}

/** The request, if it waits and this person may judge it. */
function toAnswer(scene: Scene, { id, user, names }: Answer, verb: 'approve' | 'refuse'): AccessRequest {
  const request = waitingById(scene, id);
  if (names.has(request.user)) throw refused(ownWords(id, verb));
  if (user === undefined) return request;
  if (!scene.index.user(user)) throw refused(`${verb}: there is no user ${user} any more`);
  const lock = lockAgainst(scene, { user });
  if (lock) throw refused(`${verb}: ${user} is locked: ${lock.reason}`);
  return request;
}

function waitingById({ data, now }: Scene, id: string): AccessRequest {
  const request = data.requests.find((r) => r.id === id);
  if (!request) throw new SallyportError('not-found', `no request ${id}: \`sallyport requests\` shows them`);
  const state = stateOf(request, now);
  if (state === 'waiting') return request;
  throw refused(overWords({ ...request, state }, request.decidedAt ?? request.expiresAt));
}

function outcome(scene: Scene, request: AccessRequest) {
  return {
    data: { ...scene.data, requests: replaced(kept(scene), [request]) },
    requests: [request],
    news: NOBODY,
    result: { request },
  };
}

/** Nobody's rights change with a request. */
const NOBODY: News = { kind: 'request', users: new Set<string>(), cause: 'context' };

/** Without the oldest of too many that are over. */
function kept({ data, now }: Scene): readonly AccessRequest[] {
  const tooMany = data.requests.length - MAX_KEPT;
  if (tooMany <= 0) return data.requests;
  const over = data.requests.filter((r) => stateOf(r, now) !== 'waiting').slice(0, tooMany);
  return data.requests.filter((r) => !over.includes(r));
}
