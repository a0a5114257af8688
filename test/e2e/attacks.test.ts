import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { shellHomeOf, startBroker, type TestBroker } from '../helpers/broker.js';
import { until } from '../helpers/processes.js';
import { notLater } from '../helpers/until.js';

/**
 * What was tried against a session's bounds from inside it, beside exec-gate.test.ts and isolation.test.ts. Each entry
 * asserts the effect: the victim is still there, the neighbour still works, nothing is left. The line gate has no part
 * in it: scripts come on standard input.
 */
const COME_IN = `
p, login,   engineer, *, @login,   true, allow, checked
p, session, engineer, *, @session, true, allow, checked
p, exec,    engineer, *, @exec,    true, allow, checked
`;
const DENY = `${COME_IN}
p, all,   engineer, *, *,                          true, allow, checked
p, no-rm, *,        *, rm {-r|-R|--recursive} **,  true, deny,  checked
`;
const ALLOW_LIST = `${COME_IN}
p, tools,  engineer, *, {bash|cp|ln|chmod|mkdir|cat|python3|touch|mv} **, true, allow, checked
p, zgrep,  engineer, *, zgrep **,     true, allow, trusted
p, zdiff,  engineer, *, /usr/bin/zdiff **, true, allow, trusted
p, nice,   engineer, *, nice **,      true, allow, trusted
`;
const BIN = fileURLToPath(new URL('../../bin/sallyport', import.meta.url));
const isRoot = process.getuid?.() === 0;
const NOBODY = 65_534;

const PY = `import ctypes, fcntl, mmap, os, signal, struct, sys, threading, time
libc = ctypes.CDLL(None, use_errno=True)
words = lambda *w: (ctypes.c_char_p * (len(w) + 1))(*w, None)
`;
const py = (text: string) => `python3 - <<'EOF'\n${PY}${text}\nEOF`;
const has = (program: string) => ['/usr/bin', '/bin', '/usr/sbin'].some((dir) => existsSync(join(dir, program)));

/** Ways to a denied `rm -r victim`, and the program each needs. */
const WAYS: [string, string, string?][] = [
  ['words too many to count', 'rm -f $(seq 300) -r victim'],
  ['words too many to hand over', 'rm -f $(seq 20000) -r victim'],
  ['a word too long to hand over', 'x=$(printf %0120000d 0); rm -f $x $x $x $x -r victim'],
  ['an abbreviated option', 'rm --recurs victim'],
  ['an option after its operand', 'rm victim -fr'],
  ['braces', '{rm,-r,victim}'],
  ['IFS', 'IFS=,; c=rm,-r,victim; $c'],
  ['ANSI-C quoting', "$'\\x72\\x6d' -r victim"],
  ['base64', 'echo cm0gLXIgdmljdGlt | base64 -d | sh'],
  ['a trap', "trap 'rm -r victim' EXIT; trap - EXIT; (trap 'rm -r victim' USR1; kill -USR1 $BASHPID)"],
  ['PROMPT_COMMAND', "PROMPT_COMMAND='rm -r victim' bash --norc -i <<< true"],
  ['PS1', `PS1='$(rm -r victim)' bash --norc -i <<< true`],
  ['PS4', `PS4='$(rm -r victim)' bash -xc true`],
  ['BASH_ENV', 'echo rm -r victim > env; BASH_ENV=./env bash -c true'],
  ['an exported function', "env 'BASH_FUNC_ls%%=() { rm -r victim; }' bash -c ls"],
  ['an indexed subscript', "a='x[$(rm -r victim)]'; bash -c '(($1))' - \"$a\""],
  ['coproc', 'coproc rm -r victim; wait'],
  ['mapfile', "mapfile -C 'rm -r victim #' -c 1 <<< x"],
  ['a git alias', "git -c 'alias.x=!rm -r victim' x", 'git'],
  ['an editor', 'vim -es -c ":!rm -r victim" -c q', 'vim'],
  ['a compiler', 'gcc -wrapper rm,-r,--,victim -x c /dev/null', 'gcc'],
  ['make', "printf 'all:\\n\\trm -r victim\\n' | make -f -", 'make'],
  ['script', "script -qc 'rm -r victim' /dev/null", 'script'],
  ['expect', "expect -c 'spawn rm -r victim; expect eof'", 'expect'],
  ['flock', 'flock lock rm -r victim', 'flock'],
  ['zsh', "zsh -fc 'rm -r victim'", 'zsh'],
  ['fish', "fish -Nc 'rm -r victim'", 'fish'],
  ['a terminal server', "tmux -L x new-session -d 'rm -r victim'; sleep 0.4; tmux -L x kill-server", 'tmux'],
  ['busybox, which runs rm itself', 'busybox rm -r victim', 'busybox'],
  ['busybox in busybox', 'busybox busybox rm -r victim', 'busybox'],
  ['a shell of busybox', "busybox sh -c 'rm -r victim; busybox rm -r victim'", 'busybox'],
  ['a link to busybox', 'ln -s "$(command -v busybox)" rm; ./rm -r victim', 'busybox'],
  ['another name in argv', 'cp /usr/bin/rm tidy; (exec -a rm ./tidy -r victim)'],
  ['no argv at all', py('libc.execve(b"/usr/bin/rm", None, None)')],
  ['a path of four thousand bytes', `p=/usr; for i in $(seq 400); do p=$p/../usr; done; $p/bin/rm -r victim`],
  [
    'a path of no process can read',
    py(`
page = mmap.mmap(-1, 8192)
libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
at = ctypes.addressof(ctypes.c_char.from_buffer(page)); page[:12] = b"/usr/bin/rm\\0"
libc.mprotect(at, 8192, 0); libc.execve(ctypes.c_void_p(at), words(b"rm", b"-r", b"victim"), None)`),
  ],
  [
    'a process without an exec to trace',
    py(`
pid = libc.syscall(56 if os.uname().machine == "x86_64" else 220, 0x800000 | 17, 0, 0, 0, 0)
if pid == 0: libc.execve(b"/usr/bin/rm", words(b"rm", b"-r", b"victim"), None); os._exit(0)
time.sleep(0.2)`),
  ],
  [
    'the x32 ABI',
    py(`
if os.uname().machine == "x86_64" and os.fork() == 0:
    libc.syscall(0x40000208, b"/usr/bin/rm", words(b"rm", b"-r", b"victim"), None); os._exit(0)
time.sleep(0.2)`),
  ],
  [
    'the 32-bit gate',
    py(`
# mov eax, 11; int 0x80; ret, with path and argv below 4 GiB
if os.uname().machine == "x86_64" and os.fork() == 0:
    libc.mmap.restype = ctypes.c_void_p
    at = libc.mmap(None, 4096, 7, 0x62, -1, 0)
    def put(o, b): ctypes.memmove(at + o, b, len(b))
    put(0, b"\\x53\\xbb" + struct.pack("<I", at + 256) + b"\\xb9" + struct.pack("<I", at + 512) + b"\\x31\\xd2\\xb8\\x0b\\0\\0\\0\\xcd\\x80\\x5b\\xc3")
    put(256, b"/usr/bin/rm\\0rm\\0-r\\0victim\\0"); put(512, struct.pack("<IIII", at + 268, at + 271, at + 274, 0))
    ctypes.CFUNCTYPE(None)(at)(); os._exit(0)
time.sleep(0.2)`),
  ],
];

const settings: [string, () => Promise<TestBroker>, number | undefined][] = [
  ['run by the one who runs the tests', () => startBroker({ policy: DENY }), undefined],
];
if (isRoot) {
  const as = { uid: NOBODY, bin: BIN };
  settings.push(['run by an ordinary user', () => startBroker({ policy: DENY, as }), NOBODY]);
}

describe.each(settings)('a broker %s', (_who, start, uid) => {
  let broker: TestBroker;
  let home = '';
  beforeAll(async () => {
    broker = await start();
    home = shellHomeOf(broker.home, uid);
  });
  afterAll(() => broker?.stop());

  it('no way leads to a denied program', async () => {
    const tried = WAYS.filter(([, , needs]) => needs === undefined || has(needs));
    const scripts = tried.map(
      ([, way], i) => `mkdir -p w${i}/victim/x; cd w${i}; (${way}\n) </dev/null >/dev/null 2>&1; cd ..`,
    );
    const inThrees = [0, 1, 2].map((n) => scripts.filter((_, i) => i % 3 === n).join('\n'));
    await Promise.all(inThrees.map((script) => broker.exec('bash', script)));
    const fallen = tried.filter((_, i) => !existsSync(join(home, `w${i}`, 'victim', 'x')));
    expect(fallen.map(([name]) => name)).toEqual([]);
  });

  it('nothing outlives the end of its session', async () => {
    await broker.exec(
      'bash',
      `mkdir alive; cd alive\n${py(`
def stay(tag):
    for s in range(1, 65):
        try: signal.signal(s, signal.SIG_IGN)
        except (OSError, ValueError): pass
    while True: open(tag, "w").write(str(time.time())); time.sleep(0.02)
def daemon(tag, first=lambda: None):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0: first(); stay(tag)
        os._exit(0)
daemon("forked twice")
daemon("threads", lambda: [threading.Thread(target=time.sleep, args=(99,), daemon=True).start() for _ in range(50)])
daemon("subreaper", lambda: libc.prctl(36, 1, 0, 0, 0))
daemon("no death signal", lambda: libc.prctl(1, 0, 0, 0, 0))
daemon("vfork", lambda: libc.syscall(58) == 0 or stay("vfork parent") if os.uname().machine == "x86_64" else None)
daemon("stops", lambda: os.fork() == 0 or os.kill(os.getpid(), signal.SIGSTOP))
time.sleep(0.8)`)}`,
    );
    const alive = join(home, 'alive');
    const stamps = () => readdirSync(alive).map((name) => readFileSync(join(alive, name), 'utf8'));
    expect(stamps().length).toBeGreaterThanOrEqual(4);
    const before = stamps();
    await sleep(300);
    expect(stamps()).toEqual(before);
  });

  it('a session sees and reaches nothing of the broker', async () => {
    const { stdout } = await broker.exec(
      'bash',
      `for p in ${broker.home}/state ${broker.home}/recordings ${broker.home}/run/control.sock /proc/1/root${broker.home}/state; do
  [ -e $p ] && echo seen $p
done
grep -l ${broker.home} /proc/[0-9]*/cmdline 2>/dev/null
${py(`
for number in range(3, 256):
    try: print("descriptor", os.readlink(f"/proc/self/fd/{number}"))
    except OSError: pass
for pid in (${broker.process.pid}, -1):
    try: os.kill(pid, 0) if pid > 0 else None; print("reached", pid) if pid > 0 else None
    except OSError: pass`)}`,
    );
    expect(stdout.split('\n').filter((line) => line !== '' && !/descriptor \/proc\/\d+\/fd/.test(line))).toEqual([]);
  });

  it('what one session does to the gate its neighbours do not feel', async () => {
    const { stdout: before } = await broker.exec('echo up');
    const neighbour = broker.exec(
      'for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do sleep 0.2; /bin/true; done; echo still',
    );
    const hostile = broker.exec(
      'bash',
      py(`
open("leased", "w").write("#!/bin/sh\\n"); os.chmod("leased", 0o755)
held = os.open("leased", os.O_RDWR); fcntl.fcntl(held, 10, 23); fcntl.fcntl(held, fcntl.F_SETLEASE, fcntl.F_WRLCK)
try: os.execv("./leased", ["./leased"])
except OSError: pass
text = ctypes.create_string_buffer(3 * 4096); edge = ctypes.addressof(text) + 4095 & ~4095; ctypes.memset(edge, 65, 8000)
env = (ctypes.c_void_p * 60001)(*[edge + 4095] * 60000, None)
many = words(b"true", *[b"\\1" * 90] * 9000)
for _ in range(3): os.fork()
for _ in range(6): libc.execve(b"/nowhere", None, env); libc.execve(b"/nowhere", many, None)
if os.fork() == 0: libc.execve(b"/bin/true", words(b"x" * 100000), None)`),
    );
    await hostile;
    expect(before).toBe('up\n');
    expect((await neighbour).stdout).toBe('still\n');
    expect(broker.log()).not.toContain('stalled');
  });

  it('rubbish in the FIFOs of the line gate stops neither the shell nor its end', async () => {
    const shell = await broker.shell();
    onTestFinished(() => shell.kill());
    const flood = 'for f in q a; do (timeout 0.7 cat /dev/urandom >/run/sallyport/$f &); done; sleep 1';
    await shell.line(`${flood}; echo over-$((40+2))`, 'over-42', 15_000);
    await shell.line('(yes "" | head -c 3000000 >/run/sallyport/q); echo and-$((40+2))', 'and-42', 15_000);
    const questions = "(yes SP1x | tr x '\\000' | timeout 3 head -c 300000 >/run/sallyport/q)";
    await shell.line(`${questions}; sleep 1; echo at-$((40+2))`, 'at-42', 15_000);
    shell.type('exit\r');
    expect(await shell.exit()).toBe(0);
    expect(broker.log()).not.toContain('stalled');
  });

  it('a leader that ends amid noise ends the session, whatever goes on behind it', async () => {
    const shell = await broker.shell();
    const began = Date.now();
    shell.type(
      "for i in 1 2 3 4; do (trap '' HUP TERM INT; while :; do printf %01000d 0; done) & done; sleep 0.3; exit 4\r",
    );
    expect(await shell.exit()).toBe(4);
    notLater(Date.now() - began, 6_000);
    await until('the session is gone', async () => (await broker.json<unknown[]>('sessions')).length === 0);
  });

  it('what comes from a session acts on no terminal of an admin', async () => {
    const evil = '\u001b]0;PWN\u0007\u009b31m\u202e';
    await broker.exec(`true; : '${evil}'`);
    await broker.exec('bash', `/bin/echo '${evil}' >/dev/null; (exec -a '${evil}' true); rm -r '${evil}'`);
    await new Promise((done) => {
      const child = spawn('ssh', [...broker.sshArgs('-T', '-o', `SetEnv=LC_ALL=${evil}`), 'true'], { stdio: 'ignore' });
      child.once('close', done);
    });
    for (const args of [['audit'], ['recordings'], ['sessions'], ['status']]) {
      const { stdout } = await broker.cli(...args);
      expect(stdout).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
    }
    expect(broker.log()).not.toContain('\u001b');
  });
});

describe('an allow list holds', () => {
  let broker: TestBroker;
  let home = '';
  beforeAll(async () => {
    broker = await startBroker({ policy: ALLOW_LIST });
    home = shellHomeOf(broker.home);
    mkdirSync(home, { recursive: true });
  });
  afterAll(() => broker?.stop());

  /** A link that leads to an allowed script and to another in turn: the interpreter opens it after the decision. */
  it.each(['zgrep', 'zdiff'])('a script is not another one by the time it is read (%s)', async (name) => {
    const { stdout } = await broker.exec(
      'bash',
      py(`
script, mine = "/usr/bin/${name}", os.path.abspath("mine-${name}")
first = open(script, "rb").readline()
open(mine, "wb").write(first + b"/usr/bin/id > ran-${name}; echo mine >> ran-${name}\\n"); os.chmod(mine, 0o755)
stop = False
def flip():
    while not stop:
        for to in (mine, script):
            os.symlink(to, "next-${name}"); os.replace("next-${name}", "link-${name}"); time.sleep(0.0003)
os.symlink(script, "link-${name}")
thread = threading.Thread(target=flip); thread.start()
for _ in range(60):
    pid = os.fork()
    if pid == 0:
        os.dup2(os.open("/dev/null", 1), 1); os.dup2(1, 2)
        try: os.execv("./link-${name}", ["x", "a", "b"])
        except OSError: os._exit(1)
    os.waitpid(pid, 0)
stop = True; thread.join()
print("tried")`),
    );
    expect(stdout).toBe('tried\n');
    expect(existsSync(join(home, `ran-${name}`))).toBe(false);
    expect((await broker.exec('zgrep -c root /etc/passwd')).stdout).toMatch(/^\d+\n$/);
  });

  it('trusted is not for an environment that becomes another after the question', async () => {
    const { stdout } = await broker.exec(
      'bash',
      py(`
text = ctypes.create_string_buffer(b"XX_PRELOAD=/nothing"); at = ctypes.addressof(text)
env = (ctypes.c_void_p * 2)(at, None)
argv = words(b"nice", b"sh", b"-c", b"echo trusted $LD_PRELOAD")
def flip():
    while True: ctypes.memmove(at, b"LD", 2); ctypes.memmove(at, b"XX", 2)
for _ in range(80):
    pid = os.fork()
    if pid == 0:
        os.dup2(os.open("/dev/null", 1), 2)
        threading.Thread(target=flip, daemon=True).start(); time.sleep(0.002)
        libc.execve(b"/usr/bin/nice", argv, env); os._exit(1)
    os.waitpid(pid, 0)`),
    );
    expect(stdout).toContain('trusted\n');
    expect(stdout).not.toContain('/nothing');
  });

  it('what no row names does not run, by name or by path', async () => {
    const { stdout } = await broker.exec('bash', 'touch made; cat made; id -u; /usr/bin/id -u');
    expect(stdout).toBe('');
    expect(statSync(join(home, 'made')).size).toBe(0);
  });
});
