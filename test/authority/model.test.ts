import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FakeClock } from '../helpers/fake-clock.js';
import { type Home, home, policyOf, query } from './scene.js';

/** The naive model: a list of what was given, walked whole for every question. */
interface Model {
  grants: { user: string; role: string; target: string; from: number; until: number; revoked: boolean }[];
  locks: { kind: 'user' | 'everyone'; subject: string | undefined; until: number; lifted: boolean }[];
}
interface Real {
  current: Home;
  grantIds: string[];
  lockIds: string[];
}

/** A wall clock set back by this much is seen to be, at the next look a second later. */
const NOTICED_MS = 1_501;
const USERS = ['alice', 'bob'];
const ROLES = ['sre', 'ops', 'reader'];
const TARGETS = ['*', 'prod/*', 'local'];
const POLICY = policyOf(['alice > eng', 'sre > oncall', 'oncall > reader']);
const REACH: Record<string, string[]> = { sre: ['sre', 'oncall', 'reader'], ops: ['ops'], reader: ['reader'] };

const matches = (pattern: string, target: string) =>
  pattern === '*' || pattern === target || (pattern === 'prod/*' && target.startsWith('prod/'));

function naive(model: Model, now: number, user: string, target: string): string[] {
  const byPolicy = user === 'alice' ? ['eng now'] : [];
  const byGrant = model.grants
    .filter((g) => g.user === user && !g.revoked && g.until > now && matches(g.target, target))
    .flatMap((g) => (REACH[g.role] ?? []).map((role) => `${role} ${g.from <= now ? 'now' : 'later'}`));
  return [...byPolicy, ...byGrant].sort();
}

function actual(real: Real, user: string, target: string): string[] {
  const now = real.current.clock.now();
  const { holdings } = real.current.authority.rightsFor(query(user, target));
  return holdings.map((h) => `${h.role} ${(h.from ?? 0) <= now ? 'now' : 'later'}`).sort();
}

function check(model: Model, real: Real): void {
  const { clock, authority, changes } = real.current;
  for (const user of USERS) {
    for (const target of ['local', 'prod/db'])
      expect(actual(real, user, target)).toEqual(naive(model, clock.now(), user, target));
    const locked = model.locks.some((l) => !l.lifted && l.until > clock.now() && (l.subject ?? user) === user);
    expect(authority.lockFor({ user }) !== undefined).toBe(locked);
  }
  expect(changes.map((c) => c.version)).toEqual(changes.map((_, i) => i + 1));
}

type Command = fc.AsyncCommand<Model, Real>;
const command = (name: string, run: (model: Model, real: Real) => Promise<unknown>): Command => ({
  check: () => true,
  run: async (model, real) => {
    await run(model, real);
    check(model, real);
  },
  toString: () => name,
});

const commands = [
  fc
    .record({
      user: fc.constantFrom(...USERS),
      role: fc.constantFrom(...ROLES),
      target: fc.constantFrom(...TARGETS),
      delay: fc.constantFrom(0, 0, 500, 5000),
      length: fc.option(fc.integer({ min: 1, max: 20_000 })),
    })
    .map(({ delay, length, ...what }) =>
      command(`grant ${JSON.stringify(what)} ${delay} ${length}`, async (model, real) => {
        const from = real.current.clock.now() + delay;
        const until = length === null ? {} : { until: from + length };
        const { grant } = await real.current.authority.grant({ ...what, from, ...until, reason: 'r', by: 'root' });
        real.grantIds.push(grant.id);
        model.grants.push({ ...what, from, until: until.until ?? Number.POSITIVE_INFINITY, revoked: false });
      }),
    ),
  fc.nat(20).map((n) =>
    command(`revoke ${n}`, async (model, real) => {
      const grant = model.grants[n];
      if (!grant) return;
      const over = grant.revoked || grant.until <= real.current.clock.now();
      const outcome = real.current.authority.revoke({ grant: real.grantIds[n] ?? '' }, 'root');
      if (over) await expect(outcome).rejects.toMatchObject({ code: 'not-found' });
      else await outcome;
      grant.revoked = true;
    }),
  ),
  fc
    .record({ subject: fc.option(fc.constantFrom(...USERS)), length: fc.option(fc.integer({ min: 1, max: 20_000 })) })
    .map(({ subject, length }) =>
      command(`lock ${subject} ${length}`, async (model, real) => {
        const until = length === null ? {} : { until: real.current.clock.now() + length };
        const what = subject === null ? { kind: 'everyone' as const } : { kind: 'user' as const, subject };
        const { lock } = await real.current.authority.lock({ ...what, ...until, reason: 'r', by: 'root' });
        real.lockIds.push(lock.id);
        model.locks.push({
          kind: what.kind,
          subject: subject ?? undefined,
          until: until.until ?? Number.POSITIVE_INFINITY,
          lifted: false,
        });
      }),
    ),
  fc.nat(20).map((n) =>
    command(`unlock ${n}`, async (model, real) => {
      const lock = model.locks[n];
      if (!lock) return;
      const over = lock.lifted || lock.until <= real.current.clock.now();
      const outcome = real.current.authority.unlock(real.lockIds[n] ?? '', 'root');
      if (over) await expect(outcome).rejects.toMatchObject({ code: 'not-found' });
      else await outcome;
      lock.lifted = true;
    }),
  ),
  fc
    .record({ ms: fc.integer({ min: 1, max: 15_000 }), how: fc.constantFrom('advance', 'suspend', 'jumpWall') })
    .map(({ ms, how }) =>
      command(`${how} ${ms}`, async (_model, { current: { clock } }) => {
        if (how === 'advance') clock.advance(ms);
        else if (how === 'suspend') clock.suspend(ms);
        else if (ms % 2 === 0) clock.jumpWall(ms);
        else {
          // Set back by little it is drift, and what has ended stays so; by more it is noticed within a second.
          clock.jumpWall(-(ms + NOTICED_MS));
          clock.advance(1_000);
        }
      }),
    ),
  fc.constant(
    command('restart', async (_model, real) => {
      const { dir, clock, store } = real.current;
      const { data } = store;
      await real.current.close();
      real.current = await home({ dir, clock: new FakeClock(clock.now()), policy: POLICY });
      expect(real.current.store.data).toEqual(data);
    }),
  ),
];

test('whatever is granted, revoked, locked and lifted, and however time passes, the holdings are those of a naive model', async () => {
  await fc.assert(
    fc.asyncProperty(fc.commands(commands, { maxCommands: 25 }), async (sequence) => {
      const current = await home({ policy: POLICY });
      for (const name of USERS) await current.authority.addUser({ name, by: 'root' });
      const real: Real = { current, grantIds: [], lockIds: [] };
      try {
        await fc.asyncModelRun(() => ({ model: { grants: [], locks: [] }, real }), sequence);
      } finally {
        await real.current.close();
      }
    }),
    { numRuns: 60 },
  );
}, 60_000);
