import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { PROMPT, startBroker, type TestBroker } from '../helpers/broker.js';
import { running, until } from '../helpers/processes.js';
import type { Terminal } from '../helpers/terminal.js';

/**
 * What an engineer runs under a grant's role, told apart by its program: `sleep` for psql, `tail` for logs that follow,
 * `env` for a tool whose children are trusted.
 */
const POLICY = `
p, in-1,    engineer, *, @login,                   true, allow, checked
p, in-2,    engineer, *, @session,                 true, allow, checked
p, in-3,    engineer, *, @exec,                    true, allow, checked
p, base,    engineer, *, {id|ls|cat|echo|jobs|ps|bash|setsid|nohup|true|seq|exit|exec|trap|wait|kill} **, true, allow, checked
p, follow,  engineer, *, tail **,                  true, allow, checked
p, dba,     dba,      *, sleep **,                 true, allow, checked
p, tool,    tooler,   *, {env|timeout} **,         true, allow, trusted
p, brief,   engineer, *, less **, session.age < duration('5s'), allow, checked
p, edit,    editor,   *, vim **,                   true, allow, checked
p, test,    *,        *, [ **,                     true, allow, checked
`;

const runs = (command: string) => until(`${command} runs`, () => running(command).length > 0);

interface Effects {
  effects: unknown[];
}

describe('programs that run are decided again when rights shrink', () => {
  let broker: TestBroker;
  beforeAll(async () => {
    broker = await startBroker({ policy: POLICY });
  });
  afterAll(() => broker.stop());
  afterEach(async () => {
    for (const role of ['dba', 'tooler', 'editor']) await broker.cli('revoke', 'alice', '--role', role);
    for (const { id } of await broker.json<{ id: string }[]>('sessions'))
      await broker.cli('kill', id, '--reason', 'the test is over');
  });

  const grant = async (role: string, ...more: string[]): Promise<string> => {
    const span = more.length > 0 ? more : ['--for', '1h'];
    const given = await broker.cli('grant', 'alice', '--role', role, ...span, '--reason', 'a test');
    expect(given.code).toBe(0);
    return given.stdout.split('\n')[0] ?? '';
  };

  it('a revoked program ends with a line that says why, its neighbours and the shell live on', async () => {
    const id = await grant('dba');
    const shell = await broker.shell();
    await shell.line('tail -f /dev/null & echo bg-$((1+1))', 'bg-2');
    const from = shell.shown().length;
    shell.type('sleep 7100\r');
    await runs('sleep 7100');
    const revoked = await broker.json<Effects>('revoke', id);
    expect(revoked.effects).toEqual([{ id: expect.any(String), user: 'alice', outcome: 'changed', programs: 1 }]);
    expect(running('sleep 7100')).toEqual([]);
    const shown = await shell.waitFor(/ended: sleep 7100[^\n]*\n/, { from });
    expect(shown).toContain(`sallyport: ended: sleep 7100 (grant ${id} revoked: no rule allows it)`);
    await shell.line('jobs; echo alive-$((1+1))', /Running.*tail[\s\S]*alive-2/);
    await leave(shell);
  });

  it("what stood on its parent's trust falls with it, alive or not; what has a rule of its own lives on", async () => {
    const id = await grant('tooler');
    const shell = await broker.shell();
    await shell.line(
      'env sleep 7101 & timeout 9999 sleep 7102 & timeout 9999 tail -f /etc/passwd & echo bg-$((1+1))',
      'bg-2',
    );
    for (const command of ['sleep 7101', 'sleep 7102', 'tail -f /etc/passwd']) await runs(command);
    const { effects } = await broker.json<Effects>('revoke', id);
    expect(effects).toMatchObject([{ outcome: 'changed', programs: 4 }]);
    for (const command of ['sleep 7101', 'sleep 7102', 'timeout 9999 sleep 7102', 'timeout 9999 tail -f /etc/passwd'])
      expect(running(command)).toEqual([]);
    expect(running('tail -f /etc/passwd')).toHaveLength(1);
    await shell.waitFor(`ended: 4 programs, sleep 7101 among them (grant ${id} revoked: no rule allows it)`);
    await leave(shell);
  });

  it('a program in the background, stopped, without its terminal or deaf to signals ends all the same', async () => {
    const id = await grant('dba');
    const shell = await broker.shell();
    await shell.line('sleep 7110 & nohup sleep 7111 >/dev/null 2>&1 & setsid sleep 7112 & echo bg-$((1+1))', 'bg-2');
    await shell.line(`bash -c 'trap "" TERM HUP INT; exec sleep 7113' & echo bg-$((2+1))`, 'bg-3');
    shell.type('sleep 7114\r');
    await runs('sleep 7114');
    await shell.line('\x1a', 'Stopped');
    for (const n of [7110, 7111, 7112, 7113]) await runs(`sleep ${n}`);
    const { effects } = await broker.json<Effects>('revoke', id);
    expect(effects).toMatchObject([{ programs: 5 }]);
    for (const n of [7110, 7111, 7112, 7113, 7114]) expect(running(`sleep ${n}`)).toEqual([]);
    await leave(shell);
  });

  it('a grant that runs out ends what ran under it, and so does a policy that was changed', async () => {
    await grant('dba', '--for', '4s');
    const shell = await broker.shell();
    const from = shell.shown().length;
    shell.type('sleep 7120\r');
    await runs('sleep 7120');
    await shell.waitFor(/ended: sleep 7120 \(grant \S+ ended: no rule allows it\)/, { from });
    shell.type('tail -f /dev/null\r');
    await runs('tail -f /dev/null');
    writeFileSync(
      join(broker.home, 'policies/policy.csv'),
      POLICY.replace(/p, follow.*/, 'p, no-logs, *, *, tail **, true, deny, checked'),
    );
    const { effects } = await broker.json<Effects>('reload');
    expect(effects).toMatchObject([{ programs: 1 }]);
    await shell.waitFor('ended: tail -f /dev/null (the policy changed: no-logs: denied by rule)', { from });
    writeFileSync(join(broker.home, 'policies/policy.csv'), POLICY);
    await broker.cli('reload');
    await leave(shell);
  });

  it('a condition whose time comes ends what ran under it, without any change', async () => {
    const shell = await broker.shell();
    const from = shell.shown().length;
    await shell.line('less /etc/passwd', 'root');
    await shell.waitFor('ended: less /etc/passwd (its time is over: no rule allows it)', { from });
    await leave(shell);
  });

  it('nothing ends when rights grow, and no deadline moves for a program', async () => {
    const id = await grant('dba');
    const shell = await broker.shell();
    await shell.line('sleep 7130 & tail -f /dev/null & echo bg-$((1+1))', 'bg-2');
    await runs('sleep 7130');
    const before = await broker.json<{ deadlineAt: string }[]>('sessions');
    await broker.cli('grant', 'alice', '--role', 'tooler', '--for', '1h', '--reason', 'more');
    await broker.cli('revoke', 'alice', '--role', 'tooler');
    expect(running('sleep 7130')).toHaveLength(1);
    await broker.json<Effects>('revoke', id);
    expect(running('sleep 7130')).toEqual([]);
    expect(running('tail -f /dev/null')).toHaveLength(1);
    const after = await broker.json<{ deadlineAt: string }[]>('sessions');
    expect(after[0]?.deadlineAt).toBe(before[0]?.deadlineAt);
    await leave(shell);
  });

  it('a command without a terminal is told on its error output; a command that is the program itself is over', async () => {
    const id = await grant('dba');
    const ran = broker.exec('sleep 7140; echo after');
    const own = broker.exec('exec sleep 7141');
    await runs('sleep 7140');
    await runs('sleep 7141');
    await broker.json<Effects>('revoke', id);
    const { code, stdout, stderr } = await ran;
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'after\n' });
    expect(stderr).toContain('sallyport: ended: sleep 7140 (');
    const over = await own;
    expect(over.stderr).toContain('sallyport: ended: sleep 7141 (');
    expect(over.code).not.toBe(0);
  });

  it('a full-screen program that held the terminal leaves it in order, and the line stands before the prompt', async () => {
    const id = await grant('editor');
    const shell = await broker.shell();
    shell.type('vim -c "set mouse=a" notes\r');
    await shell.waitFor('\x1b[?1049h');
    await runs('vim -c set mouse=a notes');
    const from = shell.shown().length;
    await broker.json<Effects>('revoke', id);
    const shown = await shell.waitFor(PROMPT, { from });
    expect(shown).toMatch(
      /\x1b\[\?1049l[\s\S]*\x1b\[\?25h[\s\S]*\x1b\[\?1000l[\s\S]*sallyport: ended: vim [\s\S]*ready\$ $/,
    );
    await shell.line('echo typed-$((1+1))', /echo typed[\s\S]*typed-2/);
    await leave(shell);
  });

  it('a full-screen program that lives on keeps its screen when another one ends', async () => {
    const id = await grant('dba');
    const shell = await broker.shell();
    await shell.line('sleep 7160 & less /etc/services', '\x1b[?1049h');
    await runs('sleep 7160');
    const from = shell.shown().length;
    await broker.json<Effects>('revoke', id);
    expect(running('sleep 7160')).toEqual([]);
    expect(shell.shown().slice(from)).not.toContain('\x1b[?1049l');
    shell.type('q');
    await shell.waitFor(/\x1b\[\?1049l[\s\S]*sallyport: ended: sleep 7160/, { from });
    await leave(shell);
  });

  it('what ended is in the recording and in the audit log, with what changed', async () => {
    const id = await grant('dba');
    const shell = await broker.shell();
    shell.type('sleep 7150\r');
    await runs('sleep 7150');
    const [session] = await broker.json<{ id: string; recording: string; denied: number }[]>('sessions');
    await broker.json<Effects>('revoke', id);
    await leave(shell);
    const audit = await broker.cli('audit', '--session', session?.id ?? '', '--event', 'decision');
    expect(audit.stdout).toMatch(new RegExp(`ended #\\d+: sleep 7150 \\[exec, grant ${id} revoked\\]`));
    expect(readFileSync(session?.recording ?? '', 'utf8')).toContain(
      `ended: sleep 7150 (grant ${id} revoked: no-rule)`,
    );
  });

  it('`session` shows what runs as a tree, with the rule that allowed each and how', async () => {
    await grant('tooler');
    const shell = await broker.shell();
    await shell.line(
      `timeout 9999 sleep 7170 & tail -f /dev/null $'a\\e[31mb' 2>/dev/null & { cat; echo; } & echo bg-$((1+1))`,
      'bg-2',
    );
    await runs('sleep 7170');
    const [{ id = '' } = {}] = await broker.json<{ id: string }[]>('sessions');
    const { processes } = await broker.json<{ processes: Process[] }>('session', id);
    const by = (word: string) => processes.find((p) => p.argv.includes(word));
    const login = processes.find((p) => p.why === 'shell' && p.argv[0]?.includes('bash'));
    expect(by('timeout')).toMatchObject({ rule: 'tool', why: 'rule', children: 'trusted', ppid: login?.pid });
    expect(by('7170')).toBeDefined();
    const sleep = processes.find((p) => p.argv.join(' ') === 'sleep 7170');
    expect(sleep).toMatchObject({ why: 'trusted', ppid: by('timeout')?.pid });
    expect(sleep?.rule).toBeUndefined();
    const text = (await broker.cli('session', id)).stdout;
    expect(text).toMatch(/^\d+ \S*bash -l {2}\[the session's shell, /m);
    expect(text).toMatch(/^[├└]─ \d+ timeout 9999 sleep 7170 {2}\[rule tool, children trusted, /m);
    expect(text).toMatch(/^[│ ] {2}└─ \d+ sleep 7170 {2}\[trusted by its parent, children trusted, /m);
    expect(text).toContain("tail -f /dev/null 'a\\e[31mb'  [rule follow, ");
    expect(text).not.toContain('\x1b');
    await leave(shell);
  });

  it('a storm of programs while rights come and go leaves nothing behind that has none', async () => {
    const shell = await broker.shell();
    await grant('dba');
    const loop =
      'while true; do sleep 7180 & nohup sleep 7180 2>/dev/null & (exec sleep 7180) & setsid sleep 7180 & wait -n; done';
    shell.type(`bash -c '${loop}' >/dev/null 2>&1 &\r`);
    for (let round = 0; round < 6; round += 1) {
      await runs('sleep 7180');
      expect((await broker.cli('revoke', 'alice', '--role', 'dba')).code).toBe(0);
      expect(running('sleep 7180')).toEqual([]);
      await grant('dba');
    }
    await broker.cli('revoke', 'alice', '--role', 'dba');
    expect(running('sleep 7180')).toEqual([]);
    expect(await broker.json<unknown[]>('sessions')).toHaveLength(1);
    await shell.line('kill %1; echo alive-$((1+1))', 'alive-2', 20_000);
  }, 90_000);
});

it('under gate: line-only `session` says that programs are not known', async () => {
  const broker = await startBroker({ policy: POLICY, config: { gate: 'line-only' } });
  try {
    await broker.shell();
    const [{ id = '' } = {}] = await broker.json<{ id: string }[]>('sessions');
    expect((await broker.cli('session', id)).stdout).toContain('processes: not known: under gate: line-only');
    expect(await broker.json('session', id)).not.toHaveProperty('processes');
  } finally {
    await broker.stop();
  }
});

interface Process {
  pid: number;
  ppid: number;
  argv: string[];
  rule?: string;
  why: string;
}

async function leave(shell: Terminal): Promise<void> {
  // The first may only say that jobs are running.
  shell.type('exit\rexit\r');
  await shell.exit();
}
