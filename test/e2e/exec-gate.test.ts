import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROMPT, shellHomeOf, startBroker, type TestBroker } from '../helpers/broker.js';
import { until } from '../helpers/processes.js';

const COME_IN = `
p, login,   engineer, *, @login,   true, allow, checked
p, session, engineer, *, @session, true, allow, checked
p, exec,    engineer, *, @exec,    true, allow, checked
`;
const DENY_RM = `${COME_IN}
p, all,   engineer, *, *,     true, allow, checked
p, no-rm, *,        *, rm **, true, deny,  checked
`;

/** As `ssh host bash <script`: nothing in it is a typed line, so that the exec gate alone decides. */
const run = (broker: TestBroker, script: string) => broker.exec('bash', script);
const denials = (text: string) => text.match(/sallyport: denied: .*/g) ?? [];
const py = (text: string) => `python3 - <<'EOF'\nimport os, subprocess, ctypes, threading, pty\n${text}\nEOF`;

describe('a denied program does not run, however it is reached:', () => {
  let broker: TestBroker;
  beforeAll(async () => {
    broker = await startBroker({ policy: DENY_RM });
  });
  afterAll(() => broker?.stop());

  const ways: [string, string][] = [
    ['a variable', 'c=rm; $c victim'],
    ['quoting', '"r"m victim'],
    ['eval', 'eval "r""m victim"'],
    ['an alias', 'shopt -s expand_aliases\nalias tidy=rm\ntidy victim'],
    ['exec', '(exec rm victim)'],
    ['exec under another name', '(exec -a true rm victim)'],
    ['a subshell', '(rm victim)'],
    ['command -p', 'command -p rm victim'],
    ['the hash table', 'hash -p /usr/bin/rm true1; true1 victim'],
    ['another PATH', 'mkdir d; ln -s /usr/bin/rm d/cat; PATH=$PWD/d:$PATH; cat victim'],
    ['an odd path', '/usr/../usr/bin//./rm victim'],
    ['the root of /proc', '/proc/self/root/usr/bin/rm victim'],
    ['a symbolic link', 'ln -s /usr/bin/rm innocent; ./innocent victim'],
    ['a copy', 'cp /usr/bin/rm tidy; ./tidy victim'],
    ['a hard link', 'ln /usr/bin/rm tidy || cp /usr/bin/rm tidy; ./tidy victim'],
    ['a copy in /tmp, renamed', 'cp /usr/bin/rm /tmp/a; mv /tmp/a /tmp/tidy; /tmp/tidy victim'],
    ['bash -c', "bash -c 'rm victim'"],
    ['sh on a pipe', 'echo rm victim | sh'],
    ['env', 'env rm victim'],
    ['env with an empty environment', 'env -i /bin/rm victim'],
    ['nice, timeout and nohup', 'nice timeout 9 nohup rm victim'],
    ['xargs', 'echo victim | xargs rm'],
    ['find -exec', 'find . -name victim -exec rm {} +'],
    ['find -execdir', 'find . -name victim -execdir rm {} \\;'],
    ['sed', "echo x | sed '1e rm victim'"],
    ['tar', 'tar cf /dev/null --checkpoint=1 "--checkpoint-action=exec=rm victim" .'],
    ['awk', 'awk \'BEGIN { system("rm victim") }\''],
    ['perl', 'perl -e \'system("rm", "victim")\''],
    ['setsid', 'setsid -w rm victim'],
    [
      'a double fork in the background',
      '(setsid bash -c "(rm victim; echo over > done) &" &); until [ -e done ]; do sleep 0.02; done',
    ],
    ['a script', "printf '#!/bin/sh\\nrm victim\\n' > s; chmod +x s; ./s"],
    ['a script without its first line', "echo 'rm victim' > s; chmod +x s; ./s"],
    ['a script whose interpreter it is', "printf '#!/usr/bin/rm\\n' > s; chmod +x s; ./s victim"],
    [
      'a script whose interpreter is a script of it',
      "printf '#!/usr/bin/rm\\n' > i; printf '#!%s\\n' $PWD/i > s; chmod +x i s; ./s victim",
    ],
    [
      'the dynamic loader',
      '$(ls /lib64/ld-linux-x86-64.so.2 /lib/ld-linux-aarch64.so.1 2>/dev/null) /usr/bin/rm victim',
    ],
    ['os.system', py('os.system("rm victim")')],
    ['subprocess', py('subprocess.call(["rm", "victim"])')],
    ['execve', py('os.execve("/usr/bin/rm", ["true", "victim"], {})')],
    ['posix_spawn', py('os.waitpid(os.posix_spawn("/bin/rm", ["rm", "victim"], {}), 0)')],
    ['a pty of its own', py('pty.spawn(["rm", "victim"])')],
    ['a descriptor', py('os.execve(os.open("/usr/bin/rm", os.O_RDONLY), ["true", "victim"], {})')],
    [
      'execveat of an empty path',
      py(`libc = ctypes.CDLL(None)
argv = (ctypes.c_char_p * 3)(b"true", b"victim", None)
number = 322 if os.uname().machine == "x86_64" else 281
libc.syscall(number, os.open("/usr/bin/rm", os.O_PATH), b"", argv, (ctypes.c_char_p * 1)(None), 0x1000)`),
    ],
    [
      'execveat beside a descriptor of a directory',
      py(`libc = ctypes.CDLL(None)
argv = (ctypes.c_char_p * 3)(b"true", b"victim", None)
number = 322 if os.uname().machine == "x86_64" else 281
libc.syscall(number, os.open("/usr/bin", os.O_PATH), b"rm", argv, (ctypes.c_char_p * 1)(None), 0)`),
    ],
    [
      'a thread that is not the first',
      py(`t = threading.Thread(target=lambda: os.execv("/usr/bin/rm", ["rm", "victim"]))
t.start(); t.join()`),
    ],
  ];

  it.concurrent.each(ways)('%s', async (name, way) => {
    const dir = `way-${name.replace(/\W+/g, '-')}`;
    const script = `mkdir ${dir}; cd ${dir}; echo keep > victim\n${way}\n[ -e victim ] && echo kept; [ -e s ] || touch s; exit 7`;
    const { stdout, stderr, code } = await run(broker, script);
    expect(stdout).toContain('kept\n');
    expect(existsSync(join(shellHomeOf(broker.home), dir, 'victim'))).toBe(true);
    // What is told is what the program calls itself; where the guard finds no file with a name, no rule is asked.
    expect(denials(stderr).join('\n')).toMatch(
      /denied: .*victim.*(\(no-rm: denied by rule\)|not a file anyone can name)/,
    );
    expect(code).toBe(7);
  });

  it('not even when the path is changed between the answer and the start', async () => {
    const { stdout } = await run(
      broker,
      py(`
open("flipped", "w").close()
stop = False
def flip():
    n = 0
    while not stop:
        n += 1
        os.symlink("/usr/bin/rm" if n % 2 else "/usr/bin/true", "next"); os.replace("next", "link")
os.symlink("/usr/bin/true", "link")
t = threading.Thread(target=flip); t.start()
ran = killed = refused = 0
for i in range(300):
    try:
        status = os.waitstatus_to_exitcode(os.waitpid(os.posix_spawn("./link", ["true", "flipped"], {}), 0)[1])
        ran, killed = ran + (status == 0), killed + (status == -9)
    except PermissionError: refused += 1
    except FileNotFoundError: pass
stop = True; t.join()
print("there" if os.path.exists("flipped") else "gone", ran > 0, killed + refused > 0)`),
    );
    expect(stdout).toBe('there True True\n');
  });

  it('the refusal is EACCES, told once, and the one who asked lives on', async () => {
    const script = `touch kept\n${py(`
for call in (lambda: os.execvp("rm", ["rm", "kept"]), lambda: subprocess.run(["rm", "kept"])):
    try: call()
    except OSError as e: print(e.errno)`)}
rm kept; echo $?; bash -c 'rm kept'; echo $?; [ -e kept ] && echo kept`;
    const { stdout, stderr } = await run(broker, script);
    expect(stdout).toBe('13\n13\n126\n126\nkept\n');
    // The same words by the same parent are told once, also where a search of PATH finds the program twice.
    const told = denials(stderr);
    expect(new Set(told).size).toBe(told.length);
    expect(told[0]).toBe('sallyport: denied: rm kept, started by python3 - (no-rm: denied by rule)');
  });

  it('at a terminal: one line each time, 126, and the login shell is still the same', async () => {
    const shell = await broker.shell();
    await shell.line('touch kept; me=$$; c=rm; echo set-$((1+1))', 'set-2');
    for (const line of ['$c kept', 'c=rm; $c kept', 'c=rm; exec $c kept']) {
      const from = shell.shown().length;
      await shell.line(`${line}; echo status-$?`, 'status-126');
      const told = denials(shell.shown().slice(from));
      expect(told.map((t) => t.trim())).toEqual([
        `sallyport: denied: rm kept, started by /bin/bash -l (no-rm: denied by rule); after the line: ${line}; echo status-$?`,
      ]);
    }
    await shell.line('[ $$ = $me ] && [ -e kept ] && echo same-$((40+2))', 'same-42');
    shell.type('exit\r');
    await shell.exit();
  });

  it('an argument of any bytes is escaped and cut where it is told', async () => {
    const { stderr } = await run(broker, `rm $'\\e]52;c;aGk=\\a\\n' ${'x'.repeat(500)}`);
    expect(denials(stderr)).toHaveLength(1);
    expect(stderr.split('\n')[0]).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f]/);
    expect(denials(stderr)[0]?.length).toBeLessThan(400);
  });

  let tries = 0;
  it.each(['SIGKILL', 'SIGSTOP'] as const)('a door that gets %s lets nothing start', async (signal) => {
    tries += 1;
    const place = join(shellHomeOf(broker.home), `${signal}${tries}`);
    // Waits by means of the shell alone, for a sign that comes when the door no longer answers.
    const ended = broker.exec(
      `mkdir ${signal}${tries}; cd ${signal}${tries}; mkfifo f; exec 9<>f; touch started
       until [ -e go ]; do read -t 0.05 -u 9; done; : > seen; touch late; sleep 60`,
    );
    await until('the command runs', () => existsSync(join(place, 'started')));
    const { doors } = await broker.json<{ doors: { doorPid: number }[] }>('status');
    process.kill(doors[0]?.doorPid ?? 0, signal);
    writeFileSync(join(place, 'go'), '');
    expect((await ended).code).toBe(255);
    // Else it was ended before it came to try, which says nothing.
    if (signal === 'SIGSTOP' && !existsSync(join(place, 'seen'))) throw new Error('late: it never tried');
    expect(existsSync(join(place, 'late'))).toBe(false);
    await until('a new pair is up', async () => (await broker.exec('true')).code === 0);
  });
});

describe('an allow by name means only a file where the account cannot write:', () => {
  let broker: TestBroker;
  beforeAll(async () => {
    const tools = '{bash|cp|ln|chmod|mkdir|cat|ls|touch} **';
    broker = await startBroker({
      policy: `${COME_IN}\np, tools, engineer, *, ${tools}, true, allow, checked\np, py, engineer, *, python3 **, true, allow, checked\n`,
    });
  });
  afterAll(() => broker?.stop());

  it.each([
    ['the program itself, unallowed', '/usr/bin/id'],
    ['a copy', 'cp /usr/bin/id ls; ./ls'],
    ['a copy found by PATH', 'mkdir d; cp /usr/bin/id d/ls; PATH=$PWD/d:$PATH; ls'],
    ['a copy in /tmp', 'cp /usr/bin/id /tmp/ls; /tmp/ls'],
    ['a symbolic link', 'ln -s /usr/bin/id ls; ./ls'],
    ['another first argument', '(exec -a ls /usr/bin/id)'],
    ['a script', "printf '#!/bin/bash\\necho uid=mine\\n' > ls; chmod +x ls; ./ls"],
    ['a descriptor', py('os.execve(os.open("/usr/bin/id", os.O_RDONLY), ["ls"], {})')],
    [
      'the dynamic loader',
      'cp $(ls /lib64/ld-linux-x86-64.so.2 /lib/ld-linux-aarch64.so.1 2>/dev/null) ls; ./ls /usr/bin/id',
    ],
    [
      'a file in memory',
      py(`fd = os.memfd_create("ls", 0)
os.write(fd, open("/usr/bin/id", "rb").read())
os.execve(f"/proc/self/fd/{fd}", ["ls"], {})`),
    ],
    [
      'a file that was deleted',
      py(`import shutil
shutil.copy("/usr/bin/id", "ls"); fd = os.open("ls", os.O_RDONLY); os.unlink("ls")
os.execve(fd, ["ls"], {})`),
    ],
  ])('%s', async (name, way) => {
    const dir = `way-${name.replace(/\W+/g, '-')}`;
    const { stdout, stderr } = await run(broker, `mkdir ${dir}; cd ${dir}\n${way}\necho end`);
    expect(stdout).toBe('end\n');
    expect(stderr).toMatch(/sallyport: denied: /);
  });

  it('while a link of the account to an allowed program is that program', async () => {
    const { stdout } = await run(broker, 'ln -s /usr/bin/ls look; touch seen; ./look seen');
    expect(stdout).toBe('seen\n');
  });
});

describe('the word for children', () => {
  let broker: TestBroker;
  beforeAll(async () => {
    broker = await startBroker({
      policy: `${COME_IN}
p, plain,  engineer, *, {env|true|python3|bash} **, true, allow, checked
p, trust,  engineer, *, nice **,    true, allow, trusted
p, lone,   engineer, *, timeout **, true, allow, none
p, lone-b, engineer, *, stdbuf **,  true, allow, trusted
p, lone-c, engineer, *, stdbuf -o0 **, true, allow, none
p, no-rm,  *,        *, rm **,      true, deny,  checked
`,
    });
  });
  afterAll(() => broker?.stop());

  const ran = /^\d+\n$/;
  it.each([
    ['checked: each program needs its own allow', 'env id -u', ''],
    ['trusted: a program no rule speaks of may run', 'nice id -u', ran],
    ['trusted: and so may what that one starts', 'nice setsid -w setsid -w id -u', ran],
    [
      'trusted: but never what a deny names',
      'echo > kept; nice rm -f kept; nice setsid -w rm -f kept; [ -e kept ] || echo gone',
      '',
    ],
    ['trusted: an image with an allow of its own takes the word of that', 'nice env id -u', ''],
    ['trusted: not where the command carries LD_PRELOAD', 'LD_PRELOAD=/nothing nice id -u', ''],
    ['trusted: not where the command carries BASH_ENV', 'BASH_ENV=/nothing nice id -u', ''],
    [
      'trusted: nor where a hook comes later',
      `exec nice setsid -w perl -e '$ENV{PYTHONSTARTUP}="x"; exec "setsid","-w","id","-u"'`,
      '',
    ],
    ['none: nothing at all, not even what is allowed elsewhere', 'timeout 9 true && echo 1', ''],
    ['none: and it beats trusted where both match', 'stdbuf -o0 true && echo 1', ''],
    ['of the login shell is checked', 'id -u', ''],
  ])('%s', async (_name, line, expected) => {
    const { stdout, stderr } = await run(broker, line);
    if (expected === '') {
      expect(stdout).toBe('');
      expect(stderr).toContain('sallyport: denied: ');
    } else expect(stdout).toMatch(expected);
  });

  it('trusted lets what it trusts run a script, but no hook into the shell of it', async () => {
    const home = shellHomeOf(broker.home);
    writeFileSync(join(home, 'script'), '#!/bin/sh\nid -u\n', { mode: 0o755 });
    expect((await run(broker, 'nice ./script')).stdout).toMatch(ran);
    expect((await run(broker, 'ENV=/nothing nice ./script')).stdout).toBe('');
  });
});

describe.skipIf(process.getuid?.() !== 0)('a login shell that has no line gate (needs root)', () => {
  it('is held by the exec gate alone, with the same words', async () => {
    const broker = await startBroker({
      policy: DENY_RM,
      config: { accounts: { nobody: { home: 'private', shell: '/bin/dash' } } },
    });
    try {
      const home = shellHomeOf(broker.home);
      writeFileSync(join(home, '.profile'), `PS1='${PROMPT}'\n`);
      const shell = await broker.shell();
      await shell.line('touch kept; me=$$; echo set-$((1+1))', 'set-2');
      for (const line of ['rm kept', '(exec rm kept)']) {
        const from = shell.shown().length;
        await shell.line(`${line}\recho status-$?`, 'status-126');
        expect(denials(shell.shown().slice(from)).map((t) => t.trim())).toEqual([
          'sallyport: denied: rm kept, started by /bin/dash -l (no-rm: denied by rule)',
        ]);
      }
      await shell.line('[ $$ = $me ] && [ -e kept ] && echo same-$((40+2))', 'same-42');
    } finally {
      await broker.stop();
    }
  });
});
