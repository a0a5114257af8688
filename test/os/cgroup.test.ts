import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { availableIn, makeCgroup, ownCgroup } from '../../src/os/cgroup.js';

/** An ordinary directory: where files are written, and what, is seen there too. */
let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'sallyport-cgroup-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

test("a session's group bounds what its order bounds, with the controllers there are", () => {
  const all = makeCgroup({ dir, controllers: ['pids', 'memory', 'cpu'] }, 'a', {
    processes: 70,
    memory: 1024,
    nice: 5,
  });
  const files = Object.fromEntries(readdirSync(all).map((name) => [name, readFileSync(join(all, name), 'utf8')]));
  expect(files).toEqual({ 'pids.max': '70', 'memory.max': '1024', 'cpu.weight': '33' });
  const few = makeCgroup({ dir, controllers: ['pids'] }, 'b', { memory: 1024, nice: 19 });
  expect(readdirSync(few)).toEqual([]);
});

test('a group that exists is never taken for a new one', () => {
  expect(() => makeCgroup({ dir, controllers: [] }, 'b', { nice: 0 })).toThrow('EEXIST');
});

test('the group of this process is found where the machine has cgroup v2', () => {
  const own = ownCgroup();
  if (own !== undefined) expect(existsSync(join(own, 'cgroup.procs'))).toBe(true);
  expect(availableIn(dir)).toEqual([]);
});
