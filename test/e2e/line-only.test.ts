import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OPEN_POLICY, shellHomeOf, startBroker, type TestBroker } from '../helpers/broker.js';

const run = promisify(execFile);
const BIN = fileURLToPath(new URL('../../bin/sallyport', import.meta.url));
const isRoot = process.getuid?.() === 0;

describe('gate: line-only', () => {
  let broker: TestBroker;
  let home: string;
  beforeAll(async () => {
    broker = await startBroker({ policy: OPEN_POLICY, config: { gate: 'line-only' } });
    home = shellHomeOf(broker.home);
  });
  afterAll(() => broker.stop());

  it('says so in the banner, refuses denied lines and what it cannot know', async () => {
    const shell = await broker.shell();
    expect(shell.shown()).toContain('only typed lines are decided');
    await shell.line('touch one; rm -r x', 'sallyport: denied: rm -r x (no-rm: denied by rule)');
    await shell.line('c=rm; $c -r x; touch two', /sallyport: denied: .*cannot be known beforehand/);
    await shell.line('alias ls=rm; unalias ls; echo al""ive', 'alive\r\n');
    expect([existsSync(join(home, 'one')), existsSync(join(home, 'two'))]).toEqual([false, false]);
    shell.type('exit 6\r');
    expect(await shell.exit()).toBe(6);
  });

  it('decides ssh host command whole', async () => {
    const refused = await broker.exec('touch half; rm -r x');
    expect([refused.code, existsSync(join(home, 'half'))]).toEqual([126, false]);
    expect(await broker.exec('echo out; exit 3')).toMatchObject({ code: 3, stdout: 'out\n' });
  });

  it('runs administration over ssh all the same, decided verb by verb', async () => {
    expect(await broker.exec('sallyport whoami')).toMatchObject({ code: 0, stderr: '' });
    expect(await broker.exec('sallyport lock --everyone --reason no')).toMatchObject({ code: 4, stdout: '' });
    const { stdout } = await run('ssh', [...broker.sshArgs('-tt'), 'sallyport', 'whoami'], { timeout: 50_000 });
    expect(stdout).toMatch(/user +alice\r\n/);
  });

  it('launches no shell without a terminal, whose lines nobody would see', async () => {
    const { code, stderr } = await run('ssh', broker.sshArgs('-T'), { timeout: 50_000 }).then(
      () => ({ code: 0, stderr: '' }),
      (e: { code: number; stderr: string }) => e,
    );
    expect(code).toBe(126);
    expect(stderr).toMatch(/needs a terminal under gate: line-only/);
  });

  it('ends every process of a session all the same', async () => {
    const shell = await broker.shell();
    const mark = `31${process.pid}`;
    await shell.line(
      `(trap '' HUP TERM; setsid sleep ${mark} & nohup sleep ${mark} >/dev/null 2>&1 &) ; echo up-$((1+1))`,
      'up-2',
    );
    const [session] = await broker.json<{ id: string }[]>('sessions');
    await broker.cli('kill', session?.id ?? '', '--reason', 'test');
    expect(await shell.exit()).toBe(254);
    const left = await run('pgrep', ['-f', `sleep ${mark}`]).then(
      ({ stdout }) => stdout,
      () => '',
    );
    expect(left).toBe('');
  });
});

/** A filter in classic BPF: ptrace(2) fails with EPERM, everything else goes on. x86_64. */
function noPtrace(): Buffer {
  const instructions: [number, number, number, number][] = [
    [0x20, 0, 0, 0],
    [0x15, 0, 1, 101],
    [0x06, 0, 0, 0x0005_0001],
    [0x06, 0, 0, 0x7fff_0000],
  ];
  return Buffer.concat(
    instructions.map(([code, yes, no, value]) => {
      const b = Buffer.alloc(8);
      b.writeUInt16LE(code, 0);
      b.writeUInt8(yes, 2);
      b.writeUInt8(no, 3);
      b.writeUInt32LE(value, 4);
      return b;
    }),
  );
}

describe.runIf(isRoot && process.arch === 'x64')('where the kernel forbids the exec gate', () => {
  it('serve refuses, says what is missing and names the way out; asked for by name, line-only starts', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'sallyport-noptrace-'));
    try {
      const home = join(dir, 'home');
      const filter = join(dir, 'filter');
      writeFileSync(filter, noPtrace());
      await run(process.execPath, [BIN, '--home', home, 'init', '--listen', '127.0.0.1:0']);
      const exec = await serveWithout(filter, home);
      expect(exec.code).toBe(1);
      expect(exec.text).toMatch(/sallyport: .*exec gate.*gate: line-only/);
      writeFileSync(join(home, 'sallyport.yaml'), 'listen: 127.0.0.1:0\ngate: line-only\n');
      const line = await serveWithout(filter, home);
      expect(line.text).toMatch(/ready: .*gate line-only/);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});

describe('on an architecture that is neither x86_64 nor arm64', () => {
  it('serve and doctor say there is no exec gate; asked for by name, line-only starts', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'sallyport-riscv-'));
    try {
      const home = join(dir, 'home');
      // koffi's own binary is chosen by the architecture, so it is loaded first.
      const preload = join(dir, 'preload.mjs');
      const libc = new URL('../../dist/os/libc.js', import.meta.url).href;
      writeFileSync(preload, `await import('${libc}'); Object.defineProperty(process, 'arch', { value: 'riscv64' });`);
      const elsewhere = ['--import', preload, BIN, '--home', home];
      await run(process.execPath, [BIN, '--home', home, 'init', '--listen', '127.0.0.1:0']);
      const refused = await untilReady(process.execPath, [...elsewhere, 'serve']);
      expect(refused).toEqual({
        code: 1,
        text: expect.stringMatching(
          /^sallyport: no exec gate here: .*x86_64 and arm64, and this is riscv64; gate: line-only in [^\n]*\n$/,
        ),
      });
      const doctor = await run(process.execPath, [...elsewhere, 'doctor']).catch((e: { stdout: string }) => e);
      expect(doctor.stdout).toMatch(/exec gate +not here: only `gate: line-only`/);
      expect(doctor.stdout).toContain('this is riscv64');
      writeFileSync(join(home, 'sallyport.yaml'), 'listen: 127.0.0.1:0\ngate: line-only\n');
      expect((await untilReady(process.execPath, [...elsewhere, 'serve'])).text).toMatch(/ready: .*gate line-only/);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});

/** Runs serve under the filter until it is ready or has ended. */
function serveWithout(filter: string, home: string): Promise<{ code: number | null; text: string }> {
  const apart = ['--dev-bind', '/', '/', '--unshare-pid', '--proc', '/proc', '--die-with-parent'];
  const args = [...apart, '--seccomp', '3', process.execPath, BIN, '--home', home, 'serve'];
  return untilReady('bwrap', args, openSync(filter, 'r'));
}

function untilReady(program: string, args: string[], ...fds: number[]): Promise<{ code: number | null; text: string }> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe', ...fds] });
  let text = '';
  return new Promise((resolve) => {
    const see = (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes('ready:')) child.kill('SIGKILL');
    };
    child.stdout?.on('data', see);
    child.stderr?.on('data', see);
    child.once('close', (code) => resolve({ code, text }));
  });
}
