import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.js';
import { runCommand } from '../../src/hooks/command.js';
import { waitUntil } from '../helpers/until.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sallyport-hook-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const run = (argv: string[], more: { input?: string; timeoutMs?: number } = {}) =>
  runCommand({ argv, input: '{"event":"lock"}\n', timeoutMs: 10_000, ...more }, systemClock());
const sh = (script: string, more = {}) => run(['/bin/sh', '-c', script, 'sh', dir], more);
const gone = (pid: number) =>
  !existsSync(`/proc/${pid}`) || /State:\s+Z/.test(readFileSync(`/proc/${pid}/status`, 'utf8'));

describe('a command', () => {
  it('gets the event on stdin, its words as they are, and no shell in between', async () => {
    await sh('cat > "$1/in"');
    expect(readFileSync(join(dir, 'in'), 'utf8')).toBe('{"event":"lock"}\n');
    await run(['/usr/bin/touch', `${dir}/$(id) > x; y`]);
    expect(existsSync(`${dir}/$(id) > x; y`)).toBe(true);
  });

  it('gets PATH alone of the environment', async () => {
    process.env.SALLYPORT_TEST_SECRET = 'x';
    await sh('env > "$1/env"').finally(() => delete process.env.SALLYPORT_TEST_SECRET);
    expect(readFileSync(join(dir, 'env'), 'utf8')).not.toContain('SALLYPORT_TEST_SECRET');
  });

  it.each([
    ['exit 3', /^it ended with 3$/],
    ['echo "no such room" >&2; exit 1', /^it ended with 1: no such room$/],
    ['kill -9 $$', /^it ended with SIGKILL$/],
  ])('that does %s has failed, and is not run again', async (script, message) => {
    const error = await sh(script).catch((e: unknown) => e);
    expect(error).toMatchObject({ again: false, message: expect.stringMatching(message) });
  });

  it('that is not there has failed', async () => {
    await expect(run(['/nonexistent/x'])).rejects.toMatchObject({
      again: false,
      message: expect.stringMatching(/ENOENT/),
    });
  });

  it('that neither reads nor minds how much it writes is no trouble', async () => {
    await run(['/bin/true'], { input: 'x'.repeat(1 << 20) });
    await sh('head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2');
  });

  it('that takes too long is killed with all it started', async () => {
    const late = sh('sleep 987 & echo $! > "$1/pid"; trap "" TERM HUP INT; wait; sleep 987', { timeoutMs: 1_500 });
    await expect(late).rejects.toMatchObject({ again: false, message: 'killed: it took longer than 1500 ms' });
    const pid = Number(readFileSync(join(dir, 'pid'), 'utf8'));
    await waitUntil(() => gone(pid));
  });

  it('that ends takes with it what it left in the background', async () => {
    await sh('sleep 986 & echo $! > "$1/pid"');
    await waitUntil(() => gone(Number(readFileSync(join(dir, 'pid'), 'utf8'))));
  });

  it('is not waited for by what left its group and holds its stderr', async () => {
    const leave = `setsid sh -c 'echo $$ > "$1/pid"; exec sleep 985' sh "$1" &`;
    await sh(`${leave} while [ ! -s "$1/pid" ]; do sleep 0.02; done`);
    process.kill(Number(readFileSync(join(dir, 'pid'), 'utf8')), 'SIGKILL');
  });
});
