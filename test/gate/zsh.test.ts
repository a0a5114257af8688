import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { terminalsOf } from './terminal.js';

const start = terminalsOf({ shell: 'zsh' });

const DENIED = 'sallyport: denied: rm -rf x (no-rm: denied by rule)';
const LINE = 'touch ran; rm -rf x';

describe('whatever way a line is entered in zsh, it is decided whole before any of it runs', () => {
  test.each([
    ['Enter', '', ['Enter']],
    ['^J', '', ['C-j']],
    ['^O', '', ['C-o']],
    ['accept-and-hold', '', ['M-a', 'C-u']],
    ['Enter in vi insertion', 'bindkey -v', ['Enter']],
    ['Enter in vi command mode', 'bindkey -v; KEYTIMEOUT=1', ['Escape', 'Enter']],
    ['a widget of the person', "own() { zle .accept-line; }; zle -N own; bindkey '^M' own", ['Enter']],
    ['a rebound accept-line', 'accept-line() { zle .accept-line; }; zle -N accept-line', ['Enter']],
  ])('%s', async (_, rc, keys) => {
    const t = await start({ rc });
    t.keys('-l', LINE);
    for (const key of keys) t.keys(key);
    await t.until(`@@ ${LINE}\n${DENIED}\n@@`);
    await t.run('echo "next $((40 + 2))"', 'next 42\n@@');
    expect(existsSync(join(t.home, 'ran'))).toBe(false);
  });
});

test('a refused line stays on the screen and in the history, and leaves $?', async () => {
  const t = await start();
  await t.run('(exit 3)', /3\)\n@@$/);
  await t.run('rm -rf x', DENIED);
  await t.run('echo "s=$?"', 's=3');
  await t.run('fc -l', /1 {2}\(exit 3\)\n +2 {2}rm -rf x\n +3 {2}echo "s=\$\?"/);
  t.keys('Up', 'Up', 'Up', 'Enter');
  await t.until(/(denied by rule\)[\s\S]*){2}@@$/);
});

test('a bracketed paste of several lines is one line, typed-ahead lines are their own', async () => {
  const t = await start();
  t.paste('touch ran\nrm -rf x');
  t.keys('Enter');
  await t.until(DENIED);
  t.paste('echo a$((1))\nfor i in 1 2\ndo echo b$i\ndone\necho c$((1))');
  t.keys('Enter');
  await t.until(/a1\nb1\nb2\nc1\n@@$/);
  t.paste(`sleep 0.3; echo one$((1))\n${LINE}\necho two$((2))\n`, false);
  await t.until(/\ntwo2\n@@$/);
  expect(t.refused.map((r) => r.text)).toEqual(['touch ran\nrm -rf x', LINE]);
  expect(existsSync(join(t.home, 'ran'))).toBe(false);
});

test('history expansion comes first, and HIST_VERIFY shows it and asks when it is accepted', async () => {
  const t = await start({ rc: 'HISTSIZE=100' });
  await t.run('echo FORB', /\nFORB\n@@$/);
  await t.run('!!IDDEN', 'sallyport: denied: echo FORBIDDEN (no-word: denied by rule)');
  await t.run('echo "no such !event"', /event not found/);
  await t.run('setopt histverify', /verify\n@@$/);
  await t.run('echo FORB', /\nFORB\n@@$/);
  await t.run('!!IDDEN', /@@ echo FORBIDDEN$/);
  t.keys('Enter');
  await t.until(/(no-word: denied by rule\)[\s\S]*){2}@@$/);
  await t.run('setopt nobanghist', /hist\n@@$/);
  await t.run("echo 'a!!'", /^a!!$/m);
});

test('a command over several lines is judged when it is complete', async () => {
  const t = await start({ rc: 'PS2="> "' });
  await t.run('for i in 1 2', /\n>$/);
  await t.run('do echo "n$i"', /"\n>$/);
  await t.run('done', /\nn1\nn2\n@@$/);
  await t.run('if true', /true\n>$/);
  await t.run('then rm -rf x', /x\n>$/);
  await t.run('fi', DENIED);
  await t.run('cat <<END', /\n>$/);
  await t.run('rm -rf y', /y\n>$/);
  await t.run('END', /\nrm -rf y\n@@$/);
  await t.run('rm -rf \\', /\n>$/);
  await t.run('', 'denied: rm -rf');
  t.keys('-l', 'echo "open');
  t.keys('Enter');
  await t.until(/\n>$/);
  t.keys('C-c');
  await t.run('rm -rf x', /(sallyport: denied: rm -rf x[\s\S]*){2}/);
  expect(t.lines.map((l) => l.text)).toEqual(['for i in 1 2\ndo echo "n$i"\ndone', 'cat <<END\nrm -rf y\nEND']);
});

describe("zsh syntax that is not bash's", () => {
  test.each([
    ['a glob qualifier', 'print -l *(N) a$((1))', 'a1'],
    ['a short loop', 'for i (rm b) print $i$((1))', 'b1'],
    ['a short if', 'if (( 1 )) { print c$((1)) }', 'c1'],
    ['repeat', 'repeat 1 print d$((1))', 'd1'],
    ['an anonymous function', '() { print e$((1)) }', 'e1'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: zsh's own
    ['a nested expansion', 'print ${${:-f$((1))}:l} ${(f)"$(print a)"}', 'f1 a'],
    ['an always block', '{ print g } always { print h$((1)) }', 'h1'],
    ['a multi-line short form', 'foreach i (rm); print i$((1)); end', 'i1'],
    ['a hash without comments', 'print j$((1)) #', 'j1 #'],
    ['a glob of alternatives', 'print k$((1)) *(rm|ls)(N)', 'k1'],
  ])('%s is left alone', async (_, line, shown) => {
    const t = await start();
    await t.run(line, new RegExp(`^${shown}$`, 'm'));
    expect(t.refused).toEqual([]);
    expect(t.lines.map((l) => l.text)).toEqual([line]);
  });

  test.each([
    ['beside it', 'touch ran; rm -rf x; print *(N)'],
    ['after a #, which is no comment', 'touch ran # ; rm -rf x'],
    ['behind noglob', 'touch ran; noglob rm -rf x'],
    ['behind command', 'touch ran && command rm -rf x'],
    ['after a short form', 'touch ran; for i (a b) print $i; rm -rf x'],
  ])('a denied command %s is refused', async (_, line) => {
    const t = await start();
    await t.run(line, /sallyport: denied: .*no-rm: denied by rule\)\n@@$/);
    expect(existsSync(join(t.home, 'ran'))).toBe(false);
  });
});

test('a name that no rule allows is refused, but left to the exec gate as an alias or a function', async () => {
  const t = await start();
  await t.run('touch ran; seq 2', 'sallyport: denied: seq 2 (no rule allows it)');
  await t.run('umask', 'sallyport: denied: umask (no rule allows it)');
  await t.run("alias seq='echo alias$((1))'", /'\n@@$/);
  await t.run('seq 2', /^alias1 2$/m);
  expect(existsSync(join(t.home, 'ran'))).toBe(false);
});

describe('the gate works beside the settings of the person', () => {
  test.each([
    ['vi mode', 'bindkey -v'],
    ['a zle-line-finish of their own', 'zle-line-finish() { print -n ""; }; zle -N zle-line-finish'],
    ['add-zle-hook-widget', 'f() { :; }; autoload -Uz add-zle-hook-widget; add-zle-hook-widget line-finish f'],
    ['precmd_functions of their own', 'a() { :; }; precmd_functions=(a)'],
    ['shell options', 'setopt ksharrays shwordsplit nounset extendedglob nullglob noclobber warncreateglobal'],
    [
      'more shell options',
      'setopt errexit allexport interactivecomments posixbuiltins cshnullcmd histignorespace; unsetopt functionargzero',
    ],
    ['xtrace', 'setopt xtrace'],
    ['a prompt of two lines', `PROMPT=$'first\\n@@ '`],
    ['a right prompt', "RPROMPT='right'"],
    ['functions over builtins', 'print() { :; }; printf() { :; }; zle() { :; }; local() { :; }; sysread() { :; }'],
    ['aliases over builtins', "alias local=false builtin=false print=false; alias -g '[['=x"],
    ['another locale', 'LC_ALL=C'],
    ['IFS', 'IFS=sS13:/'],
    ['REPLY and names used inside', 'typeset -i REPLY=1; MATCH=x; typeset -r match=x'],
    ['no history', 'HISTSIZE=0'],
    ['no histchars', "histchars=''"],
  ])('%s', async (_, rc) => {
    const t = await start({ rc });
    await t.run('echo "one$((1))"', /^one1 *(right)?$/m);
    await t.run(LINE, DENIED);
    await t.run('echo "two$((2))"', /^two2$/m);
    await t.run(LINE, /(no-rm: denied by rule[\s\S]*){2}/);
    await t.run('echo "three$((3))"', /^three3$/m);
    expect(existsSync(join(t.home, 'ran'))).toBe(false);
    expect(t.refused).toHaveLength(2);
    expect(t.screen()).not.toMatch(/__sallyport|zsh: /);
  });

  test('a widget that a plugin puts in its place later is wrapped again', async () => {
    const t = await start();
    await t.run('late() { own=seen; }; zle -N zle-line-finish late', /late\n@@$/);
    await t.run(LINE, DENIED);
    await t.run('echo "own=$own"', /^own=seen$/m);
  });

  test('what vared, select and read take is no command', async () => {
    const t = await start({ rc: 'x=1' });
    await t.run('vared x; print "got <$x>"', /\n1$/);
    t.keys('C-u');
    await t.run('rm -rf x', /^got <rm -rf x>$/m);
    await t.run('read y; print "got <$y>"', /\n@@ read y.*$/);
    await t.run('rm -rf y', /^got <rm -rf y>$/m);
    expect(t.refused).toEqual([]);
  });

  test('it is a login shell, completion works, and so does logout', async () => {
    const t = await start({ rc: 'autoload -Uz compinit; compinit -u' });
    await t.run('[[ -o login ]] && echo login$((1)); touch some-file', /^login1$/m);
    t.keys('-l', 'ls so');
    t.keys('Tab');
    await t.until('ls some-file');
    t.keys('Enter');
    await t.until(/\nsome-file\n@@$/);
    t.keys('-l', 'logout');
    t.keys('Enter');
    expect(t.hellos[0]).toMatch(/^zsh /);
  });
});

test('without an answer a line is refused within about two seconds, and ^C while it waits runs nothing', async () => {
  const t = await start({ door: false });
  await t.run('touch ran', 'sallyport: denied: touch ran (the line gate did not answer)');
  t.keys('-l', 'touch ran');
  t.keys('Enter', 'C-c');
  await t.run('true', /(did not answer[\s\S]*){2}/);
  expect(existsSync(join(t.home, 'ran'))).toBe(false);
});

test('lines of any length and of any bytes', async () => {
  const t = await start();
  t.paste(`echo ${'abcdefghi '.repeat(900)}| wc -c`);
  t.keys('Enter');
  await t.until(/\n9000\n@@$/);
  await t.run("echo 'ü €🙂 %s \\n' | cat", /\nü €🙂 %s \n/);
  t.keys('-l', 'echo a');
  t.keys('C-v', 'C-Space', 'C-v', 'C-a', 'Enter');
  await t.until(/the line holds a NUL character/);
  t.paste(`: ${'abcdefghi '.repeat(6_700)}`);
  t.keys('Enter');
  await t.until('(the line is longer than 64 KiB)');
});
