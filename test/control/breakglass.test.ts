import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Caller } from '../../src/control/admin-port.js';
import { KEY, openTestHome, ROOT, type TestHome } from './home.js';

const CONFIG = `
breakglass:
  down: { for: engineer, role: sre, target: 'prod/*', length: 1h }
  here: { for: engineer, role: helper, target: local }
  one:  { for: engineer, role: sre, target: prod/one }
  two:  { for: engineer, role: sre, target: prod/two }
  other: { for: boss, role: sre }
`;
const ALICE: Caller = { uid: 1001, name: 'alice', by: 'self', user: 'alice' };
const HOUR = 3_600_000;

let home: TestHome;
let alarms: string[];

beforeEach(async () => {
  alarms = [];
  home = await openTestHome({
    config: CONFIG,
    more: {
      broker: {
        ...{ pid: 1, startedAt: 0, listen: '127.0.0.1:1', isolation: 'sandbox', limits: '', gate: 'exec' },
        alarm: (text) => alarms.push(text),
      },
    },
  });
  await home.port['user.add']({ name: 'alice', keys: [KEY], roles: [] }, ROOT);
});
afterEach(() => home.close());

const hold = (target = '*', role = 'engineer') =>
  home.port.grant({ user: 'alice', role, target, forMs: 24 * HOUR, reason: 'work' }, ROOT);
const open = (name: string, caller = ALICE) => home.port.breakglass({ name, reason: 'INC-1: all is down' }, caller);
const seals = async () => (await home.port.breakglass({}, ALICE)).seals.map((s) => s.name);

describe('a sealed grant', () => {
  it('is for those who hold its role now, on every target it speaks of', async () => {
    expect(await seals()).toEqual([]);
    await hold('prod/one');
    expect(await seals()).toEqual(['one']);
    await hold('prod/*');
    expect(await seals()).toEqual(['down', 'one', 'two']);
    await hold();
    expect(await seals()).toEqual(['down', 'here', 'one', 'two']);
    await expect(open('other')).rejects.toMatchObject({ code: 'not-found' });
    await expect(open('nosuch')).rejects.toMatchObject({ code: 'not-found' });
  });

  it('is a grant for its length, by its name, in the audit log as what it is, and told loudly', async () => {
    await hold();
    const { grant } = await open('down');
    expect(grant).toMatchObject({ user: 'alice', role: 'sre', target: 'prod/*', by: 'breakglass down' });
    expect(Date.parse(grant?.until ?? '') - Date.parse(grant?.from ?? '')).toBe(HOUR);
    const [entry] = (await home.events()).filter((e) => e.event === 'breakglass');
    expect(entry).toMatchObject({
      by: 'alice',
      user: 'alice',
      reason: 'INC-1: all is down',
      text: 'open down: role sre on prod/* for 1h',
      data: { verb: 'breakglass', seal: 'down', role: 'sre' },
    });
    expect(alarms).toEqual(['BREAKGLASS: alice opened down (role sre on prod/*) for 1h: INC-1: all is down']);
  });

  it('is taken back as any grant, and opened again then', async () => {
    await hold();
    const { grant } = await open('down');
    await expect(open('down')).rejects.toThrow(`open already: grant ${grant?.id}`);
    await home.port.revoke({ subject: grant?.id ?? '' }, ROOT);
    expect((await open('down')).grant?.role).toBe('sre');
  });

  it('is opened three times an hour at most, whichever they are, and over restarts', async () => {
    await hold();
    for (const name of ['down', 'here', 'one']) await open(name);
    await expect(open('two')).rejects.toMatchObject({ code: 'refused' });
    await expect(open('two')).rejects.toThrow('3 were opened within an hour');
    home.clock.advance(HOUR + 1);
    expect((await open('two')).grant?.target).toBe('prod/two');
  });

  it('is not opened twice by two who ask at once', async () => {
    await hold();
    const both = await Promise.allSettled([open('down'), open('down')]);
    expect(both.map((r) => r.status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  it('stays shut for a locked user, for one who gives no reason, and for whoever is no user', async () => {
    await hold();
    await expect(home.port.breakglass({ name: 'down' }, ALICE)).rejects.toMatchObject({ code: 'usage' });
    await expect(open('down', ROOT)).rejects.toMatchObject({ code: 'usage' });
    await home.port.lock({ kind: 'user', subject: 'alice', reason: 'lost laptop' }, ROOT);
    await expect(open('down')).rejects.toThrow('locked: lost laptop');
    expect(alarms).toEqual([]);
  });

  it('is not opened when that cannot be written down, or when the session it was asked from has ended', async () => {
    await hold();
    const ended = () => {
      throw new Error('this session has ended');
    };
    await expect(open('down', { ...ALICE, session: 'x', stands: ended })).rejects.toThrow('has ended');
    home.audit.durable = async () => {
      throw new Error('disk full');
    };
    await expect(open('down')).rejects.toThrow('disk full');
    expect(home.authority.grants({ user: 'alice' }).map((g) => g.role)).toEqual(['engineer']);
    expect(alarms).toEqual([]);
  });
});

describe('whoami', () => {
  it('says who one is, and what one holds until when, from whom and why', async () => {
    await hold('prod/*');
    const who = await home.port.whoami({}, ALICE);
    expect(who).toMatchObject({ user: 'alice', by: 'self', locked: false, mfa: false });
    expect(who.roles).toEqual([
      expect.objectContaining({
        role: 'engineer',
        target: 'prod/*',
        by: 'root',
        reason: 'work',
        until: expect.any(String),
      }),
    ]);
  });

  it('knows root by name, and a role by policy', async () => {
    expect(await home.port.whoami({}, ROOT)).toEqual({ name: 'root', uid: 0, by: 'root' });
    await home.port['user.add']({ name: 'carol', keys: [KEY.replace('eRuW', 'eRuV')], roles: [] }, ROOT);
    const carol = await home.port.whoami({}, { uid: 1002, name: 'carol', by: 'policy', user: 'carol' });
    expect(carol.roles).toEqual([{ role: 'engineer', target: '*', via: 'policy' }]);
  });
});
