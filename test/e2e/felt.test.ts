import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { callBroker } from '../../src/control/client.js';
import { startBroker, type TestBroker } from '../helpers/broker.js';
import { running, until } from '../helpers/processes.js';

/**
 * One change, three sessions of the same person on three targets: what it does to what may be typed, to a program that
 * runs, and to being in a session at all. Re-checks are ten minutes apart, so that nothing here is felt by one of them.
 */
const RECHECK = '10m';
/** From the moment something is given for a while to its end: the sessions are opened in it. Unit: s. */
const WHILE_S = 12;

/** `who` may do the three things while `when` holds. */
const policy = (who = 'engineer', when = 'true', more = '') => `
p, login,   engineer, *,         @login,    true, allow, checked
p, in,      engineer, rights,    @session,  true, allow, checked
p, in-2,    engineer, programs,  @session,  true, allow, checked
p, in-3,    engineer, local,     @session,  true, allow, checked
p, in-4,    engineer, *,         @exec,     true, allow, checked
p, base,    engineer, *,         {echo|ls|exit} **, true, allow, checked
p, bracket, *,        *,         [ **,      true, allow, checked
p, touch,   ${who},   rights,    touch **,  "${when}", allow, checked
p, run,     ${who},   programs,  sleep **,  "${when}", allow, checked
p, stay,    ${who},   sessions,  @session,  "${when}", allow, checked
${more}
`;
/** A role that takes away what everyone has. */
const BANNED = `
p, no-touch, banned,  rights,    touch **,  true, deny, checked
p, no-run,   banned,  programs,  sleep **,  true, deny, checked
p, no-stay,  banned,  sessions,  @session,  true, deny, checked
`;

interface Change {
  /** What is so before: the policy, and what it stands on. */
  before(): Promise<void>;
  /** The change; absent: it comes by itself, as time goes by. */
  make?(): Promise<void>;
  /** What the sessions end with that end. */
  cause: 'revoked' | 'context' | 'deadline';
}

describe('whatever changes is felt at once, by rights, by programs that run and by sessions', () => {
  let broker: TestBroker;
  const config = (sensitivity: number) => ({
    session: { recheck: RECHECK },
    labels: { user: { team: 'string' }, device: { managed: 'bool', os: 'string' }, target: { sensitivity: 'int' } },
    targets: Object.fromEntries(['local', 'rights', 'programs', 'sessions'].map((t) => [t, { sensitivity }])),
    context: { feeds: { edr: { push: true, gives: ['device.os'], refresh: `${WHILE_S}s`, timeout: '100ms' } } },
  });
  beforeAll(async () => {
    broker = await startBroker({ policy: policy(), config: config(1) });
  });
  afterAll(() => broker.stop());

  const cli = async (...args: string[]) => {
    const ran = await broker.cli(...args);
    if (ran.code !== 0) throw new Error(`${args.join(' ')}: ${ran.stderr}`);
  };
  const use = async (text: string) => {
    writeFileSync(join(broker.home, 'policies/policy.csv'), text);
    await cli('reload');
  };
  const target = async (sensitivity: number) => {
    const file = join(broker.home, 'sallyport.yaml');
    writeFileSync(file, stringify({ ...parse(readFileSync(file, 'utf8')), ...config(sensitivity) }));
    await cli('reload');
  };
  const grant = (role: string, ...span: string[]) => cli('grant', 'alice', '--role', role, ...span, '--reason', 'test');
  const push = async (os: string) => {
    const file = join(broker.dir, 'push.json');
    writeFileSync(file, JSON.stringify({ users: { alice: { device: { os } } } }));
    await cli('context', 'push', 'edr', file);
  };

  const changes: Record<string, Change> = {
    'a rule': {
      before: () => use(policy()),
      make: () => use(policy('nobody-at-all')),
      cause: 'revoked',
    },
    'a role, by the policy': {
      before: () => use(policy('crew', 'true', 'g, alice, crew')),
      make: () => use(policy('crew')),
      cause: 'revoked',
    },
    'a grant that is revoked': {
      before: async () => {
        await use(policy('crew'));
        await grant('crew', '--for', '1h');
      },
      make: () => cli('revoke', 'alice', '--role', 'crew'),
      cause: 'revoked',
    },
    'a grant that is given, of a role with denials': {
      before: () => use(policy('engineer', 'true', BANNED)),
      make: () => grant('banned', '--for', '1h'),
      cause: 'context',
    },
    'a grant that ends': {
      before: async () => {
        await use(policy('crew'));
        await grant('crew', '--for', `${WHILE_S}s`);
      },
      cause: 'deadline',
    },
    'a label of the user': {
      before: async () => {
        await cli('user', 'label', 'alice', 'team=blue');
        await use(policy('engineer', "user.team == 'blue'"));
      },
      make: () => cli('user', 'label', 'alice', 'team=red'),
      cause: 'context',
    },
    'a label of the target': {
      before: () => use(policy('engineer', 'target.sensitivity < 5')),
      make: () => target(9),
      cause: 'revoked',
    },
    'a fact set by hand': {
      before: async () => {
        await cli('context', 'set', 'alice', 'risk.score=10');
        await use(policy('engineer', 'risk.score < 50.0'));
      },
      make: () => cli('context', 'set', 'alice', 'risk.score=80'),
      cause: 'context',
    },
    'a fact set for a while': {
      before: async () => {
        await use(policy('engineer', 'device.managed'));
        await cli('context', 'set', 'alice', 'device.managed=true', '--for', `${WHILE_S}s`);
      },
      cause: 'context',
    },
    'a fact a feed tells': {
      before: async () => {
        await use(policy('engineer', "device.os == 'linux'"));
        await push('linux');
      },
      make: () => push('dos'),
      cause: 'context',
    },
    'a feed that falls silent': {
      before: async () => {
        await use(policy('engineer', "device.os == 'linux'"));
        await push('linux');
      },
      cause: 'context',
    },
    'a moment of the day': {
      before: () => {
        const end = new Date(Date.now() + WHILE_S * 1_000).toISOString();
        return use(policy('engineer', `time.now < timestamp('${end}')`));
      },
      cause: 'deadline',
    },
  };

  afterEach(async () => {
    for (const { id } of await broker.json<{ id: string }[]>('sessions'))
      await broker.cli('kill', id, '--reason', 'the test is over');
    for (const role of ['crew', 'banned']) await broker.cli('revoke', 'alice', '--role', role);
    for (const fact of ['risk.score=', 'device.managed=']) await broker.cli('context', 'set', 'alice', fact);
    await target(1);
  });

  let number = 7300;
  it.each(Object.entries(changes))('%s', async (_, { before, make, cause }) => {
    number += 1;
    const program = `sleep ${number}`;
    await before();
    const [rights, programs, sessions] = await Promise.all(
      ['rights', 'programs', 'sessions'].map((name) => broker.shell('-l', `alice+${name}`)),
    );
    if (!rights || !programs || !sessions) throw new Error('three sessions');
    await rights.line('touch x && echo made-$((1+1))', 'made-2');
    programs.type(`${program}\r`);
    await until(`${program} runs`, () => running(program).length > 0);
    expect(rights.shown()).not.toContain('your rights changed');
    await make?.();
    const timeoutMs = WHILE_S * 1_000 + 20_000;
    expect(await sessions.exit(timeoutMs)).toBe(254);
    expect(sessions.shown()).toContain(`sallyport: session closed: ${cause}`);
    await programs.waitFor(`sallyport: ended: ${program} (`, { timeoutMs });
    expect(running(program)).toEqual([]);
    await rights.waitFor('sallyport: your rights changed: ', { timeoutMs });
    await rights.line('touch y', /sallyport: denied: touch y \((no rule allows it|no-touch: denied by rule)\)/);
    await programs.line('echo alive-$((1+1))', 'alive-2');
  });

  it('facts that move all the time keep nobody out', async () => {
    await use(policy('engineer', 'risk.score < 50.0'));
    const socket = join(broker.home, 'run/control.sock');
    let over = false;
    let moved = 0;
    const storm = async () => {
      for (; !over; moved += 1) {
        const facts = { 'risk.score': moved % 40 };
        await callBroker(socket, 'context.set', { changes: [{ subject: 'alice', facts }] });
      }
    };
    const moving = Promise.all([storm(), storm()]);
    const runs = await Promise.all(Array.from({ length: 8 }, () => broker.exec('echo in')));
    over = true;
    await moving;
    expect(runs.map(({ stdout, stderr }) => stdout + stderr)).toEqual(Array.from({ length: 8 }, () => 'in\n'));
    expect(moved).toBeGreaterThan(4);
  });

  it.each([['--user', 'alice'], ['--target', 'rights'], ['--everyone']])(
    'a lock %s ends the session',
    async (...what) => {
      await use(policy());
      const shell = await broker.shell('-l', 'alice+rights');
      await cli('lock', ...what, '--reason', 'test');
      expect(await shell.exit(20_000)).toBe(254);
      expect(shell.shown()).toContain('sallyport: session closed: locked');
      const [lock] = await broker.json<{ id: string }[]>('locks');
      await cli('unlock', lock?.id ?? '');
      const again = await broker.shell('-l', 'alice+rights');
      again.type('exit\r');
      await again.exit();
    },
  );
});
