import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/index.js';
import { newId } from '../../src/core/ids.js';
import { HOUR, type Home, held, home, MINUTE, policyOf } from './scene.js';

const POLICY = policyOf([], ['sre', 'dba']);

let h: Home;
beforeEach(async () => {
  h = await home({ policy: POLICY });
  for (const name of ['alice', 'bob', 'carol']) await h.authority.addUser({ name, by: 'test' });
});
afterEach(() => h.close());

const ask = (over = {}) =>
  h.authority.askForRole({
    ...{ id: newId(), user: 'alice', role: 'sre', target: 'prod/*', forMs: HOUR, reason: 'a fix' },
    ...over,
  });
const asked = async (over = {}) => (await ask(over)).request.id;
const by = (name: string, id: string, why?: string) => ({
  ...{ id, by: name, user: name, names: new Set([name]) },
  ...(why === undefined ? {} : { why }),
});
const approve = (id: string, name = 'carol') => h.authority.approveRequest(by(name, id));
const refuse = (id: string, name = 'carol') => h.authority.refuseRequest(by(name, id, 'no'));
const stateOf = (id: string) => h.authority.requests(true).find((r) => r.id === id)?.state;

describe('asking for a role', () => {
  it('waits, and changes nobody’s rights', async () => {
    const { request, change } = await ask();
    expect(request).toMatchObject({
      user: 'alice',
      state: 'waiting',
      at: h.clock.now(),
      expiresAt: h.clock.now() + 24 * HOUR,
    });
    expect(change).toMatchObject({ kind: 'request', users: new Set() });
    expect(h.authority.requests()).toEqual([request]);
    expect(held(h.authority, 'alice', 'prod/eu')).toEqual([]);
  });

  it.each([
    ['a role no rule speaks of', { role: 'nosuch' }, /no rule of the policy speaks of role nosuch/],
    ['a target that is no pattern', { target: 'Prod' }, /target patterns are/],
    ['too long a time', { forMs: 9 * HOUR }, /9h is too long to ask for: at most 8h/],
    ['no time', { forMs: 0 }, /no time at all/],
    ['no reason', { reason: ' ' }, /must say why/],
    ['a user who is not there', { user: 'nobody' }, /no user nobody/],
  ])('is refused for %s', async (_what, over, message) => {
    await expect(ask(over)).rejects.toThrow(message);
    expect(h.authority.requests(true)).toEqual([]);
  });

  it('is refused while the same one waits, and when too many do', async () => {
    const id = await asked();
    await expect(ask({ forMs: MINUTE })).rejects.toThrow(`request ${id} for role sre on prod/* waits already`);
    await ask({ user: 'bob' });
    for (let i = 1; i < 10; i += 1) await ask({ target: `t${i}` });
    await expect(ask({ target: 'more' })).rejects.toThrow(/alice has 10 requests waiting, the most at once/);
    await h.authority.withdrawRequest({ id, user: 'alice' });
    await ask();
  });

  it('is refused for a role that the configuration does not name', async () => {
    await h.authority.setConfig(parseConfig('requests: { roles: [dba] }', '/h'));
    await expect(ask()).rejects.toThrow('role sre cannot be asked for here: dba can');
    await ask({ role: 'dba' });
  });

  it('is refused to one who asks all the time', async () => {
    for (let i = 0; i < 30; i += 1) await h.authority.withdrawRequest({ id: await asked(), user: 'alice' });
    await expect(ask()).rejects.toThrow(/asked 30 times within an hour/);
    h.clock.advance(HOUR);
    await ask();
  });
});

describe('an approval', () => {
  it('makes a grant from that moment, with both names and the request on it', async () => {
    const id = await asked();
    h.clock.advance(10 * MINUTE);
    const { grant, request, change } = await approve(id);
    const now = h.clock.now();
    expect(grant).toMatchObject({
      user: 'alice',
      by: 'carol',
      request: id,
      from: now,
      until: now + HOUR,
      reason: 'a fix',
    });
    expect(request).toMatchObject({ state: 'approved', by: 'carol', grant: grant.id, decidedAt: now });
    expect(change).toMatchObject({ kind: 'grant', users: new Set(['alice']), grants: [grant] });
    expect(held(h.authority, 'alice', 'prod/eu')).toEqual(['sre@prod/*']);
    h.clock.advance(HOUR);
    expect(held(h.authority, 'alice', 'prod/eu')).toEqual([]);
  });

  it('is nobody’s for themselves, under none of their names', async () => {
    const id = await asked();
    await expect(approve(id, 'alice')).rejects.toThrow(/is your own: another person must approve it/);
    const asRoot = { id, by: 'root', names: new Set(['root', 'alice']) };
    await expect(h.authority.approveRequest(asRoot)).rejects.toThrow(/is your own/);
    await expect(h.authority.refuseRequest({ ...asRoot, why: 'x' })).rejects.toThrow(/request --withdraw/);
    expect(stateOf(id)).toBe('waiting');
  });

  it('is one person’s: the second gets a clear line', async () => {
    const id = await asked();
    const both = await Promise.allSettled([approve(id, 'bob'), approve(id, 'carol')]);
    expect(both.map((r) => r.status)).toEqual(['fulfilled', 'rejected']);
    await expect(approve(id)).rejects.toThrow(/was approved by bob at .*: nothing to decide/);
    expect(h.authority.grants({ user: 'alice' })).toHaveLength(1);
  });

  it('of a locked person, or one who is gone, does not count', async () => {
    const id = await asked();
    const { lock } = await h.authority.lock({ kind: 'user', subject: 'carol', reason: 'lost laptop', by: 'root' });
    await expect(approve(id)).rejects.toThrow('approve: carol is locked: lost laptop');
    await h.authority.unlock(lock.id, 'root');
    await h.authority.removeUser({ user: 'carol', by: 'root' });
    await expect(approve(id)).rejects.toThrow(/no user carol any more/);
    await approve(id, 'bob');
  });

  it('for a person locked meanwhile is refused, with why; for one removed the request is gone', async () => {
    const id = await asked();
    const { lock } = await h.authority.lock({ kind: 'user', subject: 'alice', reason: 'leaving', by: 'root' });
    await expect(approve(id)).rejects.toThrow(/alice is locked \(leaving\): unlock/);
    await h.authority.unlock(lock.id, 'root');
    await h.authority.removeUser({ user: 'alice', by: 'root' });
    await expect(approve(id)).rejects.toThrow(/was withdrawn by root at .* \(the user was removed\)/);
    // Whoever is given the name later has asked for nothing.
    await h.authority.addUser({ name: 'alice', by: 'root' });
    await expect(approve(id)).rejects.toThrow(/withdrawn/);
  });

  it('for a role that cannot be asked for any more is refused', async () => {
    const id = await asked();
    await h.authority.setConfig(parseConfig('requests: { roles: [] }', '/h'));
    await expect(approve(id)).rejects.toThrow(/role sre cannot be asked for any more: refuse it/);
  });

  it('for a role the policy has forgotten is refused', async () => {
    const id = await asked();
    await h.authority.setPolicy(policyOf([], ['dba']));
    await expect(approve(id)).rejects.toThrow(/no rule of the policy speaks of role sre any more/);
  });

  it('that cannot be written is taken back: the request waits again', async () => {
    const id = await asked();
    mkdirSync(join(h.dir, 'store.json.tmp', 'x'), { recursive: true });
    const approved = approve(id);
    expect(stateOf(id)).toBe('approved');
    await expect(approved).rejects.toThrow(/could not be written, nothing was changed/);
    rmSync(join(h.dir, 'store.json.tmp'), { recursive: true });
    expect(stateOf(id)).toBe('waiting');
    expect(held(h.authority, 'alice', 'prod/eu')).toEqual([]);
    await approve(id, 'bob');
  });
});

describe('a request', () => {
  it('expires, as a change that concerns nobody’s rights, and cannot be approved from then on', async () => {
    const id = await asked();
    h.clock.advance(24 * HOUR - 1);
    expect(h.authority.requests()).toHaveLength(1);
    const before = h.changes.length;
    h.clock.advance(1);
    expect(h.changes.slice(before)).toMatchObject([{ kind: 'request-expired', users: new Set(), requests: [{ id }] }]);
    expect(h.authority.requests()).toEqual([]);
    await expect(approve(id)).rejects.toThrow(/expired at/);
    // It is in nobody's way.
    await ask();
  });

  it('that expired while nobody looked is told of once, and stays expired whatever the clock says', async () => {
    const id = await asked();
    const { dir, clock } = h;
    await h.close();
    clock.advance(25 * HOUR);
    h = await home({ policy: POLICY, dir, clock });
    expect(await h.authority.expireRequests()).toMatchObject([{ id, state: 'expired' }]);
    expect(await h.authority.expireRequests()).toEqual([]);
    clock.jumpWall(-5 * HOUR);
    clock.advance(2_000);
    await expect(approve(id)).rejects.toThrow(/expired at/);
  });

  it('that was decided does not expire', async () => {
    await refuse(await asked());
    const before = h.changes.length;
    h.clock.advance(24 * HOUR);
    expect(h.changes.slice(before)).toEqual([]);
  });

  it('is withdrawn by the one who asked alone', async () => {
    const id = await asked();
    await expect(h.authority.withdrawRequest({ id, user: 'bob' })).rejects.toThrow(/is alice's: only they withdraw it/);
    await h.authority.withdrawRequest({ id, user: 'alice' });
    await expect(refuse(id)).rejects.toThrow(/was withdrawn by alice/);
  });

  it('survives a restart, with its end', async () => {
    const id = await asked();
    const { dir, clock } = h;
    await h.close();
    clock.advance(23 * HOUR);
    h = await home({ policy: POLICY, dir, clock });
    expect(h.authority.requests()).toMatchObject([{ id, state: 'waiting' }]);
    clock.advance(HOUR);
    expect(h.changes).toMatchObject([{ kind: 'request-expired' }]);
  });

  it('is not asked of a store of before there were any', async () => {
    const { dir, clock } = h;
    await h.close();
    const file = join(dir, 'store.json');
    const { requests, ...older } = JSON.parse(readFileSync(file, 'utf8'));
    expect(requests).toEqual([]);
    writeFileSync(file, JSON.stringify(older));
    h = await home({ policy: POLICY, dir, clock });
    await ask();
  });

  it('is forgotten as long after it was decided as the configuration says', async () => {
    await h.authority.setConfig(parseConfig('retention: 30d', '/h'));
    const old = await asked();
    await refuse(old);
    h.clock.advance(29 * 24 * HOUR);
    const newer = await asked();
    expect(h.authority.requests(true).map((r) => r.id)).toEqual([old, newer]);
    h.clock.advance(2 * 24 * HOUR);
    await ask({ user: 'bob' });
    expect(h.authority.requests(true).map((r) => r.id)).not.toContain(old);
    expect(stateOf(newer)).toBe('waiting');
  });
});

it('whatever people do and in whatever order, nothing is both approved and refused, nor granted twice, nor by its own', async () => {
  const step = fc.record({
    what: fc.constantFrom('ask', 'approve', 'refuse', 'withdraw', 'wait', 'lock'),
    who: fc.constantFrom('alice', 'bob', 'carol'),
    which: fc.nat(4),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const one = await home({ policy: POLICY });
      try {
        for (const name of ['alice', 'bob', 'carol']) await one.authority.addUser({ name, by: 'test' });
        const ends = await play(one, steps);
        for (const request of one.authority.requests(true)) {
          const own = ends.get(request.id) ?? [];
          expect(own.length).toBeLessThanOrEqual(1);
          const grants = one.authority.grants({ all: true }).filter((g) => g.request === request.id);
          expect(grants.length).toBe(own[0] === 'approved' ? 1 : 0);
          for (const grant of grants) expect(grant.by).not.toBe(request.user);
        }
      } finally {
        await one.close();
      }
    }),
    { numRuns: 40 },
  );
}, 60_000);

interface Step {
  what: string;
  who: string;
  which: number;
}

/** What became of each request, by its id, every success noted. */
async function play({ authority, clock }: Home, steps: Step[]): Promise<Map<string, string[]>> {
  const ids: string[] = [];
  const ends = new Map<string, string[]>();
  const note = (id: string, end: string) => ends.set(id, [...(ends.get(id) ?? []), end]);
  const acts: Record<string, (who: string, id: string) => Promise<unknown>> = {
    ask: async (user) => {
      const input = { user, role: 'sre', target: '*', forMs: HOUR, reason: 'x' };
      ids.push((await authority.askForRole({ id: newId(), ...input })).request.id);
    },
    approve: async (who, id) => note((await authority.approveRequest(by(who, id))).request.id, 'approved'),
    refuse: async (who, id) => note((await authority.refuseRequest(by(who, id, 'no'))).request.id, 'refused'),
    withdraw: async (user, id) => note((await authority.withdrawRequest({ id, user })).request.id, 'withdrawn'),
    lock: (subject) => authority.lock({ kind: 'user', subject, reason: 'x', by: 'root', until: clock.now() + MINUTE }),
    wait: async () => clock.advance(6 * HOUR),
  };
  // Two at a time, so that they meet.
  for (let at = 0; at < steps.length; at += 2)
    await Promise.allSettled(
      steps
        .slice(at, at + 2)
        .map(({ what, who, which }) => acts[what]?.(who, ids[which % Math.max(1, ids.length)] ?? '')),
    );
  return ends;
}
