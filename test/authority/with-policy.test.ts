import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { sessionDeadlines } from '../../src/authority/index.js';
import { type CompiledPolicy, compilePolicy, compileRights } from '../../src/policy/index.js';
import { HOUR, type Home, home, query } from './scene.js';

const root = resolve(import.meta.dirname, '../..');
const yaml = 'session: { hard: 8h, roles: { sre: { hard: 2h } } }\nlabels: { user: { team: string } }';

function compiled(policyText: string): CompiledPolicy {
  const { policy, problems } = compilePolicy({
    modelText: readFileSync(join(root, 'policies/model.conf'), 'utf8'),
    modelFile: 'model.conf',
    policyText,
    policyFile: '/p/policy.csv',
    labels: { user: { team: 'string' }, target: { sensitivity: 'int' }, device: { managed: 'bool' } },
  });
  if (!policy) throw new Error(JSON.stringify(problems));
  return policy;
}

const RULES = `p, work, engineer, *, @session, time.hour < 17, allow, checked
p, del, sre, local, kubectl delete **, user.team == 'db', allow, checked
g, alice, engineer
g, sre, oncall
`;

let h: Home | undefined;
afterEach(async () => h?.close());

async function started(): Promise<Home> {
  h = await home({ yaml, policy: compiled(RULES) });
  await h.authority.addUser({ name: 'alice', labels: { team: 'db' }, by: 'root' });
  return h;
}
const SESSION = { kind: 'action', action: '@session' } as const;
const DELETE = { kind: 'command', words: ['kubectl', 'delete', 'x'].map((text) => ({ text })), builtin: true } as const;
const asked = { ...DELETE, words: [...DELETE.words] };

test('what the authority says is what the policy decides by: a grant counts while it lasts', async () => {
  const { authority, clock } = await started();
  const decide = async () =>
    (await compileRights(authority.rightsFor(query('alice')))).decide(asked, clock.now()).allow;
  expect(await decide()).toBe(false);
  await authority.grant({ user: 'alice', role: 'sre', until: clock.now() + HOUR, reason: 'r', by: 'root' });
  expect(await decide()).toBe(true);
  const before = await compileRights(authority.rightsFor(query('alice')));
  clock.advance(HOUR);
  expect(before.decide(asked, clock.now()).allow).toBe(false);
  expect(await decide()).toBe(false);
});

test('a session ends at the earliest of its limits and the edges of @session', async () => {
  const { authority, clock, config } = await started();
  const startedAt = clock.now();
  const deadlines = async () => {
    const rights = await compileRights(authority.rightsFor({ ...query('alice'), startedAt }));
    return sessionDeadlines({ config, compiled: rights, startedAt, now: clock.now() });
  };
  // Admitted at 9:00: eight hours would be 17:00 sharp, which is the edge as well.
  expect(await deadlines()).toMatchObject({ hardAt: startedAt + 8 * HOUR, hardCause: 'deadline' });
  clock.advance(HOUR);
  await authority.grant({ user: 'alice', role: 'sre', reason: 'r', by: 'root' });
  expect((await deadlines()).hardAt).toBe(startedAt + 3 * HOUR);
  await authority.revoke({ user: 'alice', role: 'sre' }, 'root');
  await authority.setConfig({ ...config, timezone: 'Europe/Berlin' });
  expect((await deadlines()).hardAt).toBe(startedAt + 7 * HOUR);
});

test('an edit of the policy shows in the next rights, and a role it gives is not a grant to revoke', async () => {
  const { authority, clock } = await started();
  await authority.setPolicy(compiled(RULES.replace('g, alice, engineer', '')));
  const rights = await compileRights(authority.rightsFor(query('alice')));
  expect(rights.decide(SESSION, clock.now()).allow).toBe(false);
  await authority.setPolicy(compiled(RULES));
  await expect(authority.revoke({ user: 'alice', role: 'engineer' }, 'root')).rejects.toMatchObject({
    code: 'not-found',
    message: 'alice holds engineer by policy, not by a grant: remove the g row at /p/policy.csv:3 and reload',
  });
});
