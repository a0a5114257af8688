import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ExecAsk } from '../../src/wire/guard.js';
import { type Harness, startGuard, testAccount, type Verdict } from '../helpers/guard-harness.js';

let harness: Harness;
beforeAll(async () => {
  harness = startGuard();
  await harness.ready;
});
afterAll(() => harness.stop());

const noRm = (ask: ExecAsk): Verdict => ({ allow: !ask.program.names.includes('rm') });
const inHome = (name: string) => join(harness.home, 'homes', testAccount.name, name);

describe('a denied program is caught however it is reached', () => {
  const ways: Record<string, string> = {
    'by name': 'rm victim',
    'through a variable': 'c=rm; $c victim',
    'through env': 'env rm victim',
    'through python': `python3 -c 'import os; os.system("rm victim")'`,
    'through a subshell, detached': '(setsid rm victim; :) & wait',
    'through xargs': 'echo victim | xargs rm',
    'by execveat of a descriptor': `python3 -c 'import os; fd=os.open("/bin/rm", os.O_RDONLY); os.execve(fd, ["rm","victim"], {})'`,
    'by its path through /proc/self/fd': `exec 9</bin/rm; /proc/self/fd/9 victim`,
    'through the dynamic loader':
      '$(ls /lib64/ld-linux-x86-64.so.2 /lib/ld-linux-aarch64.so.1 2>/dev/null) /bin/rm victim',
    'as the interpreter of a script': 'printf "#!/bin/rm -f\\n" > s; chmod +x s; ./s victim',
    'from a thread': `python3 -c 'import threading,os; t=threading.Thread(target=lambda: os.execv("/bin/rm",["rm","victim"])); t.start(); t.join()'`,
  };
  for (const [way, command] of Object.entries(ways)) {
    test(way, async () => {
      harness.decide(noRm);
      const { session } = await harness.run(`touch victim; ${command}; true`);
      expect(existsSync(inHome('victim'))).toBe(true);
      expect(session.asks.some((a) => a.program.names.includes('rm')) || session.notes.length > 0).toBe(true);
    });
  }
});

test('a refused program fails with EACCES, reported as 126, and the shell lives on', async () => {
  harness.decide(noRm);
  const { output } = await harness.run('rm x; echo status=$?; shopt -s execfail; exec rm x; echo alive');
  expect(output).toContain('Permission denied');
  expect(output).toContain('status=126');
  expect(output).toContain('alive');
});

test('an ask names the program, its words, who asks and under which word', async () => {
  harness.decide(() => ({ allow: true, children: 'trusted' }));
  const { session } = await harness.run(`env -- sh -c 'PYTHONSTARTUP=/x LD_PRELOAD= ls "a b"; :'`);
  const ls = session.asks.find((a) => a.argv[0] === 'ls');
  expect(ls).toMatchObject({
    program: { path: '/usr/bin/ls', names: ['ls'], trustedNames: ['ls'] },
    argv: ['ls', 'a b'],
    cut: false,
    parent: ['sh', '-c', 'PYTHONSTARTUP=/x LD_PRELOAD= ls "a b"; :'],
    children: 'trusted',
    fromShell: false,
    part: 'program',
  });
  expect(ls?.hooks.sort()).toEqual(['LD_PRELOAD', 'PYTHONSTARTUP']);
  expect(session.asks[0]).toMatchObject({
    argv: ['env', '--', 'sh', '-c', 'PYTHONSTARTUP=/x LD_PRELOAD= ls "a b"; :'],
    children: 'checked',
    fromShell: true,
  });
});

test('a file of the account is no trusted name; nor is a link of its making', async () => {
  harness.decide(() => ({ allow: true }));
  const { session } = await harness.run('cp /bin/true ./ls; ./ls; ln -sf /bin/true ./cat; ./cat; /usr/bin/true');
  const by = (path: RegExp, name: string) => session.asks.find((a) => path.test(a.program.path) && a.argv[0] === name);
  expect(by(/\/ls$/, './ls')?.program.trustedNames).toEqual([]);
  expect(by(/true$/, './cat')?.program).toMatchObject({ names: ['cat', 'true'], trustedNames: ['true'] });
  expect(by(/true$/, '/usr/bin/true')?.program.trustedNames).toEqual(['true']);
});

test('a memory file and a deleted file have no trusted name', async () => {
  harness.decide(() => ({ allow: true }));
  const code = [
    'import os',
    'fd=os.memfd_create("ls"); os.write(fd, open("/bin/true","rb").read())',
    'os.posix_spawn("/proc/self/fd/%d" % fd, ["ls"], {})',
    'os.wait()',
  ].join('\n');
  const { session } = await harness.run(`python3 -c '${code}'; cp /bin/sleep d; exec 8<d; rm d; /dev/fd/8 0`);
  const odd = session.asks.filter((a) => /memfd|deleted/.test(a.program.path));
  expect(odd).toHaveLength(2);
  for (const ask of odd) expect(ask.program.trustedNames).toEqual([]);
});

test('a script is asked about by its own name, and its interpreter for denies alone', async () => {
  harness.decide(() => ({ allow: true }));
  const { session, output } = await harness.run(
    'printf "#!/bin/sh -e\\necho in-script \\$0 \\$1\\n" > s; chmod +x s; ./s one',
  );
  expect(output).toContain('in-script ./s one');
  const parts = session.asks.filter((a) => a.script);
  expect(parts.map((a) => [a.part, a.argv, a.children])).toEqual([
    ['program', ['./s', 'one'], 'checked'],
    ['interpreter', ['/bin/sh', '-e', './s', 'one'], 'trusted'],
  ]);
});

test('a search along PATH asks nothing about what does not exist', async () => {
  harness.decide(() => ({ allow: true }));
  const { session, status } = await harness.run('no-such-program-here; env no-such-either');
  expect(status).toEqual({ code: 127 });
  expect(session.asks.map((a) => a.argv[0])).toEqual(['env']);
});

test('an answer that never comes is a refusal', async () => {
  harness.decide((ask) => (ask.argv[0] === 'ls' ? 'silence' : { allow: true }));
  const { output, session } = await harness.run('ls; echo status=$?');
  expect(output).toContain('status=126');
  expect(session.notes).toMatchObject([{ kind: 'timeout' }]);
});

test('arguments beyond a bound are cut for the door and whole for the program', async () => {
  harness.decide(() => ({ allow: true }));
  const { output, session } = await harness.run(
    `/bin/echo $(seq 20000) | wc -w; /usr/bin/printf %s "$(printf %100000s)" | wc -c`,
  );
  expect(output.split(/\s+/)).toEqual(expect.arrayContaining(['20000', '100000']));
  expect(session.asks.find((a) => a.argv[0] === '/bin/echo')).toMatchObject({ cut: true });
  expect(session.asks.find((a) => a.argv[0] === '/bin/echo')?.argv).toHaveLength(16_384);
});

test('a path flipped by another process never runs the wrong program', async () => {
  harness.decide((ask) => ({ allow: !ask.argv.includes('marker') || ask.program.path === '/usr/bin/true' }));
  const code = `
import ctypes, mmap, os, shutil, time
shutil.copy("/usr/bin/touch", "./touchy"); os.chmod("./touchy", 0o755)
good = b"/usr/bin/true\\0"; bad = b"./touchy\\0\\0\\0\\0\\0\\0"
m = mmap.mmap(-1, 4096); m[0:14] = good
flipper = os.fork()
if flipper == 0:
    while True:
        m[0:14] = bad[0:14]; m[0:14] = good
libc = ctypes.CDLL(None)
at = ctypes.addressof(ctypes.c_char.from_buffer(m))
argv = (ctypes.c_char_p * 3)(b"x", b"marker", None); env = (ctypes.c_char_p * 1)(None)
end = time.time() + 2
n = 0
while time.time() < end and n < 2000:
    n += 1
    pid = os.fork()
    if pid == 0:
        libc.execve(ctypes.c_void_p(at), argv, env); os._exit(1)
    os.waitpid(pid, 0)
os.kill(flipper, 9)
print("tried", n)
`;
  const { output, session } = await harness.run(`python3 -c '${code}'`);
  expect(output).toContain('tried');
  expect(existsSync(inHome('marker'))).toBe(false);
  expect(session.asks.some((a) => a.program.path.endsWith('touchy'))).toBe(true);
});

test('under none a program starts no program only if the door says so: the word is sent back with each ask', async () => {
  harness.decide((ask) => (ask.argv[0] === 'sh' ? { allow: true, children: 'none' } : { allow: true }));
  const { session } = await harness.run(`sh -c 'ls; :'`);
  expect(session.asks.find((a) => a.argv[0] === 'ls')).toMatchObject({ children: 'none', fromShell: false });
});

test('the login shell itself needs no answer, a second shell does', async () => {
  harness.decide(() => ({ allow: false }));
  const { output, session } = await harness.run('echo builtin; bash -c true; echo status=$?');
  expect(output).toContain('builtin');
  expect(output).toContain('status=126');
  expect(session.asks.map((a) => a.argv)).toEqual([['bash', '-c', 'true']]);
});

test('job control, stops and signals work under the tracer', async () => {
  harness.decide(() => ({ allow: true }));
  const session = await harness.launch();
  session.type("sh -c 'echo go-$((1+1)); exec sleep 100'\n");
  await session.shows('go-2');
  session.type('\x1a');
  await session.shows('Stopped');
  session.type('fg\n');
  await session.shows(/fg\r\n[\s\S]*exec sleep 100'\r\n$/);
  await new Promise((ok) => setTimeout(ok, 300));
  session.type('\x03');
  session.type('echo st=$?; kill -STOP $BASHPID & while kill -CONT $!; do sleep 0.1; done; exit 5\n');
  expect(await session.exited).toEqual({ code: 5 });
  await session.gone;
  expect(session.output()).toContain('st=130');
});

test('the recording is the broker`s alone', async () => {
  const session = await harness.launch({ command: 'true' });
  await session.gone;
  expect(readFileSync(join(harness.home, 'recordings/2026/01', `${session.sid}.cast`), 'utf8')).toBe('');
});
