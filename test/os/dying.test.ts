import { type ChildProcess, spawn } from 'node:child_process';
import { afterEach, expect, it } from 'vitest';
import { isMoving } from '../../src/os/dying.js';
import { closeFd } from '../../src/os/fd.js';
import { pidfdOpen } from '../../src/os/process.js';
import { waitUntil } from '../helpers/until.js';

const children: ChildProcess[] = [];
const fds: number[] = [];
afterEach(() => {
  for (const child of children.splice(0)) process.kill(-(child.pid ?? 0), 'SIGKILL');
  for (const fd of fds.splice(0)) closeFd(fd);
});

/** A shell in a group of its own. */
function shell(script: string): number {
  const child = spawn('sh', ['-c', script], { stdio: 'ignore', detached: true });
  children.push(child);
  return child.pid ?? 0;
}

function pidfd(pid: number): number {
  const fd = pidfdOpen(pid);
  fds.push(fd);
  return fd;
}

it('a tree of which one process wants a CPU moves, however deep it is', { timeout: 30_000 }, async () => {
  const fd = pidfd(shell('sh -c "while :; do :; done" & wait'));
  await waitUntil(() => isMoving(fd, []), 20_000);
});

it('what sleeps or is stopped does not, unless who reaps it wants one', { timeout: 30_000 }, async () => {
  const asleep = pidfd(shell('sleep 1000 & wait'));
  const stopped = shell('while :; do :; done');
  process.kill(stopped, 'SIGSTOP');
  const held = pidfd(stopped);
  await waitUntil(() => !isMoving(asleep, []) && !isMoving(held, []), 20_000);
  const busy = shell('while :; do :; done');
  await waitUntil(() => isMoving(asleep, [busy]), 20_000);
});

it('of what is gone nothing is said', () => {
  expect(isMoving(-1, [0x7fff_fff0])).toBe(false);
});
