import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OPEN_POLICY, PROMPT, shellHomeOf, startBroker, type TestBroker } from '../helpers/broker.js';

let broker: TestBroker;
let home: string;
beforeAll(async () => {
  broker = await startBroker({ policy: OPEN_POLICY });
  home = shellHomeOf(broker.home);
});
afterAll(() => broker.stop());

describe('a denied line', () => {
  it('does nothing at all, stays in the history, and leaves $? as it was', async () => {
    const shell = await broker.shell();
    await shell.line('(exit 42)', PROMPT);
    await shell.line('touch before; rm -r x; touch after', 'sallyport: denied: rm -r x (no-rm: denied by rule)');
    await shell.line('echo status=$?', 'status=42');
    await shell.line('history | tail -3', 'touch before; rm -r x; touch after');
    await shell.line('ls -a; echo listed', 'listed');
    expect(existsSync(join(home, 'before'))).toBe(false);
    expect(existsSync(join(home, 'after'))).toBe(false);
    shell.type('exit\r');
    await shell.exit();
  });

  it.each([
    ['Enter', 'touch e; rm -r x\r'],
    ['^J', 'touch e; rm -r x\n'],
    ['^O', 'touch e; rm -r x\x0f'],
    ['a paste with newlines', '\x1b[200~touch e\nrm -r x\n\x1b[201~\r'],
    ['a line continued', 'touch e; rm \\\r-r x\r'],
    ['a loop over lines', 'touch e; for i in 1; do\rrm -r x\rdone\r'],
  ])('entered by %s', async (_name, keys) => {
    const shell = await broker.shell();
    shell.type(keys);
    await shell.waitFor(/sallyport: denied: .*no-rm: denied by rule/);
    expect(existsSync(join(home, 'e'))).toBe(false);
    shell.kill();
  });

  it('in vi mode, set in the engineer’s own rc file', async () => {
    const rc = readFileSync(join(home, '.bashrc'), 'utf8');
    writeFileSync(join(home, '.bashrc'), `${rc}set -o vi\nPROMPT_COMMAND='history -a'\n`);
    const shell = await broker.shell();
    shell.type('touch vi; rm -r x\x1b\r');
    await shell.waitFor('no-rm: denied by rule');
    expect(existsSync(join(home, 'vi'))).toBe(false);
    await shell.line('echo $PROMPT_COMMAND', 'history -a\r\n');
    shell.kill();
    writeFileSync(join(home, '.bashrc'), rc);
  });
});

describe('the shell stays the engineer’s own', () => {
  it('login shell, logout, completion, aliases, here-documents and read -e', async () => {
    const shell = await broker.shell();
    await shell.line('shopt login_shell', /login_shell\s+on/);
    await shell.line("alias hi='echo hello'; hi 2>/dev/null; hi", 'hello');
    await shell.line('hi', 'hello');
    shell.type('cat <<X\rrm -r x\rX\r');
    await shell.waitFor(/rm -r x\r\n.*ready/s);
    await shell.line('read -e answer; echo "<$answer>"', '');
    await shell.line('rm -r x', '<rm -r x>');
    await shell.line('echo unique-comp > unique-name-of-a-file; echo m""ade', 'made\r\n');
    await shell.line('cat unique-na\t', 'unique-comp\r\n');
    shell.type('logout\r');
    expect(await shell.exit()).toBe(0);
  });
});

describe('ssh host command', () => {
  it('is decided whole: refused with 126 and one line on stderr, and nothing of it ran', async () => {
    const ran = await broker.exec('touch half; rm -r x');
    expect(ran.code).toBe(126);
    expect(ran.stderr).toBe('sallyport: denied: rm -r x (no-rm: denied by rule)\n');
    expect(existsSync(join(home, 'half'))).toBe(false);
  });

  it('needs @exec besides', async () => {
    writeFileSync(join(broker.home, 'policies/policy.csv'), OPEN_POLICY.replace(/^p, exec.*$/m, ''));
    await broker.cli('reload');
    const ran = await broker.exec('id');
    expect([ran.code, ran.stderr]).toEqual([126, 'sallyport: denied: @exec (no rule allows it)\n']);
  });
});
