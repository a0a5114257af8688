import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { newId } from '../../src/core/ids.js';
import {
  backupHome,
  clearLive,
  listLive,
  makeBackup,
  markLive,
  openStore,
  readStore,
  restoreHome,
  type Store,
} from '../../src/store/index.js';

const newHome = () => mkdtempSync(join(tmpdir(), 'sp-backup-'));
const state = (home: string) => join(home, 'state');

const add = (store: Store, name: string) =>
  store.commit({ ...store.data, users: [...store.data.users, { name, createdAt: 1, keys: [], labels: {} }] });

async function madeHome(): Promise<{ home: string; store: Store }> {
  const home = newHome();
  const store = await openStore(state(home), { create: true });
  await add(store, 'alice');
  writeFileSync(join(state(home), 'host_ed25519'), 'secret host key', { mode: 0o600 });
  mkdirSync(join(state(home), 'keys'), { mode: 0o700 });
  writeFileSync(join(state(home), 'keys/signing'), Buffer.from([0, 1, 255]), { mode: 0o600 });
  writeFileSync(join(state(home), 'audit.log'), 'log\n');
  return { home, store };
}

describe('a backup', () => {
  test('of a live home, restored elsewhere, is the same store and keys', async () => {
    const { home, store } = await madeHome();
    const file = join(newHome(), 'b.json');
    expect(await backupHome(home, file)).toEqual({ users: 1, grants: 0 });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await store.close();
    const fresh = newHome();
    await restoreHome(file, fresh);
    expect(await readStore(state(fresh))).toEqual(await readStore(state(home)));
    expect(readFileSync(join(state(fresh), 'keys/signing'))).toEqual(Buffer.from([0, 1, 255]));
    expect(statSync(join(state(fresh), 'host_ed25519')).mode & 0o777).toBe(0o600);
    expect(statSync(state(fresh)).mode & 0o777).toBe(0o700);
    expect(existsSync(join(state(fresh), 'audit.log'))).toBe(false);
    await (await openStore(state(fresh))).close();
  });

  test('is whole while writes go on', async () => {
    const { home, store } = await madeHome();
    const writes = (async () => {
      for (let i = 0; i < 50; i++) await add(store, `u${i}`);
    })();
    for (let i = 0; i < 20; i++) expect((await makeBackup(home)).users).toBeGreaterThan(0);
    await writes;
    await store.close();
  });

  test('never replaces a file', async () => {
    const { home, store } = await madeHome();
    const file = join(newHome(), 'b.json');
    writeFileSync(file, 'mine');
    await expect(backupHome(home, file)).rejects.toThrow(/exists already/);
    expect(readFileSync(file, 'utf8')).toBe('mine');
    expect(readdirSync(join(file, '..'))).toEqual(['b.json']);
    await store.close();
  });
});

describe('a restore', () => {
  test('refuses a home in use', async () => {
    const { home, store } = await madeHome();
    const file = join(newHome(), 'b.json');
    await backupHome(home, file);
    await expect(restoreHome(file, home)).rejects.toThrow(/in use by/);
    await store.close();
  });

  test('keeps the store that was there, and the audit log goes on', async () => {
    const { home, store } = await madeHome();
    const file = join(newHome(), 'b.json');
    await backupHome(home, file);
    await add(store, 'bob');
    await store.close();
    await restoreHome(file, home);
    expect((await readStore(state(home))).users.map((u) => u.name)).toEqual(['alice']);
    expect(readFileSync(join(state(home), 'store.json.bak'), 'utf8')).toContain('bob');
    expect(readFileSync(join(state(home), 'audit.log'), 'utf8')).toBe('log\n');
  });

  test('mends a home whose store is damaged', async () => {
    const { home, store } = await madeHome();
    const file = join(newHome(), 'b.json');
    await backupHome(home, file);
    await store.close();
    writeFileSync(join(state(home), 'store.json'), 'null');
    await restoreHome(file, home);
    expect((await readStore(state(home))).users).toHaveLength(1);
  });

  test('touches nothing when the backup is not whole', async () => {
    const { home, store } = await madeHome();
    const text = (await makeBackup(home)).text;
    await store.close();
    const before = readFileSync(join(state(home), 'store.json'));
    const evil = (path: string) => text.replace('"keys/signing"', JSON.stringify(path));
    const cases: [string, RegExp][] = [
      [text.slice(0, -20), /only part of one/],
      ['{}', /not a sallyport backup/],
      [text.replace('"data": "A', '"data": "B'), /digest/],
      [evil('../evil'), /not a name a backup may hold/],
      [evil('/etc/evil'), /not a name a backup may hold/],
      [evil('audit.log'), /not a name a backup may hold/],
      [evil('live/x'), /not a name a backup may hold/],
    ];
    for (const [content, message] of cases) {
      const file = join(newHome(), 'b.json');
      writeFileSync(file, content);
      await expect(restoreHome(file, home)).rejects.toThrow(message);
      expect(readFileSync(join(state(home), 'store.json'))).toEqual(before);
    }
    await expect(restoreHome('/nonexistent/b', home)).rejects.toThrow(/cannot be read/);
  });

  test('that a crash interrupted is finished by whoever opens the home next', async () => {
    const { home, store } = await madeHome();
    const { text } = await makeBackup(home);
    await add(store, 'bob');
    await store.close();
    writeFileSync(join(state(home), 'host_ed25519'), 'half way');
    writeFileSync(join(state(home), 'restore.pending'), text, { mode: 0o600 });
    const again = await openStore(state(home));
    expect(again.data.users.map((u) => u.name)).toEqual(['alice']);
    expect(readFileSync(join(state(home), 'host_ed25519'), 'utf8')).toBe('secret host key');
    expect(existsSync(join(state(home), 'restore.pending'))).toBe(false);
    await again.close();
  });
});

describe('marks of live sessions', () => {
  test('stay until cleared, oldest first', async () => {
    const { home, store } = await madeHome();
    const [a, b, c] = [newId(), newId(), newId()];
    for (const id of [b, a, c]) await markLive(state(home), id, { user: 'alice', startedAt: 5 });
    await clearLive(state(home), b);
    await clearLive(state(home), b);
    writeFileSync(join(state(home), 'live', c), 'cut sho');
    expect(await listLive(state(home))).toEqual([
      { session: a, info: { user: 'alice', startedAt: 5 } },
      { session: c, info: {} },
    ]);
    await store.close();
  });

  test('are all set when the first of them come at the same moment', async () => {
    const { home, store } = await madeHome();
    const ids = Array.from({ length: 20 }, newId);
    await Promise.all(ids.map((id) => markLive(state(home), id, { user: 'alice' })));
    expect((await listLive(state(home))).map(({ session }) => session)).toEqual([...ids].sort());
    await store.close();
  });

  test('are named by the broker alone', async () => {
    const { home, store } = await madeHome();
    await expect(markLive(state(home), '../x', {})).rejects.toThrow(/not a session id/);
    expect(await listLive(state(home))).toEqual([]);
    await store.close();
  });
});
