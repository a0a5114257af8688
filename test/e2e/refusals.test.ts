import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { PROMPT, shellHomeOf, startBroker, type TestBroker } from '../helpers/broker.js';
import { type Emulator, openEmulator } from '../helpers/emulator.js';
import { until } from '../helpers/processes.js';

const COME_IN = `
p, login,   engineer, *, @login,   true, allow, checked
p, session, engineer, *, @session, true, allow, checked
p, exec,    engineer, *, @exec,    true, allow, checked
`;
const DENIED = /sallyport: denied: /;
const denials = (text: string) => text.match(/sallyport: denied: .*/g) ?? [];

describe('a refusal leaves a full-screen program as it was:', () => {
  let broker: TestBroker;
  let screen: Emulator;
  beforeAll(async () => {
    broker = await startBroker({
      policy: `${COME_IN}\np, all, engineer, *, *, true, allow, checked\np, no-rm, *, *, rm **, true, deny, checked\n`,
    });
    writeFileSync(join(shellHomeOf(broker.home), 'victim'), 'first line\nsecond line\n', { mode: 0o666 });
  });
  afterAll(() => broker?.stop());
  afterEach(() => {
    screen?.stop();
    expect(existsSync(join(shellHomeOf(broker.home), 'victim'))).toBe(true);
  });

  const open = async () => {
    screen = openEmulator('ssh', broker.sshArgs('-tt'));
    await screen.until(PROMPT.trim());
    return screen;
  };
  const told = /sallyport: denied: rm .*victim.*no-rm: denied by rule/;

  it('vim :! says so among what the command printed, and the text is back after Enter', async () => {
    const s = await open();
    s.line('vim -u NONE -n victim');
    const before = await s.until((rows) => rows[0] === 'first line' && rows[23] !== '');
    s.line(':!rm victim');
    await s.until(told);
    await s.until('Press ENTER');
    s.keys('Enter');
    const after = await s.until((rows) => rows[0] === 'first line');
    expect(after.slice(0, 22)).toEqual(before.slice(0, 22));
    expect(after.join('\n')).not.toMatch(DENIED);
    s.line(':q!');
    await s.until((rows) => rows.some((row) => row.endsWith(PROMPT.trim())));
  });

  it('a job in the background of vim is told of when vim is left, its screen untouched', async () => {
    const s = await open();
    s.line('vim -u NONE -n victim');
    await s.until((rows) => rows[0] === 'first line');
    s.line(':let job = job_start(["rm", "victim"])');
    s.line(':echo "st" .. "ill " .. 6*7');
    const shown = await s.until('still 42');
    expect(shown[0]).toBe('first line');
    expect(shown.slice(0, 22).join('\n')).not.toMatch(DENIED);
    s.line(':q!');
    const rows = await s.until(told);
    expect(rows.filter((row) => DENIED.test(row))).toHaveLength(1);
    await s.until((now) => now.filter((row) => row !== '').at(-1) === PROMPT.trim());
  });

  it('less ! says so on the ordinary screen, and comes back', async () => {
    const s = await open();
    s.line('less victim');
    await s.until((rows) => rows.includes('first line') && rows.includes('victim (END)'));
    s.line('!rm victim');
    await s.until(told);
    await s.until('press RETURN');
    s.keys('Enter');
    await s.until((rows) => rows.includes('victim (END)') && !rows.some((row) => DENIED.test(row)));
    s.keys('q');
  });

  it('in tmux it comes up on the last row, the cursor stays, and the row is drawn again', async () => {
    const s = await open();
    s.line("tmux -L t -f /dev/null new 'bash --norc'");
    await s.until((rows) => /^bash-.*\$$/.test(rows[0] ?? '') && (rows[23] ?? '').includes('[0]'));
    s.line('c=rm; $c victim');
    const shown = await s.until((rows) => told.test(rows[23] ?? ''));
    const prompt = shown[2] ?? '';
    expect(shown.slice(0, 4)).toEqual([
      `${prompt} c=rm; $c victim`,
      expect.stringMatching('Permission denied'),
      prompt,
      '',
    ]);
    expect(s.cursor()).toEqual({ row: 2, column: prompt.length + 1 });
    await s.until((rows) => (rows[23] ?? '').includes('[0]') && !rows.some((row) => DENIED.test(row)));
    s.line('exit');
    const rows = await s.until(told);
    expect(rows.some((row) => row.includes('[exited]'))).toBe(true);
  });

  it('at a prompt the line that was being typed stands again below it', async () => {
    const s = await open();
    s.line('(until [ -e go ]; do read -t 0.1 <> <(:); done; env rm victim) & clear');
    await s.until((rows) => rows[0] === PROMPT.trim());
    s.keys('-l', 'echo half');
    await s.until('echo half');
    writeFileSync(join(shellHomeOf(broker.home), 'go'), '');
    await s.until(told);
    s.line(' way');
    const rows = await s.until(/^half way$/m);
    expect(rows.join('\n')).toContain(`${PROMPT}echo half way\nhalf way`);
  });
});

describe('a burst of refusals', () => {
  let broker: TestBroker;
  const FILES = 120;
  beforeAll(async () => {
    broker = await startBroker({
      policy: `${COME_IN}\np, build, engineer, *, {make|bash|sh|touch|true|echo|exit} **, true, allow, checked\n`,
    });
    const dir = join(shellHomeOf(broker.home), 'project');
    mkdirSync(dir, { mode: 0o777 });
    const targets = Array.from({ length: FILES }, (_, i) => `f${i}`);
    const rules = targets.map((t) => `${t}:\n\tgcc -c ${t}.c\n`).join('');
    writeFileSync(join(dir, 'Makefile'), `all: ${targets.join(' ')}\n${rules}`, { mode: 0o666 });
  });
  afterAll(() => broker?.stop());

  /** The number of programs that told lines stand for. */
  const countOf = (lines: string[]) =>
    lines.reduce((sum, line) => sum + Number(/denied: (\d+) more programs, the last: /.exec(line)?.[1] ?? 1), 0);

  it('of a build is a line and a count, on stderr, before the exit status', async () => {
    const { stderr, code } = await broker.exec('make -k -j2 -C project');
    expect(code).toBe(2);
    const told = denials(stderr);
    expect(told[0]).toMatch(/denied: gcc -c f\d+.c, started by make -k -j2 -C project \(no rule allows it\)/);
    expect(told.at(-1)).toMatch(/denied: \d+ more programs, the last: gcc -c f\d+.c, started by make .*\(no rule/);
    expect(told.length).toBeLessThan(8);
    expect(countOf(told)).toBe(FILES);
  });

  it('at a terminal too, and each of them is in the recording and in the audit log, with its number', async () => {
    const shell = await broker.shell();
    const [session] = await broker.json<{ id: string }[]>('sessions');
    const id = session?.id ?? '';
    await shell.line('make -k -C project > /dev/null 2>&1; echo made-$((6*7))', 'made-42', 30_000);
    await shell.waitFor(/denied: \d+ more programs, the last: gcc/);
    shell.type('exit\r');
    await shell.exit();
    expect(countOf(denials(shell.shown()).filter((line) => line.includes('gcc')))).toBe(FILES);
    const audited = async () => {
      const { stdout } = await broker.cli('--json', 'audit', '--session', id, '--event', 'decision');
      return new Set(stdout.split('\n').filter((line) => line.includes('gcc -c'))).size;
    };
    await until('all of them are in the audit log', async () => (await audited()) === FILES);
    const text = (await broker.cli('replay', id, '--markers')).stdout;
    expect(new Set(text.match(/denied: gcc -c f\d+/g)).size).toBe(FILES);
  });
});

describe('a refusal says', () => {
  let broker: TestBroker;
  beforeAll(async () => {
    broker = await startBroker({
      policy: `${COME_IN}
p, tools,  engineer, *, {python3|env|echo|exit|bash|id} **, true,                         allow, checked
p, fresh,  engineer, *, touch **,                        mfa.age < duration('15m'), allow, checked
p, frozen, *,        *, env -i **,                       risk.score >= 50,          deny,  checked
p, ops,    ops,      *, chmod **,                        true,                      allow, checked
`,
    });
  });
  afterAll(() => broker?.stop());
  const script = (text: string) => broker.exec('bash', text).then(({ stderr }) => denials(stderr));

  it.each([
    [
      'the condition that a row of theirs waits for',
      'touch x',
      /touch x, started by bash \(no rule allows it\); a fresh second factor would allow it: with a terminal \(ssh -t\) you are asked for it$/,
    ],
    [
      'the condition under which a deny holds',
      'env -i echo x',
      /\(frozen: denied by rule\); frozen does so while risk.score >= 50$/,
    ],
    [
      'whom to ask, where nothing of theirs is near',
      'chmod 0 x',
      /chmod 0 x, started by bash \(no rule allows it\); an admin can see what would, with: sallyport explain alice local --session [0-9a-z]{26} -- COMMAND$/,
    ],
    [
      'that arguments are too many',
      `python3 -c 'import os; os.execv("/usr/bin/env", ["env"] * 70000)' 2>&1 | while read x; do [[ $x = *"list too long"* ]] && echo too-long >&2; done`,
      /^sallyport: denied: a program, started by python3 -c .*\(more arguments than the gate reads: give them in parts, as xargs does\)$/,
    ],
    [
      'that a file has no name',
      'for l in /lib64/ld-linux-x86-64.so.2 /lib/ld-linux-aarch64.so.1; do if [ -e $l ]; then $l env; fi; done',
      /denied: \S+ env, started by bash \(not a file anyone can name: run it by its path\)$/,
    ],
  ])('%s', async (_what, text, expected) => {
    const told = await script(text);
    expect(told.at(-1)).toMatch(expected);
  });

  it('what is said about a typed line in the same words, and whom to ask once', async () => {
    const shell = await broker.shell();
    const ask = 'an admin can see what would, with: sallyport explain alice local --session ';
    await shell.line('touch x', 'sallyport: denied: touch x (no rule allows it); a fresh second factor would allow it');
    await shell.line(
      'c=touch; $c x',
      `started by /bin/bash -l (no rule allows it); a fresh second factor would allow it, and you have none: an admin can give you one (sallyport user mfa enroll); after the line: c=touch; $c x`,
    );
    await shell.line('chmod 0 x', 'sallyport: denied: chmod 0 x (no rule allows it)');
    await shell.line('chmod 1 x', /denied: chmod 1 x \(no rule allows it\)\r/);
    expect(shell.shown().split(ask)).toHaveLength(2);
    // It is a command that an admin can run as it stands.
    const words = /sallyport (explain .* -- )COMMAND/.exec(shell.shown())?.[1]?.trim().split(' ') ?? [];
    const said = await broker.cli(...words, 'chmod', '0', 'x');
    expect(said.code).toBe(4);
    expect(said.stdout).toContain('ops');
    shell.type('exit\r');
    await shell.exit();
  });
});
