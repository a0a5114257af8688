import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { parseConfig } from '../../src/config/index.js';
import { because, HOUR, held, homesOf, keyOf, kindsOf, MINUTE, policyOf, query } from './scene.js';

const start = homesOf();

describe('what a user holds', () => {
  test('is what policy gives, and what grants give with the roles those reach', async () => {
    const h = await start({ policy: policyOf(['alice > engineer', 'sre > oncall', 'oncall > reader']) });
    await h.authority.addUser({ name: 'alice', roles: ['auditor'], by: 'root' });
    const { grant } = await h.authority.grant({
      user: 'alice',
      role: 'sre',
      target: 'prod/*',
      until: h.clock.now() + HOUR,
      ...because,
    });
    expect(held(h.authority, 'alice')).toEqual(['auditor@*', 'engineer@*']);
    expect(held(h.authority, 'alice', 'prod/db')).toEqual([
      'auditor@*',
      'engineer@*',
      'oncall@prod/*',
      'reader@prod/*',
      'sre@prod/*',
    ]);
    const { holdings } = h.authority.rightsFor(query('alice', 'prod/db'));
    expect(holdings.find((x) => x.role === 'reader')).toEqual({
      role: 'reader',
      target: 'prod/*',
      from: grant.from,
      until: grant.until,
      via: grant.id,
    });
  });

  test('includes a grant that is yet to start, and groups the target is in', async () => {
    const h = await start({ policy: policyOf([], [], ['db1 > prod/eu']) });
    await h.authority.addUser({ name: 'alice', by: 'root' });
    const from = h.clock.now() + HOUR;
    await h.authority.grant({ user: 'alice', role: 'sre', target: 'prod/*', from, until: from + HOUR, ...because });
    expect(held(h.authority, 'alice', 'db1')).toEqual(['sre@prod/*']);
    expect(held(h.authority, 'alice', 'db2')).toEqual([]);
    h.clock.advance(HOUR);
    h.clock.advance(HOUR);
    expect(held(h.authority, 'alice', 'db1')).toEqual([]);
    expect(kindsOf(h).slice(-2)).toEqual(['grant-started', 'grant-ended']);
  });

  test('carries only rows for those roles, and only facts that are declared', async () => {
    const yaml = 'labels: { user: { team: string } }\ntargets: { db1: { sensitivity: 3 } }\ntimezone: Europe/Berlin';
    const h = await start({ yaml, policy: policyOf(['alice > engineer'], ['engineer', 'sre', '*']) });
    await h.authority.addUser({ name: 'alice', labels: { team: 'db' }, by: 'root' });
    const data = h.authority.rightsFor({ ...query('alice', 'db1'), startedAt: 7 });
    expect(data.rows.map((r) => r.id)).toEqual(['r-engineer', 'r-*']);
    expect(data.facts).toEqual({
      user: { team: 'db' },
      target: { sensitivity: 3 },
      source: { ip: '10.0.0.1' },
      auth: { method: 'publickey' },
      device: {},
      risk: {},
      approval: {},
      startedAt: 7,
      timezone: 'Europe/Berlin',
    });
    await h.authority.setConfig(parseConfig('', '/h'));
    expect(h.authority.rightsFor(query('alice', 'db1')).facts.user).toEqual({});
    await expect(h.authority.addUser({ name: 'bob', labels: { team: 'db' }, by: 'root' })).rejects.toThrow(
      /not declared/,
    );
  });

  test('costs no more when others hold ten thousand grants', async () => {
    const h = await start({ policy: policyOf(['alice > engineer']) });
    await h.authority.addUser({ name: 'alice', roles: ['sre'], by: 'root' });
    await h.authority.addUser({ name: 'bob', by: 'root' });
    const time = () => {
      const from = performance.now();
      for (let i = 0; i < 2000; i++) h.authority.rightsFor(query('alice'));
      return performance.now() - from;
    };
    time();
    const few = Math.min(time(), time(), time());
    await Promise.all(
      Array.from({ length: 10_000 }, (_, i) => h.authority.grant({ user: 'bob', role: `r${i}`, ...because })),
    );
    const many = Math.min(time(), time(), time());
    // Work that grew with the grants would be hundreds of times more; how flat it is, bench/ measures.
    expect(many).toBeLessThan(few * 5 + 10);
  });

  test('a role gained by a policy edit counts from the edit', async () => {
    const h = await start({ policy: policyOf(['alice > engineer']) });
    await h.authority.addUser({ name: 'alice', roles: ['sre'], by: 'root' });
    h.clock.advance(HOUR);
    await h.authority.setPolicy(policyOf(['alice > engineer', 'engineer > ops', 'sre > dba']));
    const from = (role: string) => h.authority.rightsFor(query('alice')).holdings.find((x) => x.role === role)?.from;
    expect(from('engineer')).toBeUndefined();
    expect(from('ops')).toBe(h.clock.now());
    expect(from('dba')).toBe(h.clock.now());
    await h.authority.setPolicy(policyOf([]));
    expect(held(h.authority, 'alice')).toEqual(['sre@*']);
  });
});

describe('a change', () => {
  test('is true and told before the promise is returned, durable when it resolves', async () => {
    const h = await start();
    await h.authority.addUser({ name: 'alice', by: 'root' });
    const promise = h.authority.grant({ user: 'alice', role: 'sre', ...because });
    expect(held(h.authority, 'alice')).toEqual(['sre@*']);
    expect(kindsOf(h)).toEqual(['user-added', 'grant']);
    const { change, grant } = await promise;
    expect(change).toMatchObject({ version: 2, kind: 'grant', users: new Set(['alice']), grants: [grant] });
    expect(h.authority.version()).toBe(2);
  });

  test('names the cause a session ends with', async () => {
    const h = await start();
    const a = h.authority;
    await a.addUser({ name: 'alice', keys: [keyOf(1), { ...keyOf(2), expiresAt: h.clock.now() + HOUR }], by: 'root' });
    await a.grant({ user: 'alice', role: 'sre', until: h.clock.now() + HOUR, ...because });
    const { grant } = await a.grant({ user: 'alice', role: 'ops', ...because });
    await a.revoke({ grant: grant.id }, 'root');
    await a.lock({ kind: 'user', subject: 'alice', until: h.clock.now() + HOUR, ...because });
    await a.removeKey({ user: 'alice', fp: keyOf(1).fp, by: 'root' });
    h.clock.advance(HOUR);
    await a.setPolicy(policyOf([]));
    await a.removeUser({ user: 'alice', by: 'root' });
    expect(h.changes.map((c) => `${c.kind}: ${c.cause}`).sort()).toEqual([
      'grant-ended: deadline',
      'grant: context',
      'grant: context',
      'key-expired: credential',
      'key-removed: credential',
      'lock-ended: context',
      'lock: locked',
      'policy: revoked',
      'revoke: revoked',
      'user-added: context',
      'user-removed: revoked',
    ]);
    expect(h.changes.map((c) => c.version)).toEqual(h.changes.map((_, i) => i + 1));
  });

  test('made inside a listener reaches every listener in order', async () => {
    const h = await start();
    const seen: string[] = [];
    h.authority.onChange((c) => {
      if (c.kind === 'user-added') void h.authority.lock({ kind: 'everyone', ...because });
    });
    h.authority.onChange((c) => seen.push(c.kind));
    await h.authority.addUser({ name: 'alice', by: 'root' });
    expect(seen).toEqual(['user-added', 'lock']);
  });

  test('that cannot be written is taken back and told again', async () => {
    const h = await start();
    await h.authority.addUser({ name: 'alice', by: 'root' });
    mkdirSync(join(h.dir, 'store.json.tmp', 'x'), { recursive: true });
    const granted = h.authority.grant({ user: 'alice', role: 'sre', until: h.clock.now() + HOUR, ...because });
    expect(held(h.authority, 'alice')).toEqual(['sre@*']);
    await expect(granted).rejects.toThrow(/could not be written, nothing was changed/);
    expect(held(h.authority, 'alice')).toEqual([]);
    expect(h.authority.grants({ all: true })).toEqual([]);
    expect(h.changes.at(-1)).toMatchObject({ kind: 'context', cause: 'revoked', users: new Set(['alice']) });
    rmSync(join(h.dir, 'store.json.tmp'), { recursive: true });
    h.clock.advance(2 * HOUR);
    expect(kindsOf(h)).toEqual(['user-added', 'grant', 'context']);
    await h.authority.grant({ user: 'alice', role: 'ops', ...because });
    expect(held(h.authority, 'alice')).toEqual(['ops@*']);
  });

  test('a closed store refuses and nothing becomes true', async () => {
    const h = await start();
    await h.authority.addUser({ name: 'alice', by: 'root' });
    await h.store.close();
    await expect(h.authority.grant({ user: 'alice', role: 'sre', ...because })).rejects.toThrow(/closed/);
    expect(held(h.authority, 'alice')).toEqual([]);
    expect(kindsOf(h)).toEqual(['user-added']);
  });

  test('a listener that throws keeps no other from hearing, and is not swallowed', async () => {
    const h = await start();
    const thrown = vi.spyOn(globalThis, 'queueMicrotask').mockImplementation(() => undefined);
    const seen: string[] = [];
    h.authority.onChange(() => {
      throw new Error('lost one');
    });
    h.authority.onChange((c) => seen.push(c.kind));
    await h.authority.addUser({ name: 'alice', by: 'root' });
    expect(seen).toEqual(['user-added']);
    expect(() => thrown.mock.calls[0]?.[0]()).toThrow('lost one');
    thrown.mockRestore();
  });
});

describe('time', () => {
  test('ends a grant at its moment, to the millisecond', async () => {
    const h = await start();
    await h.authority.addUser({ name: 'alice', by: 'root' });
    await h.authority.grant({ user: 'alice', role: 'sre', until: h.clock.now() + 90_500, ...because });
    h.clock.advance(90_499);
    expect(kindsOf(h)).not.toContain('grant-ended');
    h.clock.advance(1);
    expect(h.changes.at(-1)).toMatchObject({ kind: 'grant-ended', at: h.clock.now() });
  });

  test('that jumped or slept ends what is overdue within a second, once', async () => {
    const h = await start();
    await h.authority.addUser({ name: 'alice', by: 'root' });
    for (const role of ['a', 'b'])
      await h.authority.grant({ user: 'alice', role, until: h.clock.now() + HOUR, ...because });
    h.clock.suspend(2 * HOUR);
    expect(held(h.authority, 'alice')).toEqual([]);
    h.clock.advance(1000);
    expect(kindsOf(h).filter((k) => k === 'grant-ended')).toHaveLength(1);
    expect(h.changes.at(-1)?.grants).toHaveLength(2);
    h.clock.advance(3 * HOUR);
    expect(kindsOf(h).filter((k) => k === 'grant-ended')).toHaveLength(1);
  });

  test('that went back makes an ended grant hold again, and tells everyone', async () => {
    const h = await start();
    await h.authority.addUser({ name: 'alice', by: 'root' });
    await h.authority.grant({ user: 'alice', role: 'sre', until: h.clock.now() + HOUR, ...because });
    h.clock.advance(HOUR);
    expect(held(h.authority, 'alice')).toEqual([]);
    h.clock.jumpWall(-HOUR);
    h.clock.advance(1000);
    expect(h.changes.at(-1)).toMatchObject({ kind: 'context', users: 'all' });
    expect(held(h.authority, 'alice')).toEqual(['sre@*']);
    h.clock.advance(HOUR);
    expect(h.changes.at(-1)?.kind).toBe('grant-ended');
  });

  test('far ahead is no problem', async () => {
    const h = await start();
    await h.authority.addUser({ name: 'alice', by: 'root' });
    await h.authority.grant({ user: 'alice', role: 'sre', until: h.clock.now() + 400 * 24 * HOUR, ...because });
    h.clock.jumpWall(400 * 24 * HOUR);
    h.clock.advance(1000);
    expect(kindsOf(h).at(-1)).toBe('grant-ended');
  });

  test('stops when the authority closes', async () => {
    const h = await start();
    await h.authority.addUser({ name: 'alice', by: 'root' });
    await h.authority.grant({ user: 'alice', role: 'sre', until: h.clock.now() + HOUR, ...because });
    h.authority.close();
    expect(h.clock.pending()).toBe(0);
  });
});

describe('users and keys', () => {
  test('a key is one user’s, and of use until it expires', async () => {
    const h = await start();
    const a = h.authority;
    await a.addUser({ name: 'alice', keys: [keyOf(1)], by: 'root' });
    await a.addUser({ name: 'bob', by: 'root' });
    await expect(a.addKey({ user: 'bob', key: keyOf(1), by: 'root' })).rejects.toThrow(/belongs to user alice already/);
    await expect(a.addUser({ name: 'eve', keys: [keyOf(3), keyOf(3)], by: 'root' })).rejects.toThrow(/given twice/);
    await a.addKey({ user: 'bob', key: keyOf(2), expiresAt: h.clock.now() + MINUTE, by: 'root' });
    expect(a.usableKey('bob', keyOf(2).fp)?.fp).toBe(keyOf(2).fp);
    expect(a.usableKey('alice', keyOf(2).fp)).toBeUndefined();
    h.clock.advance(MINUTE);
    expect(a.usableKey('bob', keyOf(2).fp)).toBeUndefined();
    expect(h.changes.at(-1)).toMatchObject({ kind: 'key-expired', key: keyOf(2).fp, users: new Set(['bob']) });
    await a.removeKey({ user: 'bob', fp: keyOf(2).fp, by: 'root' });
    expect(a.key(keyOf(2).fp)).toBeUndefined();
    await expect(a.removeKey({ user: 'bob', fp: keyOf(2).fp, by: 'root' })).rejects.toMatchObject({
      code: 'not-found',
    });
  });

  test('a removed user’s grants and keys go with them', async () => {
    const h = await start();
    const a = h.authority;
    await a.addUser({ name: 'alice', keys: [keyOf(1)], roles: ['sre'], by: 'root' });
    const { grants } = await a.removeUser({ user: 'alice', by: 'root' });
    expect(grants).toHaveLength(1);
    expect(() => a.rightsFor(query('alice'))).toThrow(/no user alice/);
    await a.addUser({ name: 'alice', keys: [keyOf(1)], by: 'root' });
    expect(held(a, 'alice')).toEqual([]);
  });

  test.each([
    [{ name: 'Alice' }, 'user names are'],
    [{ name: '../a' }, 'user names are'],
    [{ name: 'alice' }, 'there is a user alice already'],
    [{ name: 'bob', account: 'root' }, 'never run as root'],
    [{ name: 'bob', account: 'a b' }, 'account names are'],
    [{ name: 'bob', roles: ['a role'] }, 'role names are'],
  ])('%j is refused', async (input, message) => {
    const h = await start();
    await h.authority.addUser({ name: 'alice', by: 'root' });
    await expect(h.authority.addUser({ ...input, by: 'root' })).rejects.toThrow(message);
    expect(h.store.data.users).toHaveLength(1);
  });
});

test.each([
  [{ until: 1 }, 'must lie after'],
  [{ until: Number.NaN }, 'not a moment'],
  [{ role: 'a b' }, 'role names are'],
  [{ target: 'a/../b' }, 'target patterns'],
  [{ reason: '  ' }, 'must say why'],
  [{ user: 'bob' }, 'no user bob'],
])('a grant with %j is refused', async (wrong, message) => {
  const h = await start();
  await h.authority.addUser({ name: 'alice', by: 'root' });
  await expect(h.authority.grant({ user: 'alice', role: 'sre', ...because, ...wrong })).rejects.toThrow(message);
  expect(h.store.data.grants).toEqual([]);
});

test('a grant of a role that no rule speaks of is given with a warning', async () => {
  const h = await start({ policy: policyOf(['ops > reader'], ['sre']) });
  await h.authority.addUser({ name: 'alice', by: 'root' });
  const warn = async (role: string) => (await h.authority.grant({ user: 'alice', role, ...because })).warning;
  expect(await warn('sre')).toBeUndefined();
  expect(await warn('ops')).toBeUndefined();
  expect(await warn('srre')).toContain('no rule of the policy speaks of role srre');
});
