import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROMPT, shellHomeOf, startBroker, type TestBroker } from '../helpers/broker.js';
import { enrol } from '../helpers/factor.js';
import { until } from '../helpers/processes.js';
import { openTerminal, type Terminal } from '../helpers/terminal.js';

const POLICY = `
p, all,     engineer, *, *,          true,                                         allow, checked
p, login,   engineer, *, @login,     true,                                         allow, checked
p, session, engineer, *, @session,   true,                                         allow, checked
p, exec,    engineer, *, @exec,      true,                                         allow, checked
p, prod,    *,        *, hostid **,  "!(has(approval.by) && approval.by != '')",   deny,  checked
p, both,    *,        *, logname **, "!(has(approval.by) && approval.by != '')",   deny,  checked
p, fresh,   *,        *, logname **, mfa.age > duration('20m'),                    deny,  checked
`;
const WAITING = /waiting for approval (\w{26}): Ctrl-C withdraws/;
const HOSTID = /[\r\n][0-9a-f]{8}\r/;
const SLOW = { timeoutMs: 20_000 };

describe('a line that lacks an approval', () => {
  let broker: TestBroker;
  beforeAll(async () => {
    broker = await startBroker({ policy: POLICY });
    writeFileSync(join(shellHomeOf(broker.home), 'loop.sh'), 'for i in 1 2; do hostid; echo rc-$?; done\n');
  });
  afterAll(() => broker?.stop());
  const ask = async (shell: Terminal, line: string, reason = 'INC-1234') => {
    const from = shell.shown().length;
    await shell.line(line, 'Your reason, to ask for it (Enter: do not ask): ', 20_000);
    shell.type(`${reason}\r`);
    const shown = await shell.waitFor(WAITING, { from, ...SLOW });
    return WAITING.exec(shown)?.[1] ?? 'none';
  };
  const castOf = (id: string) => {
    const dir = join(broker.home, 'recordings');
    const all = readdirSync(dir, { recursive: true, encoding: 'utf8' });
    return readFileSync(join(dir, all.find((path) => path.endsWith(`${id}.cast`)) ?? ''), 'utf8');
  };
  const state = async (id: string) =>
    (await broker.json<{ id: string; state: string }[]>('requests', '--all')).find((r) => r.id === id);

  it('waits for it, is seen by others, and runs once when it comes, with what was typed meanwhile', async () => {
    const shell = await broker.shell();
    const id = await ask(shell, 'hostid; echo rc-$?', 'hot fix for INC-1');
    expect(await state(id)).toMatchObject({
      state: 'waiting',
      text: 'hostid; echo rc-$?',
      reason: 'hot fix for INC-1',
    });
    shell.type('echo mean-while\r');
    const from = shell.shown().length;
    expect((await broker.cli('approve', id)).code).toBe(0);
    await shell.waitFor(/approved by \w+/, { from, ...SLOW });
    await shell.waitFor(HOSTID, { from, ...SLOW });
    await shell.waitFor(/[\r\n]rc-0/, { from, ...SLOW });
    await shell.waitFor(/[\r\n]mean-while/, { from, ...SLOW });
    // Once: the same line is asked about anew.
    await shell.line('hostid; echo rc-$?', 'Your reason', 20_000);
    shell.type('\r');
    await shell.waitFor('denied: hostid', { from, ...SLOW });
    const recording = castOf(sid(shell));
    for (const step of ['held', 'asked', 'approved']) expect(recording).toContain(`"${step}: hostid; echo rc-$?`);
    shell.kill();
  }, 60_000);

  it('is for the line’s own words, and for nothing else', async () => {
    const shell = await broker.shell();
    const id = await ask(shell, 'c=hostid; hostid; $c -x; sh loop.sh; echo all-over');
    const from = shell.shown().length;
    await broker.cli('approve', id);
    await shell.waitFor(HOSTID, { from, ...SLOW });
    // `$c -x` was not among them: it is asked about by itself.
    await shell.waitFor("hostid -x needs another person's approval", { from, ...SLOW });
    shell.type('\x03');
    await shell.waitFor('rc-126', { from, ...SLOW });
    await shell.waitFor(/[\r\n]all-over/, { from, ...SLOW });
    expect(shell.shown().slice(from).match(new RegExp(HOSTID, 'g'))).toHaveLength(1);
    shell.kill();
  }, 60_000);

  it('is refused with the words of who refuses, and withdrawn by Ctrl-C', async () => {
    const shell = await broker.shell();
    const first = await ask(shell, 'hostid');
    let from = shell.shown().length;
    expect((await broker.cli('refuse', first, '--reason', 'not on Friday')).code).toBe(0);
    await shell.waitFor(/denied: hostid .*refused it: not on Friday/, { from, ...SLOW });
    await shell.waitFor(PROMPT, { from, ...SLOW });
    const second = await ask(shell, 'hostid');
    from = shell.shown().length;
    shell.type('\x03');
    await shell.waitFor('denied: hostid', { from, ...SLOW });
    await until('nobody can approve it any more', async () => (await state(second))?.state === 'withdrawn');
    expect((await broker.cli('approve', second)).code).not.toBe(0);
    await shell.line('echo go-on', /[\r\n]go-on/, 20_000);
    shell.kill();
  }, 60_000);

  it('waits no longer than its session', async () => {
    const shell = await broker.shell();
    const id = await ask(shell, 'hostid');
    await broker.cli('kill', sid(shell), '--reason', 'test');
    expect(await shell.exit()).toBe(254);
    await until('it is withdrawn', async () => (await state(id))?.state === 'withdrawn');
  }, 60_000);

  it('of a script is waited for by the program itself, and is gone with it', async () => {
    const shell = await broker.shell();
    const id = await ask(shell, 'sh loop.sh');
    expect(await state(id)).toMatchObject({ text: 'hostid', gate: 'exec' });
    const from = shell.shown().length;
    await broker.cli('approve', id);
    await shell.waitFor(HOSTID, { from, ...SLOW });
    await shell.waitFor('rc-0', { from, ...SLOW });
    // The second was not approved, and a line asks about one text once.
    await shell.waitFor('rc-126', { from, ...SLOW });
    const second = await ask(shell, "(sleep 3; pkill -KILL -f '^sh loop') & sh loop.sh");
    await until('it is withdrawn', async () => (await state(second))?.state === 'withdrawn');
    await shell.line('echo go-on', /[\r\n]go-on/, 20_000);
    shell.kill();
  }, 60_000);

  it('and a factor gets both, the factor first', async () => {
    const { code } = await enrol(broker, 'alice');
    const shell = await broker.shell();
    await shell.line('logname; echo rc-$?', 'Verification code: ', 20_000);
    shell.type(`${code()}\r`);
    await shell.waitFor('Your reason', SLOW);
    shell.type('both\r');
    const shown = await shell.waitFor(WAITING, SLOW);
    const from = shell.shown().length;
    await broker.cli('approve', WAITING.exec(shown)?.[1] ?? 'none');
    await shell.waitFor(/[\r\n]rc-[01]/, { from, ...SLOW });
    shell.kill();
  }, 60_000);

  it('what an approval let run is not ended by the next change of rights', async () => {
    const policy = POLICY.replaceAll('hostid **', 'sleep **');
    writeFileSync(join(broker.home, 'policies/policy.csv'), policy);
    broker.process.kill('SIGHUP');
    await until(
      'the rule is there',
      async () => (await broker.cli('explain', 'alice', 'local', '--', 'sleep 9')).code === 4,
    );
    const shell = await broker.shell();
    const id = await ask(shell, 'sleep 5; echo slept-$?');
    await broker.cli('approve', id);
    await shell.waitFor('approved by', SLOW);
    expect((await broker.cli('context', 'set', 'alice', 'risk.score=10')).code).toBe(0);
    await shell.waitFor(/[\r\n]slept-0/, SLOW);
    shell.kill();
    writeFileSync(join(broker.home, 'policies/policy.csv'), POLICY);
    broker.process.kill('SIGHUP');
  }, 60_000);

  it('of ssh with a terminal is asked for as its programs start', async () => {
    const terminal = openTerminal('ssh', [...broker.sshArgs('-tt'), 'echo be-fore; hostid']);
    await terminal.waitFor(/be-fore[\s\S]*Your reason/, SLOW);
    terminal.type('from afar\r');
    const shown = await terminal.waitFor(WAITING, SLOW);
    await broker.cli('approve', WAITING.exec(shown)?.[1] ?? 'none');
    expect(await terminal.exit()).toBe(0);
    expect(terminal.shown()).toMatch(/[0-9a-f]{8}\r/);
  });

  it('without a terminal is refused with what would allow it', async () => {
    const { code, stderr } = await broker.exec('hostid');
    expect(code).toBe(126);
    expect(stderr).toMatch(/another person's approval would allow it: with a terminal \(ssh -t\)/);
  });
});

const sid = (shell: Terminal) => /session (\w{26}) is recorded/.exec(shell.shown())?.[1] ?? 'none';
