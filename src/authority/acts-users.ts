import { hasType } from '../config/labels.js';
import { SallyportError } from '../core/errors.js';
import { isAccountName, isUserName, NAME_RULES } from '../core/names.js';
import type { AccessRequest, Grant, SetFact, User, UserKey } from '../store/types.js';
import { newGrant, revoked } from './acts-grants.js';
import { waitingOf } from './acts-requests.js';
import { type Act, checkUntil, replaced, type Scene, usage, userOf } from './scene.js';
import type { AddUser, PublicKey } from './types.js';

export function addUser(scene: Scene, input: AddUser): Act<{ user: User; grants: Grant[] }> {
  const { name, account, by } = input;
  if (!isUserName(name)) usage(`${JSON.stringify(name)}: ${NAME_RULES.user}`);
  if (scene.index.user(name))
    throw new SallyportError(
      'failed',
      `there is a user ${name} already: use \`sallyport user key add\` for another key`,
    );
  if (account !== undefined) checkAccount(account);
  const keys: UserKey[] = [];
  for (const key of input.keys ?? []) keys.push(newKey(scene, keys, key, key.expiresAt));
  const user: User = {
    name,
    createdAt: scene.now,
    ...(account === undefined ? {} : { account }),
    keys,
    labels: checkedLabels(scene, input.labels ?? {}),
  };
  const grants = [...new Set(input.roles ?? [])].map((role) =>
    newGrant(scene, { user: name, role, reason: input.reason ?? 'given when the user was added', by }),
  );
  return {
    data: { ...scene.data, users: [...scene.data.users, user], grants: [...scene.data.grants, ...grants] },
    users: [user],
    grants,
    news: { kind: 'user-added', users: new Set([name]), grants, cause: 'context' },
    result: { user, grants },
  };
}

/** Their grants, and what was set of them, go with them: someone given the name later starts with nothing. */
export function removeUser(scene: Scene, input: { user: string; by: string }): Act<{ user: User; grants: Grant[] }> {
  const user = userOf(scene, input.user);
  const grants = [...scene.index.grantsOf(user.name).values()].map((g) => revoked(g, scene.now, input.by));
  const facts = factsOf(scene, [user.name, ...user.keys.map((k) => k.fp)]);
  const requests = waitingOf(scene, user.name).map((request): AccessRequest => {
    return { ...request, state: 'withdrawn', by: input.by, decidedAt: scene.now, why: 'the user was removed' };
  });
  return {
    data: {
      ...scene.data,
      requests: replaced(scene.data.requests, requests),
      users: scene.data.users.filter((u) => u.name !== user.name),
      grants: replaced(scene.data.grants, grants),
      facts: scene.data.facts.filter((f) => !facts.includes(f)),
    },
    removedUser: user.name,
    grants,
    droppedFacts: facts,
    requests,
    news: { kind: 'user-removed', users: new Set([user.name]), grants, cause: 'revoked' },
    result: { user, grants },
  };
}

export function addKey(
  scene: Scene,
  input: { user: string; key: PublicKey; expiresAt?: number },
): Act<{ key: UserKey }> {
  const user = userOf(scene, input.user);
  const key = newKey(scene, user.keys, input.key, input.expiresAt);
  return keysChanged(scene, user, [...user.keys, key], key, 'key-added');
}

export function removeKey(scene: Scene, input: { user: string; fp: string }): Act<{ key: UserKey }> {
  const user = userOf(scene, input.user);
  const key = user.keys.find((k) => k.fp === input.fp);
  if (!key)
    throw new SallyportError(
      'not-found',
      `${user.name} has no such key: \`sallyport user show ${user.name}\` lists them`,
    );
  const kept = user.keys.filter((k) => k !== key);
  const act = keysChanged(scene, user, kept, key, 'key-removed');
  const facts = factsOf(scene, [key.fp]);
  return {
    ...act,
    data: { ...act.data, facts: act.data.facts.filter((f) => !facts.includes(f)) },
    droppedFacts: facts,
  };
}

const factsOf = (scene: Scene, subjects: readonly string[]): SetFact[] =>
  scene.data.facts.filter((f) => subjects.includes(f.subject));

function keysChanged(
  scene: Scene,
  before: User,
  keys: readonly UserKey[],
  key: UserKey,
  kind: 'key-added' | 'key-removed',
): Act<{ key: UserKey }> {
  const user: User = { ...before, keys };
  return {
    data: { ...scene.data, users: scene.data.users.map((u) => (u.name === user.name ? user : u)) },
    users: [user],
    news: { kind, users: new Set([user.name]), key: key.fp, cause: kind === 'key-removed' ? 'credential' : 'context' },
    result: { key },
  };
}

function newKey(scene: Scene, own: readonly UserKey[], key: PublicKey, expiresAt: number | undefined): UserKey {
  const owner = scene.index.key(key.fp)?.user.name;
  if (owner !== undefined)
    throw new SallyportError('failed', `key ${key.fp} belongs to user ${owner} already: a key is one user's`);
  if (own.some((k) => k.fp === key.fp)) throw new SallyportError('failed', `key ${key.fp} is given twice`);
  checkUntil(expiresAt, scene.now);
  const { fp, type, data, comment } = key;
  return { fp, type, data, comment, addedAt: scene.now, ...(expiresAt === undefined ? {} : { expiresAt }) };
}

function checkAccount(account: string): void {
  if (!isAccountName(account)) usage(`${JSON.stringify(account)}: ${NAME_RULES.account}`);
  if (account === 'root') usage('shells never run as root: name another account');
}

function checkedLabels(scene: Scene, labels: User['labels']): User['labels'] {
  for (const [name, value] of Object.entries(labels)) {
    const declared = scene.config.labels.user;
    const type = Object.hasOwn(declared, name) ? declared[name] : undefined;
    if (type === undefined) usage(`label ${JSON.stringify(name)} is not declared under labels.user in sallyport.yaml`);
    else if (!hasType(value, type)) usage(`label ${name} must be of the declared type ${type}`);
  }
  return labels;
}
