import { describe, expect, test } from 'vitest';
import { because, held, homesOf, keyOf, kindsOf, MINUTE, policyOf } from './scene.js';

const start = homesOf();

describe('revoke', () => {
  const policy = policyOf(['bob > x', 'alice > lead', 'lead > engineer', 'sre > oncall']);

  test('by id, by a beginning of one, by user, role and target', async () => {
    const h = await start({ policy });
    const a = h.authority;
    await a.addUser({ name: 'alice', by: 'root' });
    const give = async (role: string, target = '*') =>
      (await a.grant({ user: 'alice', role, target, ...because })).grant;
    const [r1, r2, r3, r4] = [await give('sre'), await give('ops', 'prod/*'), await give('ops'), await give('dba')];
    expect((await a.revoke({ grant: r1.id }, 'root')).grants).toMatchObject([
      { id: r1.id, revokedBy: 'root', revokedAt: h.clock.now() },
    ]);
    expect((await a.revoke({ user: 'alice', role: 'ops', target: 'prod/*' }, 'root')).grants.map((g) => g.id)).toEqual([
      r2.id,
    ]);
    expect((await a.revoke({ user: 'alice' }, 'root')).grants.map((g) => g.id)).toEqual([r3.id, r4.id]);
    expect(held(a, 'alice')).toEqual(['engineer@*', 'lead@*']);
    expect(a.grants({ user: 'alice' })).toEqual([]);
    expect(a.grants({ user: 'alice', all: true })).toHaveLength(4);
    const last = await give('dba');
    await expect(a.revoke({ grant: last.id.slice(0, 3) }, 'root')).rejects.toThrow(/beginning of \d+ grant ids/);
  });

  test.each([
    [
      { user: 'alice', role: 'engineer' },
      'alice holds engineer by policy, not by a grant: remove the g row at /p/policy.csv:2',
    ],
    [{ user: 'alice' }, 'alice holds lead by policy'],
    [{ user: 'alice', role: 'nope' }, 'alice holds no grant of nope'],
    [{ user: 'carol', role: 'oncall' }, 'carol holds oncall through grant'],
    [{ user: 'carol', role: 'sre', target: 'prod/*' }, 'carol holds no grant of sre on prod/*'],
    [{ user: 'alise' }, 'no user alise: did you mean alice?'],
    [{ grant: 'zzz' }, 'no grant zzz'],
  ])('%j is not found, with the reason', async (what, message) => {
    const h = await start({ policy });
    await h.authority.addUser({ name: 'alice', by: 'root' });
    await h.authority.addUser({ name: 'carol', roles: ['sre'], by: 'root' });
    await expect(h.authority.revoke(what, 'root')).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining(message),
    });
    expect(h.changes).toHaveLength(2);
  });

  test('of what is over already is not found', async () => {
    const h = await start();
    await h.authority.addUser({ name: 'alice', by: 'root' });
    const { grant } = await h.authority.grant({
      user: 'alice',
      role: 'sre',
      until: h.clock.now() + MINUTE,
      ...because,
    });
    h.clock.advance(MINUTE);
    await expect(h.authority.revoke({ grant: grant.id }, 'root')).rejects.toThrow(/ended at 2026-01-05T09:01/);
    await expect(h.authority.revoke({ user: 'alice' }, 'root')).rejects.toThrow(/holds no grant/);
  });
});

describe('locks', () => {
  test('beat every grant, for a user, a key, a target or everyone, until they end or are lifted', async () => {
    const h = await start({ policy: policyOf([], [], ['db1 > prod/eu']) });
    const a = h.authority;
    await a.addUser({ name: 'alice', keys: [keyOf(1)], roles: ['sre'], by: 'root' });
    const who = { user: 'alice', key: keyOf(1).fp, target: 'db1' };
    expect(a.lockFor(who)).toBeUndefined();
    for (const [kind, subject] of [
      ['user', 'alice'],
      ['key', keyOf(1).fp],
      ['target', 'prod/*'],
      ['everyone', undefined],
    ] as const) {
      const { lock, change } = await a.lock({ kind, ...(subject === undefined ? {} : { subject }), ...because });
      expect(a.lockFor(who)?.id).toBe(lock.id);
      expect(change.users).toEqual(kind === 'user' || kind === 'key' ? new Set(['alice']) : 'all');
      expect(a.lockFor({ user: 'bob', key: keyOf(2).fp, target: 'local' })?.id).toBe(
        kind === 'everyone' ? lock.id : undefined,
      );
      await a.unlock(lock.id.slice(0, 26), 'root');
      expect(a.lockFor(who)).toBeUndefined();
    }
    await a.lock({ kind: 'everyone', until: h.clock.now() + MINUTE, ...because });
    h.clock.advance(MINUTE);
    expect(a.lockFor(who)).toBeUndefined();
    expect(kindsOf(h).at(-1)).toBe('lock-ended');
    expect(a.locks()).toEqual([]);
    expect(a.locks(true)).toHaveLength(5);
  });

  test.each([
    [{ kind: 'user' as const }, 'must name it'],
    [{ kind: 'user' as const, subject: 'nobody' }, 'no user nobody'],
    [{ kind: 'everyone' as const, subject: 'alice' }, 'names nobody'],
    [{ kind: 'key' as const, subject: 'MD5:aa' }, 'fingerprint'],
    [{ kind: 'target' as const, subject: '../x' }, 'target patterns'],
    [{ kind: 'everyone' as const, until: 5 }, 'must lie after'],
  ])('%j is refused', async (input, message) => {
    const h = await start();
    await expect(h.authority.lock({ ...input, ...because })).rejects.toThrow(message);
    expect(h.changes).toEqual([]);
  });
});
