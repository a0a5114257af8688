import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ALGORITHMS } from '../../src/ssh/internals.js';
import { startBroker, type TestBroker } from '../helpers/broker.js';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.stop());

/** OpenSSH puts a space between the words; one of them may be 128 KiB long. */
async function run(words: string[], ...options: string[]) {
  const child = spawn('ssh', [...broker.sshArgs('-T', ...options), ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  const code = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await code, stdout, stderr };
}

describe('a long command', () => {
  it.each(ALGORITHMS.cipher)('of 60 KB runs as it is, under %s', async (cipher) => {
    const { code, stdout } = await run(['echo', 'x'.repeat(60_000), '| wc -c; exit 7'], '-c', cipher);
    expect(stdout.trim()).toBe('60001');
    expect(code).toBe(7);
  });

  it.each([70_000, 120_000])('of %d bytes is refused in one line, and nothing of it runs', async (size) => {
    const { code, stdout, stderr } = await run(['echo ran;', 'true', 'x'.repeat(size)]);
    expect(code).toBe(126);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^sallyport: denied: echo ran; true x{1,200}… \(the line is longer than 64 KiB\)\n$/);
  });

  it('of more than OpenSSH itself takes ends the connection, and the client says why', async () => {
    const { code, stderr } = await run(['true', ...[1, 2, 3].map((n) => String(n).repeat(100_000))]);
    expect(code).toBe(255);
    expect(stderr).toContain('sallyport: a message longer than 256 KiB: give what is long through standard input');
    expect((await broker.exec('echo alive')).stdout).toBe('alive\n');
  });
});
