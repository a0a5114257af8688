import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KEY, openTestHome, POLICY, ROOT, type TestHome, wholeStatus } from './home.js';

let home: TestHome;

beforeEach(async () => {
  home = await openTestHome();
});
afterEach(() => home.close());

const addAlice = (roles: string[] = []) => home.port['user.add']({ name: 'alice', keys: [KEY], roles }, ROOT);
const grant = (more: object = {}) =>
  home.port.grant({ user: 'alice', role: 'engineer', target: '*', forMs: 3_600_000, reason: 'INC-1', ...more }, ROOT);

describe('an admin act', () => {
  it('is in the audit log, with its caller and reason, before it takes effect', async () => {
    await addAlice();
    const seen: string[] = [];
    home.authority.onChange(() => seen.push('effect'));
    const append = home.audit.append.bind(home.audit);
    home.audit.append = (entry) => {
      seen.push(`trace of ${entry.by}: ${entry.text} (${entry.reason})`);
      return append(entry);
    };
    await grant();
    expect(seen).toEqual(['trace of root: grant alice role engineer on * (INC-1)', 'effect']);
  });

  it('does not happen when its trace cannot be made durable', async () => {
    await addAlice();
    home.audit.durable = async () => {
      throw new Error('disk full');
    };
    await expect(grant()).rejects.toThrow('disk full');
    expect(home.authority.grants({ user: 'alice' })).toEqual([]);
  });

  it('that fails leaves a second trace saying so', async () => {
    await addAlice();
    await expect(addAlice()).rejects.toThrow();
    const [, second, third] = await home.events();
    expect(second?.text).toBe('add user alice');
    expect(third).toMatchObject({ event: 'admin', allow: false });
    expect(third?.text).toContain('failed');
  });

  it('answers when live sessions have followed it, and names them', async () => {
    await home.close();
    const effects = [{ id: 'x', user: 'alice', outcome: 'ended', cause: 'locked' } as const];
    home = await openTestHome({ live: { settle: async (change) => (change.kind === 'lock' ? [...effects] : []) } });
    await addAlice();
    const { effects: named } = await home.port.lock({ kind: 'user', subject: 'alice', reason: 'lost laptop' }, ROOT);
    expect(named).toEqual(effects);
  });
});

describe('grants', () => {
  it('end where --for or --until says, and never in the past', async () => {
    await addAlice();
    const now = home.clock.now();
    expect((await grant({ forMs: 90_000 })).grant.until).toBe(new Date(now + 90_000).toISOString());
    const past = { forMs: undefined, until: new Date(now - 1).toISOString() };
    await expect(grant(past)).rejects.toMatchObject({ code: 'usage' });
    await expect(grant({ until: new Date(now + 1000).toISOString() })).rejects.toMatchObject({ code: 'usage' });
    await expect(grant({ forMs: Number.MAX_SAFE_INTEGER })).rejects.toMatchObject({ code: 'usage' });
  });

  it('are revoked by the beginning of their id, unless several begin so', async () => {
    await addAlice();
    const { grant: one } = await grant();
    const { grant: two } = await grant({ role: 'helper' });
    await expect(home.port.revoke({ subject: one.id.slice(0, 4) }, ROOT)).rejects.toThrow('give more of the id');
    const { grants } = await home.port.revoke({ subject: one.id }, ROOT);
    expect(grants.map((g) => g.id)).toEqual([one.id]);
    expect((await home.port.grants({ all: false }, ROOT)).grants.map((g) => g.id)).toEqual([two.id]);
    await home.port.revoke({ subject: 'alice', role: 'helper' }, ROOT);
    expect((await home.port.grants({ all: false }, ROOT)).grants).toEqual([]);
    expect((await home.port.grants({ all: true }, ROOT)).grants).toHaveLength(2);
  });

  it('of unknown users, and unknown users themselves, are not found', async () => {
    for (const work of [
      () => grant(),
      () => home.port.revoke({ subject: 'nobody-here' }, ROOT),
      () => home.port['user.show']({ name: 'alice' }, ROOT),
      () => home.port['user.remove']({ name: 'alice' }, ROOT),
      () => home.port['user.key-remove']({ name: 'alice', fp: 'SHA256:x' }, ROOT),
      () => home.port.unlock({ id: '01' }, ROOT),
      () => home.port.kill({ id: '01', reason: 'x' }, ROOT),
      () => home.port.session({ id: '01' }, ROOT),
    ])
      await expect(work()).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('users', () => {
  it('show their keys, the roles of the policy, their grants and whether they are locked', async () => {
    const { user } = await addAlice(['engineer']);
    expect(user).toMatchObject({ name: 'alice', locked: false, roles: [] });
    expect(user.keys[0]).toMatchObject({ type: 'ssh-ed25519', comment: 'alice@desk' });
    expect(user.grants).toMatchObject([{ role: 'engineer', target: '*' }]);
    expect(user.grants[0]).not.toHaveProperty('until');
    await home.port.lock({ kind: 'everyone', reason: 'fire' }, ROOT);
    expect((await home.port['user.show']({ name: 'alice' }, ROOT)).user.locked).toBe(true);
    expect((await home.port['user.show']({ name: 'alice' }, ROOT)).user).not.toHaveProperty('keys.0.data');
  });

  it('never get account 0, and none of their own in the sandbox', async () => {
    const add = (account: string) => home.port['user.add']({ name: 'bob', keys: [KEY], roles: [], account }, ROOT);
    await expect(add('root')).rejects.toThrow('account 0');
    await home.close();
    home = await openTestHome({ more: { sandboxed: true } });
    await expect(add('nobody')).rejects.toMatchObject({ code: 'usage' });
  });

  it('refuse keys that are no public keys', async () => {
    const keys = ['ssh-ed25519 not-base64'];
    await expect(home.port['user.add']({ name: 'bob', keys, roles: [] }, ROOT)).rejects.toThrow();
    expect(home.authority.user('bob')).toBeUndefined();
  });
});

describe('reload', () => {
  const write = (text: string) => writeFileSync(join(home.dir, 'policies/policy.csv'), text);

  it('puts a changed policy in force, once', async () => {
    write(`${POLICY}\np, more, engineer, *, @exec, true, allow, checked\n`);
    const first = await home.port.reload({}, ROOT);
    expect(first).toMatchObject({ ok: true, changed: true });
    expect(home.settled.map((c) => c.kind)).toEqual(['policy']);
    expect(await home.port.reload({}, ROOT)).toMatchObject({ ok: true, changed: false, digest: first.digest });
  });

  it('keeps the last good policy and names file and line of a bad one', async () => {
    const before = await wholeStatus(home);
    write('p, broken, engineer, *, *, tru, allow, checked\n');
    const reply = await home.port.reload({}, ROOT);
    expect(reply).toMatchObject({ ok: false, changed: false, digest: before.policy.digest, effects: [] });
    expect(reply.problems[0]).toMatchObject({ line: 1, severity: 'error' });
    expect(home.settled).toEqual([]);
  });

  it('takes over configuration and policy together, or neither', async () => {
    await home.close();
    const used: string[] = [];
    const broker = {
      pid: 1,
      startedAt: 0,
      listen: 'x:1',
      isolation: 'account',
      limits: 'rlimit',
      gate: 'exec',
    } as const;
    const useConfig = ({ timezone }: { timezone: string }) => void used.push(timezone);
    home = await openTestHome({ more: { broker: { ...broker, useConfig } } });
    writeFileSync(join(home.dir, 'sallyport.yaml'), 'timezone: Nowhere/Atall\n');
    expect(await home.port.reload({}, ROOT)).toMatchObject({ ok: false, changed: false });
    expect(used).toEqual([]);
    writeFileSync(join(home.dir, 'sallyport.yaml'), 'timezone: Europe/Berlin\n');
    expect(await home.port.reload({}, ROOT)).toMatchObject({ ok: true, changed: true });
    expect(used).toEqual(['Europe/Berlin']);
  });
});

it('status tells what the audit log takes, and what is left for it', async () => {
  const { audit } = (await home.port.status({}, ROOT)) as { audit: object };
  expect(audit).toMatchObject({ healthy: true, bytes: expect.any(Number), freeBytes: expect.any(Number) });
});

describe('explain', () => {
  const explain = (words: string[], facts = {}) =>
    home.port.explain({ user: 'alice', target: 'local', words, facts }, ROOT);

  it('finds every command of a line, and denies the line for one of them', async () => {
    await addAlice(['engineer']);
    const reply = await explain(['ls && rm -rf /']);
    expect(reply.allow).toBe(false);
    expect(reply.commands).toHaveLength(2);
    expect(reply.text).toContain('no-wipe');
    expect((await explain(['ls && rm x'])).allow).toBe(true);
  });

  it('takes several words as one argv, and @names as actions', async () => {
    await addAlice(['engineer']);
    expect((await explain(['echo', 'rm -rf /; x'])).commands).toHaveLength(1);
    expect((await explain(['@session'])).allow).toBe(true);
    expect((await explain(['@admin:lock'])).allow).toBe(false);
  });

  it('plays with facts set by hand', async () => {
    await addAlice(['engineer']);
    expect((await explain(['reboot'])).allow).toBe(true);
    expect((await explain(['reboot'], { 'risk.score': 80 })).allow).toBe(false);
    await expect(explain(['reboot'], { 'risk.scroe': 80 })).rejects.toMatchObject({ code: 'usage' });
    await expect(explain(['reboot'], { 'target.sensitivity': 'high' })).rejects.toMatchObject({ code: 'usage' });
  });

  it('says why nobody knows a fact', async () => {
    await addAlice(['engineer']);
    const { text, commands } = await explain(['reboot']);
    expect(text).toContain(
      'fact risk.score is missing: no feed gives it and nobody has set it: sallyport context set alice risk.score=VALUE',
    );
    expect(commands[0]).toMatchObject({ missing: [{ fact: 'risk.score' }] });
  });

  it('says that a lock beats every rule', async () => {
    await addAlice(['engineer']);
    await home.port.lock({ kind: 'user', subject: 'alice', reason: 'lost laptop' }, ROOT);
    const reply = await explain(['ls']);
    expect(reply.allow).toBe(false);
    expect(reply.text).toContain('lost laptop');
  });
});
