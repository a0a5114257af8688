import { chownSync, mkdirSync, mkdtempSync, readdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { newId } from '../../src/core/ids.js';
import { backupHome, markLive, openAuditLog, openStore, restoreHome } from '../../src/store/index.js';
import { FakeClock } from '../helpers/fake-clock.js';

const OTHER = 65_534;
const isRoot = process.geteuid?.() === 0;

// Needs root: skipped, and shown as skipped, elsewhere.
test.skipIf(!isRoot)('what root writes into another’s home stays that other’s to read', async () => {
  const home = mkdtempSync(join(tmpdir(), 'sp-owner-'));
  const dir = join(home, 'state');
  mkdirSync(dir, { mode: 0o700 });
  chownSync(dir, OTHER, OTHER);
  const store = await openStore(dir, { create: true });
  await store.commit({ ...store.data, users: [{ name: 'alice', createdAt: 1, keys: [], labels: {} }] });
  const log = openAuditLog(dir, new FakeClock());
  log.append({ event: 'keeper-start' });
  await log.close();
  await markLive(dir, newId(), { user: 'alice' });
  await store.close();
  const file = join(mkdtempSync(join(tmpdir(), 'sp-owner-')), 'b');
  await backupHome(home, file);
  await restoreHome(file, home);
  for (const name of readdirSync(dir, { recursive: true, encoding: 'utf8' }))
    expect([name, statSync(join(dir, name)).uid]).toEqual([name, OTHER]);
});

test.skipIf(isRoot)('another’s home is refused', async () => {
  await expect(openStore('/root')).rejects.toThrow(/belongs to uid 0|cannot|permission/);
});
