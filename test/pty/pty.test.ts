import { spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync, readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isCloexec, pipe } from '../../src/os/fd.js';
import { INPUT_HIGH, openMaster, openPipes } from '../../src/pty/index.js';
import { openPty } from '../../src/pty/open.js';
import { type Harness, startGuard } from '../helpers/guard-harness.js';

const wait = (ms: number) => new Promise((ok) => setTimeout(ok, ms));
const size = { cols: 80, rows: 24 };

test('no later child inherits a terminal`s descriptors', () => {
  const pty = openPty(size);
  expect(isCloexec(pty.master)).toBe(true);
  expect(isCloexec(pty.slave)).toBe(true);
  const seen = spawnSync('ls', ['-l', '/proc/self/fd'], { encoding: 'utf8' }).stdout;
  expect(seen).not.toMatch(/ptmx|pts/);
  closeSync(pty.master);
  closeSync(pty.slave);
});

test('a terminal is in UTF-8 mode', () => {
  const pty = openPty(size);
  const { stdout } = spawnSync('stty', ['-a', '-F', pty.path], { encoding: 'utf8' });
  expect(stdout).toMatch(/(?<!-)iutf8/);
  closeSync(pty.master);
  closeSync(pty.slave);
});

test('a terminal has the modes its client asks for, and the system`s where it says nothing', () => {
  const pty = openPty({
    ...size,
    modes: [
      ...([
        [53, 0],
        [72, 0],
        [36, 0],
        [42, 0],
        [40, 1],
        [61, 0],
        [58, 1],
        [57, 1],
        [91, 1],
        [129, 9600],
      ] as const),
      ...([
        [3, 8],
        [1, 24],
        [10, 255],
        [13, 1],
        [7, 2],
        [17, 3],
        [140, 9],
      ] as const),
    ].map(([mode, value]): [number, number] => [mode, value]),
  });
  const { stdout } = spawnSync('stty', ['-a', '-F', pty.path], { encoding: 'utf8' });
  for (const mode of ['-echo', '-onlcr', '-icrnl', '-iutf8', 'ixoff', '-echoke', 'tostop', 'noflsh', 'cs8'])
    expect(stdout).toMatch(new RegExp(`(?<![-\\w])${mode}\\b`));
  expect(stdout).toContain('speed 9600 baud');
  for (const key of ['erase = ^H', 'intr = ^X', 'susp = <undef>', 'werase = ^A', 'eol2 = ^B', 'quit = ^\\'])
    expect(stdout).toContain(`${key};`);
  for (const mode of ['isig', 'icanon', 'opost', 'ixon', 'echoctl'])
    expect(stdout).toMatch(new RegExp(`(?<!-)${mode}\\b`));
  closeSync(pty.master);
  closeSync(pty.slave);
});

test('input queued for a closed session is never written to what reuses its descriptor', async () => {
  const pty = openPty(size);
  spawnSync('stty', ['raw', '-echo', '-F', pty.path]);
  const io = openMaster(pty.master);
  while (io.write(Buffer.alloc(16_384, 'A'))) await wait(1);
  io.close();
  await wait(20);
  closeSync(pty.slave);
  const { read, write } = pipe();
  const heir = [write];
  while (!heir.includes(pty.master) && heir.length < 64) heir.push(openSync('/dev/null', 'r'));
  await wait(50);
  const leftovers = spawnSync('true', [], { stdio: [read, 'ignore', 'ignore'] });
  expect(leftovers.status).toBe(0);
  const got: Buffer[] = [];
  const ends = openPipes({ stdin: pipe().write, stdout: read, stderr: pipe().read });
  ends.onOutput((chunk) => got.push(chunk));
  await wait(30);
  expect(Buffer.concat(got)).toHaveLength(0);
  ends.close();
  for (const fd of heir) closeSync(fd);
});

test('a program that does not read costs no processor time, and its input is bounded', async () => {
  const pty = openPty(size);
  spawnSync('stty', ['raw', '-echo', '-F', pty.path]);
  const io = openMaster(pty.master);
  let told = true;
  for (let sent = 0; sent < 40 && told; sent += 1) {
    told = io.write(Buffer.alloc(16_384, 'x'));
    await wait(1);
  }
  expect(told).toBe(false);
  const before = process.cpuUsage();
  await wait(500);
  const used = process.cpuUsage(before);
  expect((used.user + used.system) / 1000).toBeLessThan(100);
  io.close();
  closeSync(pty.slave);
  expect(INPUT_HIGH).toBe(65_536);
});

test('a resize reaches the terminal, and after the end nothing', async () => {
  const pty = openPty(size);
  const io = openMaster(pty.master);
  io.resize(132, 50);
  expect(spawnSync('stty', ['size', '-F', pty.path], { encoding: 'utf8' }).stdout).toBe('50 132\n');
  io.close();
  await wait(10);
  io.resize(10, 10);
  expect(spawnSync('stty', ['size', '-F', pty.path], { encoding: 'utf8' }).stdout).not.toBe('10 10\n');
  closeSync(pty.slave);
});

test('bytes go both ways untouched, however they are cut', async () => {
  const pty = openPty(size);
  spawnSync('stty', ['raw', '-echo', '-F', pty.path]);
  const io = openMaster(pty.master);
  const out: Buffer[] = [];
  io.onOutput((chunk) => out.push(chunk));
  const slave = openSync(pty.path, 'r+');
  const child = spawn('cat', [], { stdio: [slave, slave, 'ignore'] });
  const sent = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7) % 256));
  let drained = () => {};
  io.onDrain(() => drained());
  for (let at = 0; at < sent.length; at += 10_000) {
    if (!io.write(sent.subarray(at, at + 10_000)))
      await new Promise<void>((ok) => {
        drained = ok;
      });
  }
  const until = Date.now() + 5_000;
  while (Buffer.concat(out).length < sent.length && Date.now() < until) await wait(5);
  expect(Buffer.concat(out).equals(sent)).toBe(true);
  child.kill();
  closeSync(slave);
  io.close();
  closeSync(pty.slave);
});

describe('with the guard', () => {
  let harness: Harness;
  beforeAll(async () => {
    harness = startGuard();
    await harness.ready;
  });
  afterAll(() => harness.stop());

  test('two hundred fast commands lose no byte, paused or not', async () => {
    let lost = 0;
    const one = async (i: number) => {
      const session = await harness.launch({ command: `printf '%05000d' ${i}`, pty: { term: 'xterm', ...size } });
      const { master } = session.fds;
      if (master === undefined) throw new Error('no terminal');
      session.release();
      const io = openMaster(master);
      // What came in the same breath as `started`, the harness has read.
      let got = session.output();
      io.onOutput((chunk) => {
        got += chunk.toString();
      });
      if (i % 2 === 0) io.pauseOutput();
      await session.exited;
      await io.drain();
      session.end();
      await session.gone;
      await io.drain();
      io.close();
      if (got !== String(i).padStart(5000, '0')) lost += 1;
    };
    for (let i = 0; i < 200; i += 5) await Promise.all([0, 1, 2, 3, 4].map((j) => one(i + j)));
    expect(lost).toBe(0);
    const open = readdirSync('/proc/self/fd').length;
    expect(open).toBeLessThan(120);
  });
});
