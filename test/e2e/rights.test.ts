import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBroker, type TestBroker } from '../helpers/broker.js';

/** A viewer may look, an engineer may touch too; both may come in. */
const POLICY = `
p, in-1,    viewer,   *, @login,                   true, allow, checked
p, in-2,    viewer,   *, @session,                 true, allow, checked
p, in-3,    viewer,   *, @exec,                    true, allow, checked
p, look,    viewer,   *, {id|ls|cat|echo|sleep|exit} **, true, allow, checked
p, touch,   toucher,  *, {touch|mkdir} **,         true, allow, checked
p, test,    *,        *, [ **,                     true, allow, checked
g, engineer, viewer
`;

interface Session {
  id: string;
  user: string;
}

describe('rights change inside a living session', () => {
  let broker: TestBroker;
  beforeAll(async () => {
    broker = await startBroker({ policy: POLICY });
  });
  afterAll(() => broker.stop());

  it('a grant gives and a revoke takes, while the shell lives on, and both name the session', async () => {
    const shell = await broker.shell();
    await shell.line('touch one', 'sallyport: denied: touch one (no rule allows it)');
    const granted = await broker.cli('grant', 'alice', '--role', 'toucher', '--for', '1h', '--reason', 'to touch');
    const [session] = await broker.json<Session[]>('sessions');
    expect(granted.stdout).toContain(`session ${session?.id} of alice has new rights`);
    await shell.line('touch two && echo done-$((1+1))', 'done-2');
    const revoked = await broker.cli('revoke', 'alice', '--role', 'toucher');
    expect(revoked.code).toBe(0);
    expect(revoked.stdout).toContain(session?.id);
    await shell.line('touch three', 'sallyport: denied: touch three (no rule allows it)');
    await shell.line('ls', /one|two/);
    const shown = shell.shown();
    expect(shown).not.toMatch(/^one/m);
    shell.type('exit\r');
    expect(await shell.exit()).toBe(0);
  });

  it('a revoke that takes @session ends the session with cause revoked and status 254', async () => {
    await broker.cli('user', 'add', 'bob', '--key', `${broker.dir}/bob.pub`);
    const grants = await broker.json<{ id: string; role: string }[]>('grants', '--user', 'alice');
    const engineer = grants.find((g) => g.role === 'engineer');
    const shell = await broker.shell();
    const revoked = await broker.cli('revoke', engineer?.id ?? '');
    expect(revoked.stdout).toMatch(/session \S+ of alice ended \(revoked\)/);
    expect(await shell.exit()).toBe(254);
    expect(shell.shown()).toContain('sallyport: session closed: revoked');
    const again = await broker.exec('id');
    expect(again.code).toBe(255);
    await broker.cli('grant', 'alice', '--role', 'engineer', '--for', '1h', '--reason', 'back again');
    expect((await broker.exec('id')).code).toBe(0);
  });

  it('a lock ends sessions at once, beats every grant and is named to the admin; unlock lets in again', async () => {
    const shell = await broker.shell();
    const locked = await broker.cli('lock', '--user', 'alice', '--reason', 'laptop stolen', '--for', '1h');
    expect(locked.stdout).toMatch(/session \S+ of alice ended \(locked\)/);
    expect(await shell.exit()).toBe(254);
    expect(shell.shown()).toContain('sallyport: session closed: locked');
    expect((await broker.exec('id')).code).toBe(255);
    const [lock] = await broker.json<{ id: string }[]>('locks');
    expect((await broker.cli('unlock', lock?.id ?? '')).code).toBe(0);
    expect((await broker.exec('id')).code).toBe(0);
  });

  it.each([[['--everyone']], [['--target', 'local']]])('lock %j concerns everyone there', async (what) => {
    const shell = await broker.shell();
    const locked = await broker.cli('lock', ...what, '--reason', 'incident');
    expect(locked.stdout).toMatch(/ended \(locked\)/);
    expect(await shell.exit()).toBe(254);
    const [lock] = await broker.json<{ id: string }[]>('locks');
    await broker.cli('unlock', lock?.id ?? '');
  });

  it('kill ends one session, with the reason in the records, and leaves others alone', async () => {
    const [one, two] = [await broker.shell(), await broker.shell()];
    const sessions = await broker.json<Session[]>('sessions');
    expect(sessions).toHaveLength(2);
    const killed = await broker.cli('kill', sessions[0]?.id ?? '', '--reason', 'runaway job');
    expect(killed.stdout).toMatch(/ended \(killed\)/);
    expect(await one.exit()).toBe(254);
    await two.line('echo still-$((40+2))', 'still-42');
    two.type('exit\r');
    await two.exit();
    const audit = await broker.cli('audit', '--session', sessions[0]?.id ?? '', '--event', 'session-end');
    expect(audit.stdout).toMatch(/killed.*runaway job/);
  });

  it('removing a user ends their sessions, and the last key removed is the end of its sessions', async () => {
    const shell = await broker.shell();
    const user = await broker.json<{ keys: { fp: string }[] }>('user', 'show', 'alice');
    const removed = await broker.cli('user', 'key', 'remove', 'alice', user.keys[0]?.fp ?? '');
    expect(removed.stdout).toMatch(/ended \(credential\)/);
    expect(await shell.exit()).toBe(254);
    await broker.cli('user', 'key', 'add', 'alice', '--key', `${broker.dir}/key.pub`);
    const next = await broker.shell();
    const gone = await broker.cli('user', 'remove', 'alice');
    expect(gone.stdout).toMatch(/ended \(revoked\)/);
    expect(await next.exit()).toBe(254);
  });
});

describe('the policy is reloaded into living sessions', () => {
  let broker: TestBroker;
  beforeAll(async () => {
    broker = await startBroker({ policy: POLICY });
  });
  afterAll(() => broker.stop());

  it('a good one at once, a bad one not at all, and never an empty one in between', async () => {
    const { writeFileSync } = await import('node:fs');
    const file = `${broker.home}/policies/policy.csv`;
    const shell = await broker.shell();
    await shell.line('mkdir a', 'sallyport: denied: mkdir a (no rule allows it)');
    writeFileSync(file, `${POLICY}p, more, engineer, *, mkdir **, true, allow, checked\n`);
    const good = await broker.cli('reload');
    expect(good.code).toBe(0);
    await shell.line('mkdir a && echo made-$((1+1))', 'made-2');
    writeFileSync(file, `${POLICY}p, more, engineer, *, mkdir **, true, alow, checked\n`);
    const bad = await broker.cli('reload');
    expect(bad.code).toBe(1);
    expect(bad.stderr + bad.stdout).toMatch(/policy\.csv:\d+: .*alow/);
    await shell.line('mkdir b && echo made-$((1+2))', 'made-3');
    writeFileSync(file, '');
    await broker.cli('reload');
    writeFileSync(file, POLICY.replace('p, in-2', '#'));
    broker.process.kill('SIGHUP');
    expect(await shell.exit()).toBe(254);
    expect(shell.shown()).toContain('sallyport: session closed: revoked');
  });
});
