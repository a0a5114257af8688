import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Capabilities } from '../../src/guard/probe.js';
import { compiledDir } from '../helpers/compiled.js';
import { asRoot, type Harness, startGuard, testAccount } from '../helpers/guard-harness.js';

const inPython = (code: string) => `python3 -c '${code}'`;
const syscallFrom = 'import ctypes,os; libc=ctypes.CDLL(None,use_errno=True)';

for (const gate of ['exec', 'line-only'] as const) {
  describe(`a session's walls, gate ${gate}`, () => {
    let harness: Harness;
    beforeAll(async () => {
      harness = startGuard({ gate });
      await harness.ready;
    });
    afterAll(() => harness.stop());

    test('the broker`s home and the host`s /tmp and /run are out of sight', async () => {
      writeFileSync(join(harness.home, 'secret'), 'treasure');
      const { output } = await harness.run(
        `cat ${harness.home}/secret; ls -A /tmp; ls -A /run | grep -v home; ls ${harness.home}`,
      );
      expect(output).not.toContain('treasure');
      expect(output.match(/No such file/g)?.length).toBe(2);
    });

    test('it sees its own processes alone, and is not the first of them', async () => {
      const { output } = await harness.run(
        'echo me=$$; ls -d /proc/[0-9]* | wc -l; cat /proc/1/environ; kill -9 1; echo alive',
      );
      expect(output).toContain('me=2');
      expect(Number(/^\d+$/m.exec(output)?.[0])).toBeLessThan(6);
      expect(output).toContain('alive');
    });

    test('it holds three descriptors and no more, pty or not', async () => {
      // Not through a pipe: the shell holds its ends for a moment.
      const list = 'ls -1 /proc/$$/fd; true';
      const fds = (output: string) =>
        [...output.matchAll(/^(\d+)\r?$/gm)].map((m) => Number(m[1])).filter((fd) => fd !== 255);
      expect(fds((await harness.run(list)).output)).toEqual([0, 1, 2]);
      const pty = { term: 'xterm', cols: 80, rows: 24 };
      expect(fds((await harness.run(list, { pty })).output)).toEqual([0, 1, 2]);
    });

    test('it has no capability, and no program gives it any', async () => {
      const { output } = await harness.run('grep -E "^(Cap(Eff|Prm|Inh|Amb)|NoNewPrivs|Seccomp):" /proc/self/status');
      expect(output.match(/^Cap\w+:\t0+$/gm)).toHaveLength(4);
      expect(output).toContain('NoNewPrivs:\t1');
      expect(output).toContain('Seccomp:\t2');
    });

    test('it is the account, with the account`s groups and no others', async () => {
      const { output } = await harness.run('id -u; id -G; umask; ulimit -n');
      const [uid, groups, umask, files] = output.trim().split('\n');
      expect(uid).toBe(String(testAccount.uid));
      if (asRoot) expect(groups).toBe(String(testAccount.gid));
      expect(umask).toBe('0022');
      expect(Number(files)).toBeLessThanOrEqual(1024);
    });

    test('typing into a terminal, tracing, and namespaces are denied', async () => {
      const code = [
        syscallFrom,
        'b=ctypes.create_string_buffer(b"x")',
        'r=lambda n,*a: (ctypes.set_errno(0), libc.syscall(n,*a), print("call",n,ctypes.get_errno()))',
        'r(16,0,0x5412,b)',
        'r(101,0,0,0,0)',
        'r(272,0x10000000)',
        'r(272,0x20000)',
        'r(56,0x10000011,0,0,0,0)',
        'r(435,0,0)',
        'r(165,b,b,b,0,0)',
        'r(161,b)',
      ].join('\n');
      const { output } = await harness.run(inPython(code), { pty: { term: 'xterm', cols: 80, rows: 24 } });
      const results = [...output.matchAll(/call (\d+) (\d+)/g)].map((m) => `${m[1]}:${m[2]}`);
      expect(results).toEqual(['16:1', '101:1', '272:1', '272:1', '56:1', '435:38', '165:1', '161:1']);
    });

    test('calls of another ABI kill the caller', async () => {
      const x32 = inPython(`${syscallFrom}; libc.syscall(0x40000000+39)`);
      const i386 = inPython(
        'import mmap,ctypes; m=mmap.mmap(-1,4096,prot=7); m.write(bytes.fromhex("b814000000cd80c3")); ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(m)))()',
      );
      const { output } = await harness.run(`${x32}; echo x32=$?; ${i386}; echo i386=$?`);
      expect(output).toContain('x32=159');
      expect(output).toContain('i386=159');
    });

    test('the exit code and the signal are the command`s own', async () => {
      expect((await harness.run('exit 42')).status).toEqual({ code: 42 });
      const killed = (await harness.run('kill -TERM $$')).status;
      expect(killed).toEqual(gate === 'exec' ? { signal: 'SIGTERM' } : { code: 143 });
    });

    test('^C and kill 0 reach the command and not what holds it', async () => {
      const { output } = await harness.run('trap "echo trapped; exit 9" TERM; kill 0; sleep 1');
      expect(output).toContain('trapped');
      const pty = { term: 'xterm', cols: 80, rows: 24 };
      const session = await harness.launch({
        command: 'trap "echo caught" INT; echo re""ady; sleep 2; echo after',
        pty,
      });
      await session.shows('ready');
      session.type('\x03');
      await session.shows('caught');
      await session.shows('after');
      await session.gone;
    });

    test('what a loader would read is not taken from the client', async () => {
      const env = {
        LD_PRELOAD: '/x.so',
        LC_ALL: '../../x',
        BASH_ENV: '/x',
        HOME: '/x',
        LANG: 'C',
        SSH_CLIENT: 'a b c',
      };
      const { output } = await harness.run('env', { env });
      expect(output).not.toMatch(/^(LD_PRELOAD|LC_ALL|BASH_ENV)=|=\/x$/m);
      expect(output).toContain('LANG=C\n');
      expect(output).toContain('SSH_CLIENT=a b c');
      expect(output).toMatch(/^SALLYPORT_SESSION=/m);
    });

    test('account 0 is refused', async () => {
      const account = { name: 'root', uid: 0, gid: 0, home: '/root', shell: '/bin/bash' };
      await expect(harness.launch({ account })).rejects.toThrow('account 0 is never launched');
    });

    // Only root may look: the guard is not dumpable.
    test.runIf(asRoot)('fifty sessions leave no descriptor behind', async () => {
      await harness.run('true');
      const count = () => readdirSync(`/proc/${harness.child.pid}/fd`).length;
      const before = count();
      for (let i = 0; i < 10; i += 1) {
        await Promise.all([1, 2, 3].map(() => harness.run('true')));
        const shells = await Promise.all([harness.launch(), harness.launch()]);
        for (const shell of shells) shell.end();
        await Promise.all(shells.map((s) => s.gone));
      }
      expect(count()).toBeLessThanOrEqual(before);
      expect(readdirSync(join(harness.home, 'homes', testAccount.name)).length).toBeGreaterThanOrEqual(0);
    });
  });
}

test('the machine`s abilities are found by trying', async () => {
  const { probeMachine } = (await import(join(compiledDir(), 'guard/probe.js'))) as {
    probeMachine(): Promise<Capabilities>;
  };
  expect(await probeMachine()).toEqual({ account: asRoot, sandbox: !asRoot, execGate: true, reasons: [] });
});
