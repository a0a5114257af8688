import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { terminalsOf } from './terminal.js';

const start = terminalsOf();

const DENIED = 'sallyport: denied: rm -rf x (no-rm: denied by rule)';

const BASH_PREEXEC_LIKE = `
__seen=0
__in_prompt() { local IFS=$'\\n;' a c; read -rd '' -a a <<< "\${PROMPT_COMMAND[*]:-}"; for c in "\${a[@]}"; do [[ "\${c# }" == "$1" ]] && return 0; done; return 1; }
__preexec() { [[ -n "\${READLINE_POINT:-}" || -n "$COMP_LINE" ]] && return; [[ $__on == on ]] || return; __in_prompt "$BASH_COMMAND" && return; __on=off; echo "pre[$BASH_COMMAND]"; }
__precmd() { __on=on; }
trap '__preexec "$_"' DEBUG
PROMPT_COMMAND=__precmd`;

describe('the line gate works beside the settings of the person', () => {
  test.each([
    ['vi mode', 'set -o vi'],
    ['a PROMPT_COMMAND of their own', 'PROMPT_COMMAND="true; x=1"'],
    ['a PROMPT_COMMAND array', 'PROMPT_COMMAND=(true "x=1")'],
    ['a PROMPT_COMMAND that sets PROMPT_COMMAND', "PROMPT_COMMAND='PROMPT_COMMAND=(true)'"],
    ['a readonly PROMPT_COMMAND', 'readonly PROMPT_COMMAND=true'],
    ['a prompt with commands', `PS1='$(echo x)@@ '`],
    ['a prompt function that sets PS1', `p() { local s=$?; PS1="\\[\\e[1m\\]$s \\[\\e[0m\\]@@ "; }; PROMPT_COMMAND=p`],
    ['a prompt of two lines', `PS1='first\\n@@ '`],
    ['a DEBUG trap', 'trap : DEBUG'],
    ['a prompt framework with a DEBUG trap', BASH_PREEXEC_LIKE],
    ['key bindings', `bind '"\\C-g": "hello"'; bind -x '"\\C-t": echo t'; bind 'set editing-mode vi'`],
    ['set -u', 'set -u'],
    ['set -e', 'set -e'],
    ['set -f', 'set -f'],
    ['set -a', 'set -a'],
    ['set -v', 'set -v'],
    ['set -x', 'set -x'],
    ['set -C', 'set -C'],
    ['set -k', 'set -k'],
    ['IFS', 'IFS=sS13:/'],
    ['posix mode', 'set -o posix'],
    ['no history', 'set +o history'],
    ['HISTCONTROL and HISTIGNORE', 'HISTCONTROL=ignoreboth; HISTIGNORE="rm*:echo*"'],
    ['shell options', 'shopt -s nocasematch failglob nullglob extglob xpg_echo dotglob extdebug'],
    ['no comments', 'shopt -u interactive_comments'],
    ['no history expansion', 'set +H'],
    [
      'functions over builtins',
      'read() { :; }; printf() { :; }; history() { :; }; bind() { :; }; kill() { :; }; local() { :; }',
    ],
    ['a function named set, true or declare', 'set() { :; }; true() { false; }; declare() { :; }; alias() { :; }'],
    ['aliases over builtins', "alias printf=false read=false local=false builtin=false set=false fc='false'"],
    ['a function named fc', 'fc() { :; }'],
    ['the hook sourced again', '. /etc/profile; . /etc/profile'],
    ['functions unset', 'unset -f __sallyport_line __sallyport_ask 2>/dev/null; :'],
    ['another locale', 'LC_ALL=C; LANG=C'],
    ['TMOUT', 'TMOUT=60'],
    ['an ERR and a RETURN trap', 'trap : ERR RETURN; set -E -T'],
    ['REPLY and names used inside', 'REPLY=r; declare -i line=1; readonly verb=1 id=2 tries=3'],
    ['a readonly IFS', "IFS=' :SPok'; readonly IFS"],
    ['an editor', 'export EDITOR=/bin/false VISUAL='],
  ])('%s', async (_, rc) => {
    const t = await start({ rc });
    await t.run('echo "one$((1))"', /^one1$/m);
    await t.run('touch ran; rm -rf x', DENIED);
    await t.run('echo "two$((2))"', /^two2$/m);
    await t.run('touch ran; rm -rf x', /(no-rm: denied by rule[\s\S]*){2}/);
    await t.run('echo "three$((3))"', /^three3$/m);
    expect(existsSync(join(t.home, 'ran'))).toBe(false);
    expect(t.refused).toHaveLength(2);
    // Verbose mode shows every command that bash reads, also those of keys and prompts.
    if (rc !== 'set -v') expect(t.screen()).not.toMatch(/__sallyport|bash: /);
  });

  test('after a refusal $?, $_ and PIPESTATUS are as they were', async () => {
    const t = await start();
    await t.run('true | (exit 3) | (exit 4)', '4)\n@@');
    await t.run('rm -rf x', DENIED);
    await t.run(`echo "s=$? p=\${PIPESTATUS[*]}"`, 's=4 p=0 3 4');
    await t.run(': last', 'last\n@@');
    await t.run('rm -rf x', /(no-rm: denied by rule[\s\S]*){2}/);
    await t.run('echo "u=$_"', 'u=last');
  });

  test('tracing shows nothing of the gate', async () => {
    const t = await start({ rc: 'set -x' });
    t.keys('C-l');
    await t.run('echo a', /^a$/m);
    await t.run('rm -rf x', DENIED);
    await t.run('echo b', /^b$/m);
    expect(t.screen()).toMatch(
      /@@ echo a\n\+ echo a\na\n@@ rm -rf x\nsallyport: denied: [^\n]*\n@@ echo b\n\+ echo b\nb/,
    );
  });

  test('a prompt framework sees the commands of the person and no others', async () => {
    const t = await start({ rc: BASH_PREEXEC_LIKE });
    for (const n of [1, 2, 3]) await t.run(`echo "n$((${n}))"`, new RegExp(`^n${n}$`, 'm'));
    await t.run('rm -rf x', DENIED);
    await t.run('echo z$((1))', /^z1$/m);
    expect(
      t
        .screen()
        .match(/pre\[.*\]/g)
        ?.filter((l) => !l.startsWith('pre[echo')),
    ).toEqual([]);
  });

  test('a refused line is in the history, once, and nothing else changed there', async () => {
    const t = await start();
    await t.run('echo a', /^a$/m);
    await t.run('rm -rf x', DENIED);
    await t.run('rm -rf x', /(no-rm: denied by rule[\s\S]*){2}/);
    await t.run('history', /history\n@@$/);
    expect(t.screen()).toMatch(/1 {2}echo a\n +2 {2}rm -rf x\n +3 {2}rm -rf x\n +4 {2}history/);
  });

  test('completion works', async () => {
    const t = await start();
    await t.run('touch some-file', /file\n@@$/);
    t.keys('-l', 'ls so');
    t.keys('Tab');
    await t.until('ls some-file');
    t.keys('Enter');
    await t.until(/\nsome-file\n@@$/);
  });

  test('it is a login shell, and logout works', async () => {
    const t = await start();
    await t.run('shopt login_shell', /login_shell\s+on/);
    await t.run('logout', /logout$/m);
    expect(t.hellos).toHaveLength(1);
  });

  test('a shell that is not bash reads the profile without complaint', async () => {
    const t = await start({ args: ['sh', '-l'] });
    await t.run('echo "a$((1))"', /^a1$/m);
    expect(t.hellos).toHaveLength(0);
  });
});
