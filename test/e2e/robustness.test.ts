import { execFileSync, spawn } from 'node:child_process';
import { appendFileSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { OPEN_POLICY, startBroker, type TestBroker } from '../helpers/broker.js';
import { until } from '../helpers/processes.js';

const isRoot = process.getuid?.() === 0;

let broker: TestBroker;
const mounted: string[] = [];
afterEach(async () => {
  await ended(broker, 'SIGKILL');
  for (const dir of mounted.splice(0)) execFileSync('umount', ['-l', dir]);
  await broker.stop();
});

async function ended({ process: child }: TestBroker, signal?: NodeJS.Signals): Promise<number | null> {
  if (signal && child.exitCode === null && child.signalCode === null) child.kill(signal);
  await until('the broker has ended', () => child.exitCode !== null || child.signalCode !== null);
  return child.exitCode;
}

/** A disk of 1 MiB with what the directory holds. */
function smallDisk(dir: string): void {
  const copy = join(broker.dir, 'copy');
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  cpSync(dir, copy, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=700', 'tmpfs', dir]);
  mounted.push(dir);
  cpSync(copy, dir, { recursive: true });
}

function fill(dir: string): void {
  const page = Buffer.alloc(4096);
  try {
    for (;;) appendFileSync(join(dir, 'filler'), page);
  } catch {
    // Full.
  }
}

const lastEvent = (event: string) =>
  readFileSync(join(broker.home, 'state', 'audit.log'), 'utf8')
    .split('\n')
    .filter((line) => line.includes(`"event":"${event}"`))
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .at(-1);

// Only root may look into the broker's processes; as anyone else the test is without its last look.
const fdsOf = (pid: number) => (isRoot ? readdirSync(`/proc/${pid}/fd`).length : 0);

describe.runIf(isRoot)('a full disk', () => {
  it('under the recordings ends the session, which hears why and shows nothing unrecorded; with room others begin', async () => {
    broker = await startBroker({ policy: OPEN_POLICY });
    const dir = join(broker.home, 'recordings');
    smallDisk(dir);
    const shell = await broker.shell();
    fill(dir);
    const from = shell.shown().length;
    shell.type('head -c 100000 /dev/zero | tr "\\\\0" x; echo; echo never-$((1+1))\r');
    expect(await shell.exit()).toBe(254);
    expect(shell.shown().slice(from)).toContain('sallyport: session closed: recording');
    expect(shell.shown()).not.toContain('never-2');
    const refused = await broker.exec('echo unrecorded');
    expect(refused).toMatchObject({ code: 254, stdout: '' });
    expect(refused.stderr).toContain('session closed: recording');
    await until('its end is written down', () => lastEvent('session-end') !== undefined);
    expect(lastEvent('session-end')).toMatchObject({ cause: 'recording' });
    expect(String(lastEvent('session-end')?.reason)).toMatch(/recording cannot be written.*ENOSPC.*disk/);
    rmSync(join(dir, 'filler'));
    expect(await broker.exec('echo recorded')).toMatchObject({ code: 0, stdout: 'recorded\n' });
  });

  it('under the audit log ends every session for that cause, admits nobody, and says what to do', async () => {
    broker = await startBroker({ policy: OPEN_POLICY });
    await ended(broker, 'SIGTERM');
    const dir = join(broker.home, 'state');
    smallDisk(dir);
    await broker.restart();
    const shell = await broker.shell();
    fill(dir);
    for (let i = 0; i < 60 && broker.process.exitCode === null; i += 1) {
      shell.type('ls /; ls /tmp\r');
      await sleep(50);
    }
    expect(await shell.exit()).toBe(254);
    expect(shell.shown()).toContain('sallyport: session closed: recording');
    expect(await ended(broker)).toBe(1);
    expect(broker.log()).toMatch(/audit\.log: cannot be written: .*; see to its disk, then start again/);
    rmSync(join(dir, 'filler'));
    await broker.restart();
    expect(broker.log()).toContain('was cut');
    expect(await broker.exec('echo again')).toMatchObject({ code: 0, stdout: 'again\n' });
  });

  it('under the store leaves grants and locks as they were, and says so', async () => {
    broker = await startBroker({ policy: OPEN_POLICY });
    await ended(broker, 'SIGTERM');
    const dir = join(broker.home, 'state');
    smallDisk(dir);
    await broker.restart();
    const before = readFileSync(join(dir, 'store.json'), 'utf8');
    fill(dir);
    // What is left in the last page of the audit log takes this one line.
    const locked = await broker.cli('lock', '--user', 'alice', '--reason', 'test');
    expect(locked.code).toBe(1);
    expect(locked.stderr).toMatch(/cannot be written|could not be written/);
    rmSync(join(dir, 'filler'));
    if (broker.process.exitCode !== null) await broker.restart();
    expect(readFileSync(join(dir, 'store.json'), 'utf8')).toBe(before);
    expect(await broker.exec('echo in')).toMatchObject({ code: 0 });
    expect((await broker.cli('lock', '--user', 'alice', '--reason', 'test')).code).toBe(0);
  });
});

it('what the machine refuses a session is told to the operator, and no path of the broker to the engineer', async () => {
  broker = await startBroker({ policy: OPEN_POLICY });
  const dir = join(broker.home, 'recordings');
  rmSync(dir, { recursive: true });
  writeFileSync(dir, '');
  const ran = await broker.exec('echo hi');
  expect(ran).toMatchObject({ code: 1, stdout: '' });
  expect(ran.stderr).toMatch(/^sallyport: the session could not be started; .* ask its admins\n$/);
  await until('the operator reads why', () => broker.log().includes('ENOTDIR'));
});

it('a broker whose output nobody reads any more goes on', async () => {
  broker = await startBroker({ policy: OPEN_POLICY });
  broker.process.stdout?.destroy();
  broker.process.stderr?.destroy();
  for (let i = 0; i < 3; i += 1) {
    broker.process.kill('SIGHUP');
    await sleep(200);
  }
  expect(await broker.exec('echo fine')).toMatchObject({ code: 0, stdout: 'fine\n' });
});

it('clients that vanish at any moment leave nothing behind', async () => {
  broker = await startBroker({ policy: OPEN_POLICY });
  await broker.exec('true');
  const doors = async () => (await broker.json<{ doors: Record<string, number>[] }>('status')).doors[0] ?? {};
  const before = await doors();
  const pids = [broker.process.pid ?? 0, before.doorPid ?? 0, before.guardPid ?? 0];
  const held = pids.map(fdsOf);
  const ways = [['-tt'], ['-T', 'yes'], ['-tt', 'sleep 60; true'], ['-T', 'cat']];
  const vanish = async (i: number) => {
    const ssh = spawn('ssh', [...broker.sshArgs(), ...(ways[i % ways.length] ?? [])], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    ssh.stdout.resume();
    for (const stream of ssh.stdio) stream?.on('error', () => {});
    await sleep(i * 25);
    ssh.kill('SIGKILL');
  };
  for (let round = 0; round < 2; round += 1) await Promise.all(Array.from({ length: 20 }, (_, i) => vanish(i)));
  await until('nothing is left', async () => {
    const { sessions, connections, restarts } = await doors();
    return sessions === 0 && connections === 0 && restarts === 0;
  });
  await until('every mark of life is cleared', () => readdirSync(join(broker.home, 'state', 'live')).length === 0);
  await until('every descriptor is closed', () => pids.every((pid, i) => fdsOf(pid) <= (held[i] ?? 0)));
  expect(await broker.exec('echo fine')).toMatchObject({ code: 0 });
});

it('a connection without a session is closed when its user is locked', async () => {
  broker = await startBroker({ policy: OPEN_POLICY });
  const ssh = spawn('ssh', [...broker.sshArgs('-N', '-o', 'LogLevel=INFO')], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  ssh.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  await until('it is logged in', () => lastEvent('login') !== undefined);
  expect((await broker.cli('lock', '--user', 'alice', '--reason', 'test')).code).toBe(0);
  await until('it is closed', () => ssh.exitCode !== null, 10_000);
  expect(said).toContain('sallyport: locked');
});

it('a client that comes while a door dies is served or closed; none waits for ever', async () => {
  broker = await startBroker({ policy: OPEN_POLICY });
  const come = () =>
    new Promise<void>((resolve) => {
      const socket = connect(broker.port, '127.0.0.1');
      socket.on('error', () => {});
      socket.on('close', () => resolve());
      socket.on('data', () => socket.destroy());
    });
  for (let round = 0; round < 3; round += 1) {
    await until('a pair is up', async () => (await broker.exec('true')).code === 0);
    const { doors } = await broker.json<{ doors: { doorPid: number }[] }>('status');
    process.kill(doors[0]?.doorPid ?? 0, 'SIGKILL');
    await Promise.all(Array.from({ length: 12 }, come));
  }
});
