import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBroker, type TestBroker } from '../helpers/broker.js';

/** Every kind of condition of the policy reference, on commands and on @session. */
const POLICY = `
p, login,   engineer, *, @login,               "cidr(source.ip, '127.0.0.0/8')",                     allow, checked
p, session, engineer, *, @session,             "!has(risk.score) || risk.score < 90.0",              allow, checked
p, exec,    engineer, *, @exec,                true,                                                 allow, checked
p, look,    engineer, *, {id|ls|cat|echo|sleep|true|exit} **, true,                                  allow, checked
p, calm,    engineer, *, touch **,             risk.score < 50.0,                                    allow, checked
p, device,  engineer, *, mkdir **,             device.managed,                                       allow, checked
p, team,    engineer, *, rmdir **,             user.team == 'blue' && target.sensitivity < 2,        allow, checked
p, fresh,   engineer, *, ln **,                mfa.age < duration('15m') && risk.score < 50.0,       allow, checked
p, abroad,  *,        *, stat **,              source.country != 'DE',                               deny,  checked
p, stat,    engineer, *, stat **,              true,                                                 allow, checked
p, test,    *,        *, [ **,                 true,                                                 allow, checked
`;

describe('facts change inside a living session', () => {
  let broker: TestBroker;
  beforeAll(async () => {
    broker = await startBroker({ policy: POLICY, config: { labels: { user: { team: 'string' } } } });
  });
  afterAll(() => broker.stop());
  const set = (...words: string[]) => broker.cli('context', 'set', 'alice', ...words);

  it('a right comes with a fact and vanishes with another, the shell lives on, and the session is named', async () => {
    const shell = await broker.shell();
    await shell.line('touch a', 'sallyport: denied: touch a (no rule allows it)');
    const [session] = await broker.json<{ id: string }[]>('sessions');
    const calm = await set('risk.score=10');
    expect(calm).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`session ${session?.id} of alice has new rights`),
    });
    await shell.line('touch b && echo made-$((1+1))', 'made-2');
    await set('risk.score=80');
    await shell.line('touch c', 'sallyport: denied: touch c (no rule allows it)');
    await set('device.managed=true');
    await shell.line('mkdir d && echo made-$((1+2))', 'made-3');
    expect((await set('device.managed=')).stdout).toContain('device.managed is not set any more');
    await shell.line('mkdir e', 'sallyport: denied: mkdir e (no rule allows it)');
    await broker.cli('user', 'label', 'alice', 'team=blue');
    await shell.line('rmdir d && echo gone-$((1+3))', 'gone-4');
    await broker.cli('user', 'label', 'alice', 'team=');
    await shell.line('rmdir d', 'sallyport: denied: rmdir d (no rule allows it)');
    shell.type('exit\r');
    await shell.exit();
  });

  it('the engineer is told in one line, and once for what comes and goes within seconds', async () => {
    const shell = await broker.shell();
    await set('risk.score=10');
    await shell.waitFor('sallyport: your rights changed: risk.score is now 10', { timeoutMs: 20_000 });
    for (const score of [20, 60, 20, 70]) await set(`risk.score=${score}`);
    await shell.waitFor('sallyport: your rights changed: risk.score is now 70', { timeoutMs: 20_000 });
    expect(shell.shown()).not.toMatch(/is now [26]0/);
    await broker.cli('grant', 'alice', '--role', 'unheard-of', '--for', '1h', '--reason', 'gives nothing');
    await set('device.managed=true', 'risk.score=');
    await shell.waitFor(/your rights changed: (device.managed is now true|risk.score is not known any more)/, {
      timeoutMs: 20_000,
    });
    expect(shell.shown()).not.toContain('unheard-of');
    await set('device.managed=');
    shell.type('exit\r');
    await shell.exit();
  });

  it('a missing fact is false in an allow row and true in a deny row', async () => {
    const shell = await broker.shell();
    await shell.line('ln x y', 'sallyport: denied: ln x y (no rule allows it)');
    await shell.line('stat x', 'sallyport: denied: stat x (abroad: denied by rule)');
    shell.type('exit\r');
    await shell.exit();
  });

  it('a fact that fails @session ends the session with cause context, and says so to both', async () => {
    const shell = await broker.shell();
    const shown = await broker.json<{ facts: { name: string; value: unknown; source: string; state: string }[] }>(
      ...['context', 'show', (await broker.json<{ id: string }[]>('sessions'))[0]?.id ?? ''],
    );
    expect(shown.facts.find((f) => f.name === 'source.ip')).toMatchObject({ value: '127.0.0.1', state: 'in force' });
    expect(shown.facts.find((f) => f.name === 'source.country')).toMatchObject({ state: 'missing' });
    const risky = await set('risk.score=95', '--for', '1h');
    expect(risky.stdout).toMatch(/session \S+ of alice ended \(context\)/);
    expect(await shell.exit()).toBe(254);
    expect(shell.shown()).toContain('sallyport: session closed: context');
    expect((await broker.exec('id')).code).toBe(255);
    expect((await broker.cli('context', 'show', 'alice')).stdout).toMatch(/risk\.score +95 +set by .*in force, until/);
  });

  it('facts set by hand survive a restart, and are unset again', async () => {
    await set('risk.score=95');
    await broker.restart();
    expect((await broker.exec('id')).code).toBe(255);
    await set('risk.score=');
    expect((await broker.exec('id')).code).toBe(0);
  });

  it.each([
    [['risk.score=high'], 2, 'risk.score is of type double'],
    [['mfa.age=10'], 2, 'mfa.age cannot be set'],
    [['device.manged=true'], 2, 'did you mean device.managed?'],
    [['risk.score'], 2, 'write KEY=VALUE'],
    [['risk.score='], 3, 'is not set by hand'],
  ])('context set alice %j is one line that says why', async (words, code, message) => {
    const ran = await set(...words);
    expect(ran).toMatchObject({ code, stderr: expect.stringContaining(message) });
    expect(ran.stderr.trim().split('\n')).toHaveLength(1);
  });
});
