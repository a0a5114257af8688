import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { openAuditLog, openStore, readAudit, readStore } from '../../src/store/index.js';
import { FakeClock } from '../helpers/fake-clock.js';

const mounts: string[] = [];

/** A file system of 1 MiB; undefined where this process may not mount one. */
function smallDisk(): string | undefined {
  const dir = mkdtempSync(join(tmpdir(), 'sp-full-'));
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', dir]).status !== 0) return undefined;
  mounts.push(dir);
  return dir;
}
afterAll(() => {
  for (const dir of mounts) execFileSync('umount', [dir]);
});

const canMount = process.geteuid?.() === 0 && smallDisk() !== undefined;

function fill(dir: string): void {
  try {
    for (const size of [4096, 1])
      for (let i = 0; ; i++) writeFileSync(join(dir, `fill-${size}-${i}`), Buffer.alloc(size * 16));
  } catch {
    // Full now.
  }
}

// Skipped, and shown as skipped, where tmpfs cannot be mounted (not root).
describe.skipIf(!canMount)('on a full disk', () => {
  test('a commit is refused, memory and file stay, and it works again when there is room', async () => {
    const disk = smallDisk() ?? '';
    const dir = join(disk, 'state');
    const store = await openStore(dir, { create: true });
    const bytes = readFileSync(join(dir, 'store.json'));
    fill(disk);
    const add = (name: string) => ({
      ...store.data,
      users: [...store.data.users, { name, createdAt: 1, keys: [], labels: { note: 'x'.repeat(100_000) } }],
    });
    await expect(store.commit(add('alice'))).rejects.toThrow(/could not be written, nothing was changed: .*ENOSPC/);
    expect(store.data.users).toEqual([]);
    expect(readFileSync(join(dir, 'store.json'))).toEqual(bytes);
    for (let i = 0; i < 20; i++) rmSync(join(disk, `fill-4096-${i}`), { force: true });
    await store.commit(add('bob'));
    expect((await readStore(dir)).users.map((u) => u.name)).toEqual(['bob']);
    await store.close();
  });

  test('the audit log fails once and for good, and goes on whole after a restart', async () => {
    const disk = smallDisk() ?? '';
    const dir = join(disk, 'state');
    const clock = new FakeClock();
    const store = await openStore(dir, { create: true });
    const log = openAuditLog(dir, clock);
    const failures: Error[] = [];
    log.onFailure((error) => failures.push(error));
    log.append({ event: 'keeper-start' });
    await log.durable();
    fill(disk);
    let written = 1;
    const flood = () => {
      for (;;) {
        log.append({ event: 'notice', text: 'y'.repeat(3000) });
        written++;
      }
    };
    expect(flood).toThrow(/audit\.log: cannot be written: .*ENOSPC/);
    expect(failures).toHaveLength(1);
    expect(log.healthy()).toBe(false);
    for (let i = 0; i < 20; i++) rmSync(join(disk, `fill-4096-${i}`), { force: true });
    expect(() => log.append({ event: 'notice' })).toThrow(/ENOSPC/);
    await expect(log.durable()).rejects.toThrow(/ENOSPC/);
    await log.close();
    const again = openAuditLog(dir, clock);
    again.append({ event: 'keeper-start' });
    await again.close();
    await store.close();
    const events = await collect(dir);
    expect(events.map((e) => e.seq)).toEqual(events.map((_, i) => i + 1));
    expect(events.filter((e) => e.event !== 'audit-torn')).toHaveLength(written + 1);
  });
});

async function collect(dir: string) {
  const events = [];
  for await (const event of readAudit(dir)) events.push(event);
  return events;
}
