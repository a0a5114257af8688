import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBroker, type TestBroker } from '../helpers/broker.js';
import { openTerminal } from '../helpers/terminal.js';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.stop());

const sha = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex');

/** ssh without a local terminal, as raw bytes. */
function raw(args: string[], input?: Buffer): Promise<{ code: number | null; out: Buffer }> {
  return new Promise((resolve) => {
    const child = spawn('ssh', args, { stdio: ['pipe', 'pipe', 'ignore'] });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    for (const stream of child.stdio) stream?.on('error', () => {});
    if (input) child.stdin.end(input);
    child.on('close', (code) => resolve({ code, out: Buffer.concat(chunks) }));
  });
}

describe('no byte is lost, none is changed', () => {
  it('20 MB out through a pty, to the last byte before the exit status', async () => {
    const line = 'head -c 20000000 /dev/zero | tr "\\0" x; exit 5';
    const { code, out } = await raw([...broker.sshArgs('-tt'), `stty raw; ${line}`]);
    expect(code).toBe(5);
    expect(out.length).toBe(20_000_000);
    expect(sha(out)).toBe(sha(Buffer.alloc(20_000_000, 'x')));
  });

  it('every byte value in and out without a pty', async () => {
    const bytes = Buffer.concat([Buffer.from(Array.from({ length: 256 }, (_, i) => i)), randomBytes(3_000_000)]);
    const { code, out } = await raw([...broker.sshArgs('-T'), 'cat'], bytes);
    expect(code).toBe(0);
    expect(sha(out)).toBe(sha(bytes));
  });

  it('every byte value in and out through a raw pty, once it is raw', async () => {
    const bytes = Buffer.concat([Buffer.from(Array.from({ length: 256 }, (_, i) => i)), randomBytes(200_000)]);
    const command = `stty raw -echo; printf go; head -c ${bytes.length}`;
    const child = spawn('ssh', [...broker.sshArgs('-tt', '-e', 'none'), command], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    for (const stream of child.stdio) stream?.on('error', () => {});
    let out = Buffer.alloc(0);
    child.stdout.on('data', (chunk: Buffer) => {
      const waiting = !out.includes('go');
      out = Buffer.concat([out, chunk]);
      if (waiting && out.includes('go')) child.stdin.write(bytes);
    });
    await new Promise((resolve) => child.on('close', resolve));
    expect(sha(out.subarray(out.indexOf('go') + 2))).toBe(sha(bytes));
  });

  it('the last line of quick commands, sixty times', async () => {
    const runs = Array.from({ length: 60 }, (_, i) => i);
    for (let at = 0; at < runs.length; at += 10) {
      const outs = await Promise.all(
        runs.slice(at, at + 10).map((i) => raw([...broker.sshArgs('-tt'), `seq 1 200; echo last-${i}; exit 9`])),
      );
      for (const [j, { code, out }] of outs.entries()) {
        expect(code).toBe(9);
        expect(out.toString()).toMatch(new RegExp(`200\\r\\nlast-${at + j}\\r\\n$`));
      }
    }
  });

  it('sessions side by side each get their own bytes and no other', async () => {
    const letters = [...'abcdefgh'];
    const outs = await Promise.all(
      letters.map((c) => raw([...broker.sshArgs('-tt'), `stty raw; head -c 1000000 /dev/zero | tr '\\0' ${c}`])),
    );
    for (const [i, { out }] of outs.entries()) expect(sha(out)).toBe(sha(Buffer.alloc(1_000_000, letters[i])));
  });
});

it("the client's own terminal modes are those of the session's terminal", async () => {
  const local = 'stty -echo -ixon erase ^H intr ^X susp undef';
  const remote = ['-tt', '-e', 'none'];
  const terminal = openTerminal('sh', [
    '-c',
    `${local}; exec "$@"`,
    'sh',
    'ssh',
    ...broker.sshArgs(...remote),
    'stty -a; echo done',
  ]);
  const shown = await terminal.waitFor('done', { timeoutMs: 20_000 });
  expect(await terminal.exit()).toBe(0);
  for (const mode of ['intr = ^X;', 'erase = ^H;', 'susp = <undef>;', 'quit = ^\\;', ' -echo ', ' -ixon ', ' icanon '])
    expect(shown.replaceAll('\r\n', ' ')).toContain(mode);
});

it('a client that does not read holds its program back, and the broker keeps little', async () => {
  const child = spawn('ssh', [...broker.sshArgs('-tt'), 'yes'], { stdio: ['pipe', 'pipe', 'ignore'] });
  for (const stream of child.stdio) stream?.on('error', () => {});
  child.stdout.pause();
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  const before = await size();
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  const after = await size();
  expect(after - before).toBeLessThan(30_000_000);
  expect((await broker.exec('echo alive')).stdout).toBe('alive\n');
  child.kill('SIGKILL');

  async function size(): Promise<number> {
    const [session] = await broker.json<{ recording: string }[]>('sessions');
    const { statSync } = await import('node:fs');
    return session ? statSync(session.recording).size : 0;
  }
});

// A door and a guard are not for others of their uid to look into.
it.skipIf(process.getuid?.() !== 0)(
  'descriptors are given back: fifty sessions leave the door with as many as before (needs root)',
  async () => {
    const { readdirSync } = await import('node:fs');
    const status = await broker.json<{ doors: { doorPid: number; guardPid: number }[] }>('status');
    const [pair] = status.doors;
    const count = () => [pair?.doorPid, pair?.guardPid].map((pid) => readdirSync(`/proc/${pid}/fd`).length);
    await Promise.all([1, 2, 3].map(() => broker.exec('true')));
    await expect.poll(async () => (await broker.json<unknown[]>('sessions')).length, { timeout: 20_000 }).toBe(0);
    const before = count();
    for (let i = 0; i < 5; i += 1) await Promise.all(Array.from({ length: 10 }, () => broker.exec('true')));
    await expect
      .poll(() => count().map((n, i) => n - (before[i] ?? 0)), { timeout: 20_000 })
      .toEqual([expect.toSatisfy((n: number) => n <= 2), expect.toSatisfy((n: number) => n <= 2)]);
  },
);
