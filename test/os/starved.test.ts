import { type ChildProcess, spawn } from 'node:child_process';
import { afterEach, expect, it } from 'vitest';
import { starvation } from '../../src/os/starved.js';
import { waitUntil } from '../helpers/until.js';

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** Programs that keep one CPU, the first of this machine's, busy. */
function busy(nice: number): number {
  const child = spawn('taskset', ['-c', '0', 'nice', '-n', String(nice), 'sh', '-c', 'while :; do :; done'], {
    stdio: 'ignore',
  });
  children.push(child);
  return child.pid ?? 0;
}

const mono = () => performance.now();

it('a process that wants to run and is kept from it is starved', { timeout: 60_000 }, async () => {
  for (let i = 0; i < 12; i += 1) busy(0);
  const starved = starvation(busy(19), mono);
  starved();
  await waitUntil(starved, 50_000);
});

it('a process that hangs, or is gone, is not', { timeout: 60_000 }, async () => {
  const waiting = spawn('sleep', ['1000'], { stdio: 'ignore' });
  children.push(waiting);
  const stopped = busy(0);
  const looks = [waiting.pid ?? 0, stopped, 0x7fff_fff0].map((pid) => starvation(pid, mono));
  process.kill(stopped, 'SIGSTOP');
  for (let i = 0; i < 5; i += 1) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(looks.map((look) => look())).toEqual([false, false, false]);
  }
});
