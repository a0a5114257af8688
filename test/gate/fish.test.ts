import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sleep } from '../../src/core/clock.js';
import { clock, terminalsOf } from './terminal.js';

const start = terminalsOf({ shell: 'fish' });

const DENIED = 'sallyport: denied: rm -rf x (no-rm: denied by rule)';
const LINE = 'touch ran; rm -rf x';
const OWN_ENTER = 'function own; commandline -f execute; end; function fish_user_key_bindings; bind \\r own; end';

describe('whatever way a line is entered in fish, it is decided whole before any of it runs', () => {
  test.each([
    ['Enter', '', ['Enter']],
    ['^J', '', ['C-j']],
    ['Enter in vi insertion', 'fish_vi_key_bindings', ['Enter']],
    ['Enter in vi command mode', 'fish_vi_key_bindings', ['Escape', '[N]', 'Enter']],
    ['Enter within the line', '', ['C-a', 'Enter']],
    ['Enter bound by the person', OWN_ENTER, ['Enter']],
  ])('%s', async (_, rc, keys) => {
    const t = await start({ rc });
    t.keys('-l', LINE);
    for (const key of keys) {
      if (key.startsWith('[')) await t.until(key);
      else t.keys(key);
    }
    await t.until(`${LINE}^C\n${DENIED}\n`);
    await t.run('echo "next "(math 40 + 2)', /^next 42$/m);
    expect(existsSync(join(t.home, 'ran'))).toBe(false);
  });
});

test('a refused line stays on the screen and in the history, and leaves $status', async () => {
  const t = await start();
  await t.run("sh -c 'exit 3'", /3'\n@@$/);
  await t.run('rm -rf x', DENIED);
  await t.run('echo "s=$status"', 's=3');
  // fish looks at what others put into the history once a second.
  await t.run('sleep 1.1', /1\n@@$/);
  t.keys('Up', 'Up', 'Up');
  await t.until(/@@ rm -rf x$/);
  t.keys('Enter');
  await t.until(/(denied by rule\)[\s\S]*){2}@@$/);
});

test('a refused line of several lines comes back whole from the history', async () => {
  const t = await start();
  await t.run('sleep 1.1', /1\n@@$/);
  t.keys('-l', `rm -rf 'a\\b`);
  t.keys('Enter');
  t.keys('-l', "c'");
  t.keys('Enter');
  await t.until(/denied by rule\)\n@@$/);
  t.keys('Up');
  await t.until(/@@ rm -rf 'a\\b\n *c'$/);
});

test('a paste of several lines is one line, typed-ahead lines are their own', async () => {
  const t = await start();
  t.paste('touch ran\nrm -rf x');
  t.keys('Enter');
  await t.until(DENIED);
  t.paste('echo a(math 1)\nfor i in 1 2\necho b$i\nend\necho c(math 1)');
  t.keys('Enter');
  await t.until(/a1\nb1\nb2\nc1\n@@$/);
  t.paste(`sleep 0.3; echo one(math 1)\n${LINE}\necho two(math 2)\n`, false);
  await t.until(/\ntwo2\n@@$/);
  expect(t.refused.map((r) => r.text)).toEqual(['touch ran\nrm -rf x', LINE]);
  expect(existsSync(join(t.home, 'ran'))).toBe(false);
});

test('a command over several lines is judged when it is complete, and one with an error not at all', async () => {
  const t = await start();
  await t.run('for i in 1 2', /2$/);
  await t.run('rm -rf $i', /i$/);
  await t.run('end', 'sallyport: denied: rm -rf $i');
  await t.run('end', "'end' outside of a block");
  t.keys('C-c');
  await t.run('echo "next "(math 40 + 2)', /^next 42$/m);
  expect(t.refused.map((l) => l.text)).toEqual([expect.stringMatching(/^for i in 1 2\n *rm -rf \$i\nend$/)]);
});

describe('fish syntax', () => {
  test.each([
    ['a substitution', 'echo a(echo 1)', 'a1'],
    ['a block', 'if true; echo b(math 1); else; rmdir x; end', 'b1'],
    ['a string that looks like a command', "echo 'rm -rf x' c(math 1)", 'rm -rf x c1'],
    ['a list of names', 'for i in rm b; test $i = rm; or echo $i(math 1); end', 'b1'],
    ['a switch', 'switch rm; case rm; echo d(math 1); end', 'd1'],
    ['set', 'set -l e rm; echo e(count $e)', 'e1'],
    ['a pipe of errors', 'echo f(math 1) 2>| cat; true', 'f1'],
  ])('%s is read as fish reads it', async (_, line, shown) => {
    const t = await start();
    await t.run(line, new RegExp(`^${shown}$`, 'm'));
    expect(t.refused).toEqual([]);
    expect(t.lines.map((l) => l.text)).toEqual([line]);
  });

  test.each([
    ['in a substitution', 'touch ran; echo (rm -rf x)'],
    ['in a string', 'touch ran; echo "$(rm -rf x)"'],
    ['behind and', 'touch ran; and rm -rf x'],
    ['in a block', 'touch ran; if true; rm -rf x; end'],
    ['behind an assignment', 'touch ran; A=b rm -rf x'],
    ['behind command', 'touch ran && command rm -rf x'],
  ])('a denied command %s is refused', async (_, line) => {
    const t = await start();
    await t.run(line, /sallyport: denied: .*no-rm: denied by rule\)\n@@$/);
    expect(existsSync(join(t.home, 'ran'))).toBe(false);
  });

  test('an abbreviation is expanded first', async () => {
    const t = await start({ rc: 'abbr -a -- wipe "touch ran; rm -rf x"' });
    await t.run('wipe', 'sallyport: denied: rm -rf x');
    t.keys('-l', 'wipe ');
    t.keys('Enter');
    await t.until(/(denied by rule\)[\s\S]*){2}@@$/);
    expect(existsSync(join(t.home, 'ran'))).toBe(false);
  });
});

test('a name that no rule allows is refused, but left to the exec gate as a function', async () => {
  const t = await start();
  await t.run('touch ran; seq 2', 'sallyport: denied: seq 2 (no rule allows it)');
  await t.run('alias seq "echo alias(math 1)"', /"\n@@$/);
  await t.run('seq 2', /^alias1 2$/m);
  expect(existsSync(join(t.home, 'ran'))).toBe(false);
});

describe('the gate works beside the settings of the person', () => {
  test.each([
    ['vi mode', 'fish_vi_key_bindings'],
    ['vi and emacs', 'fish_hybrid_key_bindings'],
    ['a binding of Enter', OWN_ENTER],
    ['a prompt of two lines', "function fish_prompt; echo first; echo -n '@@ '; end"],
    ['a right prompt', 'function fish_right_prompt; echo -n right; end'],
    ['another locale', 'set -x LC_ALL C'],
    ['no history', "set -g fish_history ''"],
    ['functions of their own', 'function math; echo 0; end; function fish_cancel; end'],
    ['variables used inside', 'set -g line 1; set -g pid 2; set -g all 3; set -g own 4; set -g argv 5'],
  ])('%s', async (_, rc) => {
    const t = await start({ rc });
    await t.run('echo one""1', /^one1 *(right)?$/m);
    await t.run(LINE, DENIED);
    await t.run('echo two""2', /^two2$/m);
    await t.run(LINE, /(no-rm: denied by rule[\s\S]*){2}/);
    await t.run('echo three""3', /^three3$/m);
    expect(existsSync(join(t.home, 'ran'))).toBe(false);
    expect(t.refused).toHaveLength(2);
    expect(t.screen()).not.toMatch(/__sallyport|fish: /);
  });

  test('a binding made at the prompt is wrapped at the next', async () => {
    const t = await start();
    await t.run('fish_vi_key_bindings', /bindings *\n.*@@$/);
    await t.run(LINE, DENIED);
    await t.run('bind -M insert \\r execute', /execute *\n.*@@$/);
    await t.run(LINE, /(no-rm: denied by rule[\s\S]*){2}/);
  });

  test('what read takes is no command', async () => {
    const t = await start();
    await t.run('read x; echo "got <$x>"', /read>/);
    await t.run('rm -rf x', /^got <rm -rf x>$/m);
    await t.run('function f; read -P "sure? " y; echo "got <$y>"; end; f', /sure\?$/);
    await t.run('rm -rf y', /^got <rm -rf y>$/m);
    expect(t.refused).toEqual([]);
  });

  test('it is a login shell, completion works, and so does exit', async () => {
    const t = await start();
    await t.run('status is-login; and echo login(math 1); touch some-file', /^login1$/m);
    t.keys('-l', 'ls so');
    t.keys('Tab');
    await t.until('ls some-file');
    t.keys('Enter');
    await t.until(/\nsome-file\n@@$/);
    expect(t.hellos[0]).toMatch(/^fish /);
  });
});

test('lines of any length and of any bytes', async () => {
  const t = await start();
  t.paste(`echo ${'abcdefghi '.repeat(900)}| wc -c`);
  t.keys('Enter');
  await t.until(/\n9000\n@@$/);
  await t.run("echo 'ü €🙂 %s \\\\n' | cat", /\nü €🙂 %s \\n/);
});

test('fish shells that share a session, typed into at the same moment, each get their own answer', async () => {
  const t = await start();
  t.tmux('set-option', '-g', 'default-command', `${t.command}; sleep 1000`);
  for (let n = 0; n < 2; n++) t.tmux('split-window', '-d', '-l', '12');
  const panes = t.tmux('list-panes', '-F', '#{pane_id}').trim().split('\n');
  for (const pane of panes) await t.until('@@', pane);
  t.tmux('set-option', '-w', 'synchronize-panes', 'on');
  for (const n of [1, 2, 3]) {
    t.keys('-l', `echo ok(math ${n} + 1)`);
    t.keys('Enter');
    for (const pane of panes) await t.until(`\nok${n + 1}`, pane);
  }
  t.keys('-l', 'touch ran; rm -rf x');
  t.keys('Enter');
  for (const pane of panes) await t.until('denied: rm -rf x (no-rm: denied by rule)', pane);
  expect(existsSync(join(t.home, 'ran'))).toBe(false);
}, 40_000);

test('where nobody answers any more, ^C gives the prompt back and nothing runs', async () => {
  const t = await start();
  await t.run('echo a(math 1)', /^a1$/m);
  t.hangUp();
  t.keys('-l', 'touch ran');
  t.keys('Enter');
  await sleep(clock, 500);
  t.keys('C-c');
  await t.until(/Interrupted system call|did not answer/);
  await sleep(clock, 500);
  expect(existsSync(join(t.home, 'ran'))).toBe(false);
});
