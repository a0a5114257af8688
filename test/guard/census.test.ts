import { expect, test } from 'vitest';
import { createCensus } from '../../src/guard/tracer/census.js';

const LIMIT = 8;

/** Processes of a session as the kernel would know them; `mayCap`: whether the guard may set their limits. */
function scene(mayCap: boolean) {
  const alive = new Set<number>();
  const zombies = new Set<number>();
  const capped = new Set<number>();
  const killed: number[] = [];
  let told = 0;
  const census = createCensus({
    limit: LIMIT,
    slack: 2,
    alive: () => alive.size,
    isTask: (tid) => alive.has(tid),
    full: () => {
      told += 1;
    },
    system: {
      kill: (tid) => void killed.push(tid),
      exists: (tid) => alive.has(tid) || zombies.has(tid),
      isZombie: (tid) => zombies.has(tid),
      processOf: (tid) => tid,
      cap(pid) {
        if (mayCap) capped.add(pid);
        return mayCap ? 100 : undefined;
      },
      uncap: (pid) => void capped.delete(pid),
    },
  });
  const fork = (tid: number, parent: number, thread = false) => {
    alive.add(tid);
    return census.born(tid, parent, thread);
  };
  const exit = (tid: number, reaped: boolean) => {
    alive.delete(tid);
    if (!reaped) zombies.add(tid);
    census.died(tid);
  };
  return { census, alive, zombies, capped, killed, fork, exit, told: () => told };
}

test('a newborn too many dies, and its parent forks no more until an eighth is free', () => {
  const s = scene(true);
  for (let i = 1; i <= LIMIT; i += 1) expect(s.fork(i, 1)).toBe(false);
  expect(s.killed).toEqual([]);
  expect(s.fork(20, 1)).toBe(false);
  expect(s.killed).toEqual([20]);
  expect([...s.capped]).toEqual([1]);
  s.exit(20, true);
  s.census.relax();
  expect([...s.capped]).toEqual([1]);
  s.exit(8, true);
  s.census.relax();
  expect([...s.capped]).toEqual([]);
  expect(s.told()).toBe(1);
});

test('a parent whose limits are not the guard’s to set is held back instead', () => {
  const s = scene(false);
  for (let i = 1; i <= LIMIT; i += 1) s.fork(i, 1);
  expect(s.fork(20, 1)).toBe(true);
  expect(s.killed).toEqual([20]);
});

test('zombies count until their parent has waited for them', () => {
  const s = scene(true);
  s.fork(1, 1);
  for (let i = 2; i <= LIMIT; i += 1) {
    s.fork(i, 1);
    s.exit(i, false);
  }
  s.fork(20, 1);
  expect(s.killed).toEqual([20]);
  s.exit(20, false);
  s.zombies.clear();
  s.fork(21, 1);
  expect(s.killed).toEqual([20]);
});

test('a process that forks on is killed itself: soon beyond the slack, at last below it', () => {
  const s = scene(true);
  for (let i = 1; i <= LIMIT; i += 1) s.fork(i, 1);
  for (let i = 20; i < 24; i += 1) {
    s.fork(i, 1);
    s.exit(i, true);
  }
  expect(s.killed).not.toContain(1);
  for (let i = 30; i < 36; i += 1) {
    s.fork(i, 1);
    s.exit(i, true);
  }
  expect(s.killed).toContain(1);
  const far = scene(true);
  for (let i = 1; i <= LIMIT; i += 1) far.fork(i, 1);
  for (let i = 20; i < 24; i += 1) {
    far.fork(i, 2);
    far.exit(i, false);
  }
  expect(far.killed).toContain(2);
});

test('threads are let in up to the slack, because none can be ended alone', () => {
  const s = scene(true);
  for (let i = 1; i <= LIMIT + 2; i += 1) s.fork(i, 1, true);
  expect(s.killed).toEqual([]);
  s.fork(20, 1, true);
  expect(s.killed).toContain(20);
});
