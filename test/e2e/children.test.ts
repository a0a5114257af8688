import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shellHomeOf, startBroker, type TestBroker } from '../helpers/broker.js';

/** `mkdir` has no row: whether it ran tells under which word it was started. */
const POLICY = `
p, login,   engineer, *, @login,   true, allow, checked
p, session, engineer, *, @session, true, allow, checked
p, exec,    engineer, *, @exec,    true, allow, checked
p, tools,   engineer, *, {bash|sh|env|true|cat|xargs|find|make|perl|python3|echo|cd|exit|sleep|printf|wait|complete|export|touch|ls} **, true, allow, checked
p, trust,   engineer, *, nice **,           true, allow, trusted
p, build,   engineer, *, make -f trusted **, true, allow, trusted
p, lone,    engineer, *, timeout **,        true, allow, none
p, several, engineer, *, ionice **,         true, allow, checked
p, trusts,  engineer, *, ionice -c3 **,     true, allow, trusted
p, nothing, engineer, *, ionice -c3 -t **,  true, allow, none
p, no-rm,   *,        *, rm **,             true, deny,  checked
`;

let broker: TestBroker;
let home: string;
beforeAll(async () => {
  broker = await startBroker({ policy: POLICY });
  home = shellHomeOf(broker.home);
});
afterAll(() => broker?.stop());

let rooms = 0;
/** Runs a script as `ssh host bash`, in a directory of its own; the directories it could make there. */
async function made(script: string): Promise<string[]> {
  rooms += 1;
  const room = `room${rooms}`;
  await broker.exec(`env -C ~ ${MKDIR} ${room} && cd ${room} && bash`, script);
  return readdirSync(join(home, room), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}
/** Where the account makes directories without mkdir. */
const MKDIR = `python3 -c 'import os, sys; os.mkdir(sys.argv[1])'`;

type Case = [string, string, string];
const cases = (list: Case[]) =>
  it.each(list)('%s', async (_name, script, expected) => {
    expect((await made(script)).join('')).toBe(expected);
  });

describe('words within words', () => {
  cases([
    ['checked: what it starts needs its own row', 'env mkdir a', ''],
    ['trusted: what it starts needs none', 'nice mkdir a', 'a'],
    ['none: nothing is started', 'timeout 9 true && nice mkdir a; nice mkdir b', 'b'],
    ['trusted, then no row, then no row', 'nice setsid -w setsid -w mkdir a', 'a'],
    ['trusted, then checked by a row of its own', 'nice env mkdir a', ''],
    ['trusted, no row, checked, and trusted again', 'nice setsid -w env nice mkdir a', 'a'],
    ['trusted, no row, checked: the word of the last row counts', 'nice setsid -w env mkdir a', ''],
    ['checked, trusted, none', 'env nice timeout 9 mkdir a', ''],
    ['none, whatever comes after', 'timeout 9 nice mkdir a; timeout 9 env nice mkdir b', ''],
    ['a shell between: its children have the word of its row', 'nice bash -c "mkdir a; nice mkdir b"', 'b'],
    [
      'what is denied stays so under every word',
      'touch x; nice rm x; nice setsid -w rm x; nice mkdir a; [ -e x ] && nice mkdir b',
      'ab',
    ],
    ['the word goes with a program, not with those beside it', 'nice mkdir a & mkdir b; wait; mkdir c', 'a'],
  ]);
});

describe('of several rows that match', () => {
  cases([
    ['checked alone is checked', 'ionice mkdir a', ''],
    ['trusted beats checked', 'ionice -c3 mkdir a', 'a'],
    ['none beats both', 'ionice -c3 -t mkdir a; ionice -c3 -t true && nice mkdir b', ''],
  ]);
});

describe('none refuses all descendants', () => {
  it('of forks of forks, whatever rows these would have', async () => {
    const own = await startBroker({
      policy: `${POLICY}\np, py, engineer, *, python3 -c **, true, allow, none\n`,
    });
    try {
      const script = `import os
for depth in range(3):
    if os.fork(): os.wait(); os._exit(0)
try: os.execv("/usr/bin/touch", ["touch", "ran"])
except PermissionError: open("refused", "w").close()`;
      await own.exec(`python3 -c '${script}'`);
      expect(existsSync(join(shellHomeOf(own.home), 'refused'))).toBe(true);
      expect(existsSync(join(shellHomeOf(own.home), 'ran'))).toBe(false);
    } finally {
      await own.stop();
    }
  });
});

describe('trusted is checked where the command carries', () => {
  const hooks = [
    'LD_PRELOAD',
    'LD_AUDIT',
    'LD_LIBRARY_PATH',
    'GLIBC_TUNABLES',
    'GCONV_PATH',
    'BASH_ENV',
    'ENV',
    'BASH_LOADABLES_PATH',
    'ZDOTDIR',
    'PROMPT_COMMAND',
    'PYTHONSTARTUP',
    'PYTHONPATH',
    'PYTHONHOME',
    'PYTHONPYCACHEPREFIX',
    'PYTHONWARNINGS',
    'PERL5OPT',
    'PERL5LIB',
    'RUBYOPT',
    'NODE_OPTIONS',
    'JAVA_TOOL_OPTIONS',
    'MAVEN_OPTS',
    'LUA_INIT_5_4',
    'PHPRC',
    'GOFLAGS',
    'RUSTC_WRAPPER',
    'GCC_EXEC_PREFIX',
    'GIT_SSH_COMMAND',
    'GIT_CONFIG_COUNT',
    'GIT_EXTERNAL_DIFF',
    'GIT_PAGER',
    'GIT_DIR',
    'GIT_COMMON_DIR',
    'SSH_ASKPASS',
    'TAR_OPTIONS',
    'MAKEFLAGS',
    'WGETRC',
    'npm_config_userconfig',
    'OPENSSL_CONF',
    'TERMINFO',
  ];
  it.each([hooks])('%s and the others', async (...names) => {
    // In one go: env sets each for one nice, which may then not start what has no row.
    const script = names.map((name) => `env ${name}=/nothing nice -n 0 mkdir ${name} 2>/dev/null`).join('\n');
    rooms += 1;
    await broker.exec(`env -C ~ ${MKDIR} hooks && cd hooks && bash`, `${script}\nnice mkdir end`);
    expect(readdirSync(join(home, 'hooks'))).toEqual(['end']);
  });

  cases([
    ['an exported function', 'f() { :; }; export -f f; nice mkdir a; export -nf f; nice mkdir b', 'b'],
    [
      'a hook at the end of a long environment',
      `${Array.from({ length: 200 }, (_, i) => `export V${i}=${i}`).join('\n')}\nexport PERL5OPT=-Mx; nice mkdir a; unset PERL5OPT; nice mkdir b`,
      'b',
    ],
    ['a hook behind very many others', 'for i in {1..60}; do export GIT_CONFIG_KEY_$i=x; done; nice mkdir a', ''],
    [
      'a hook that comes while it runs',
      `nice perl -e '$ENV{LD_PRELOAD}="/nothing"; exec "setsid", "-w", "mkdir", "a"'`,
      '',
    ],
    [
      'but not the programs that variables choose',
      'export PAGER=x EDITOR=x VISUAL=x LESSOPEN=x MANPAGER=x BROWSER=x; nice mkdir a',
      'a',
    ],
    ['nor one that is not of its environment', 'PERL5OPT=x true; nice mkdir a', 'a'],
  ]);

  it('nor by what make hands to the recipes of a build that is trusted', async () => {
    const recipes = 'all: ; +@mkdir a && $(MAKE) -f trusted b\nb: ; @mkdir b; (mkdir c); sh -c "mkdir d; mkdir e"\n';
    // sh and make have rows of their own, which say checked: what make runs without a shell is what it trusts.
    expect(await made(`printf '${recipes.replaceAll('\n', '\\n')}' > trusted; make -f trusted`)).toEqual([]);
    const plain = 'all: b ; @mkdir a\\nb: ; @setsid -w setsid -w mkdir b\\n';
    expect(await made(`printf '${plain}' > trusted; make -f trusted`)).toEqual(['a', 'b']);
    const build = 'all: ; @printf "int main(void) { return 0; }" > m.c && gcc -o m m.c && ./m && setsid -w mkdir c\\n';
    expect(await made(`printf '${build}' > trusted; make -f trusted SHELL=/bin/dash`)).toEqual(['c']);
    expect(await made(`printf '${plain}' > trusted; MAKEFLAGS=k make -f trusted`)).toEqual([]);
  });
});

describe('what a shell arranges to have started is decided like anything else:', () => {
  cases([
    ['a pipeline', 'echo x | nice mkdir a | cat; echo x | mkdir b | cat', 'a'],
    ['background jobs', 'nice mkdir a & mkdir b & wait', 'a'],
    ['a subshell and a group', '(nice mkdir a); { mkdir b; }; ( (mkdir c) )', 'a'],
    ['exec', '(exec nice mkdir a); (exec mkdir b); (exec timeout 9 mkdir c)', 'a'],
    ['a coprocess', 'coproc nice mkdir a; wait; coproc mkdir b; wait', 'a'],
    ['process substitution', 'cat <(nice mkdir a) <(mkdir b) > >(cat)', 'a'],
    ['command substitution', 'echo $(nice mkdir a) `mkdir b`', 'a'],
    [
      'xargs, several at once',
      'printf "%s\\n" a b c | xargs -P3 -n1 nice mkdir; printf "%s\\n" d e | xargs -P2 -n1 mkdir',
      'abc',
    ],
    ['find -exec', 'touch 1; find 1 -exec nice mkdir a \\; -exec mkdir b \\;', 'a'],
    [
      'make, whose recipes need rows of their own',
      'printf "all: b c\\nb:\\n\\tenv -u MAKEFLAGS nice mkdir b\\nc:\\n\\tmkdir c\\n" > m; make -k -f m',
      'b',
    ],
    ['a trap', 'trap "nice mkdir a; mkdir b" EXIT; exit 0', 'a'],
    [
      'a function and an alias',
      'shopt -s expand_aliases\nf() { mkdir a; }\nalias g="mkdir b"\nf\ng\nnice mkdir c',
      'c',
    ],
    ['a script under checked', 'printf "#!/bin/sh\\nmkdir a\\nnice mkdir b\\n" > s; sh s', 'b'],
    [
      'a script under trusted: its interpreter needs no row, and what it starts neither',
      'printf "#!/bin/sh\\nmkdir a\\n" > s; perl -e "chmod 0755, q(s)"; nice ./s',
      'a',
    ],
    ['a script under none', 'printf "#!/bin/sh\\nmkdir a\\n" > s; perl -e "chmod 0755, q(s)"; timeout 9 ./s', ''],
  ]);

  it('rc files, PROMPT_COMMAND, PS1, completion', async () => {
    const rc = [
      "PS1='$(mkdir ps; nice mkdir ps-trusted)ready$ '",
      "PROMPT_COMMAND='mkdir pc; nice mkdir pc-trusted'",
      'mkdir rc; nice mkdir rc-trusted',
      'words() { mkdir cf; nice mkdir cf-trusted; COMPREPLY=(); }',
      'complete -F words env; complete -C "mkdir cc" true; complete -C "nice mkdir" cat',
    ];
    const own = await startBroker({ policy: POLICY });
    try {
      const dir = shellHomeOf(own.home);
      writeFileSync(join(dir, '.bashrc'), `${rc.join('\n')}\n`);
      const shell = await own.shell();
      const [{ id } = { id: '' }] = await own.json<{ id: string }[]>('sessions');
      shell.type('env \t\ttrue \t\t\x15cat x\t\t\x15');
      await shell.line('echo $((6*7))', '42');
      await shell.line('echo $((6*7+1))', '43');
      const dirs = readdirSync(dir).filter((name) => !name.startsWith('.'));
      expect(dirs.filter((name) => !name.includes('trusted') && /^(rc|ps|pc|cf|cc)/.test(name))).toEqual([]);
      expect(dirs).toEqual(expect.arrayContaining(['rc-trusted', 'ps-trusted', 'pc-trusted', 'cf-trusted']));
      shell.type('exit\r');
      await shell.exit();
      // A prompt does not repeat itself on the screen; the recording has it each time.
      const marked = (await own.cli('replay', id, '--markers')).stdout;
      for (const name of ['ps', 'pc']) {
        const refusals = new RegExp(`sallyport: denied: mkdir ${name},`, 'g');
        expect(shell.shown().match(refusals)?.length ?? 0).toBeLessThan(2);
        expect(marked.match(new RegExp(`denied: mkdir ${name},`, 'g'))?.length).toBeGreaterThan(2);
      }
    } finally {
      await own.stop();
    }
  });
});
