import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { openStore, readStore, type Store, type StoreData, type User } from '../../src/store/index.js';

const open: Store[] = [];
afterEach(async () => {
  for (const store of open.splice(0)) await store.close();
});

const user = (name: string): User => ({ name, createdAt: 1, keys: [], labels: {} });
const withUser = (data: StoreData, name: string): StoreData => ({ ...data, users: [...data.users, user(name)] });
const names = (data: StoreData) => data.users.map((u) => u.name);
const newState = () => join(mkdtempSync(join(tmpdir(), 'sp-store-')), 'state');

async function opened(dir: string, create = false): Promise<Store> {
  const store = await openStore(dir, { create });
  open.push(store);
  return store;
}

async function madeHome(): Promise<string> {
  const dir = newState();
  const store = await openStore(dir, { create: true });
  await store.commit(withUser(store.data, 'alice'));
  await store.commit(withUser(store.data, 'bob'));
  await store.close();
  return dir;
}

describe('a store', () => {
  test('is on disk when a commit resolves, under NODE_ENV=test too', async () => {
    expect(process.env.NODE_ENV).toBe('test');
    const dir = newState();
    const store = await opened(dir, true);
    await store.commit(withUser(store.data, 'alice'));
    expect(names(await readStore(dir))).toEqual(['alice']);
  });

  test('and its directory are the owner’s alone, whatever the umask and whatever they were', async () => {
    const umask = process.umask(0);
    try {
      const dir = await madeHome();
      chmodSync(join(dir, 'store.json'), 0o644);
      chmodSync(dir, 0o755);
      const store = await opened(dir);
      await store.commit(withUser(store.data, 'carol'));
      expect(statSync(dir).mode & 0o777).toBe(0o700);
      for (const file of readdirSync(dir)) expect(statSync(join(dir, file)).mode & 0o777, file).toBe(0o600);
    } finally {
      process.umask(umask);
    }
  });

  test('keeps the state before the last change beside it', async () => {
    const dir = await madeHome();
    expect(names(JSON.parse(readFileSync(join(dir, 'store.json.bak'), 'utf8')))).toEqual(['alice']);
    expect(names(await readStore(dir))).toEqual(['alice', 'bob']);
  });

  test('never writes through a planted link', async () => {
    const dir = await madeHome();
    const victim = join(dir, '..', 'victim');
    writeFileSync(victim, 'precious');
    for (const name of ['store.json.tmp', '.store.json.tmp', 'store.json.bak.tmp'])
      symlinkSync(victim, join(dir, name));
    const store = await opened(dir);
    await store.commit(withUser(store.data, 'carol'));
    expect(readFileSync(victim, 'utf8')).toBe('precious');
    expect(lstatSync(join(dir, 'store.json')).isFile()).toBe(true);
  });

  test('shares one write between commits made together, and keeps their order', async () => {
    const dir = await madeHome();
    const store = await opened(dir);
    let renames = 0;
    const watcher = watch(dir, (event, file) => {
      if (event === 'rename' && file === 'store.json') renames++;
    });
    const all = Array.from({ length: 200 }, (_, i) => store.commit(withUser(store.data, `u${i}`)));
    await Promise.all(all);
    await new Promise((resolve) => setTimeout(resolve, 50));
    watcher.close();
    expect(names(await readStore(dir))).toEqual(['alice', 'bob', ...Array.from({ length: 200 }, (_, i) => `u${i}`)]);
    expect(renames).toBeLessThan(5);
  });

  test('freezes what it is given', async () => {
    const store = await opened(newState(), true);
    await store.commit(withUser(store.data, 'alice'));
    expect(Object.isFrozen(store.data.users[0]?.keys)).toBe(true);
  });
});

describe('a write that fails', () => {
  test('changes neither memory nor file, says so to all who waited, and the next one may succeed', async () => {
    const dir = await madeHome();
    const store = await opened(dir);
    const before = store.data;
    const bytes = readFileSync(join(dir, 'store.json'));
    const seen: StoreData[] = [];
    store.onRollback((data) => seen.push(data));
    // A directory where the temporary file would be: fails for root as well.
    mkdirSync(join(dir, 'store.json.tmp', 'x'), { recursive: true });
    const first = store.commit(withUser(store.data, 'carol'));
    const second = store.commit(withUser(store.data, 'dave'));
    expect(names(store.data)).toContain('dave');
    const outcome = await Promise.allSettled([first, second]);
    expect(outcome.map((o) => o.status)).toEqual(['rejected', 'rejected']);
    expect(store.data).toBe(before);
    expect(seen).toEqual([before]);
    expect(store.problem()).toBeDefined();
    expect(readFileSync(join(dir, 'store.json'))).toEqual(bytes);
    rmSync(join(dir, 'store.json.tmp'), { recursive: true });
    await store.commit(withUser(store.data, 'erin'));
    expect(names(await readStore(dir))).toEqual(['alice', 'bob', 'erin']);
    expect(store.problem()).toBeUndefined();
  });

  test('a closed store takes nothing more', async () => {
    const dir = await madeHome();
    const store = await openStore(dir);
    await store.close();
    await expect(store.commit(withUser(store.data, 'carol'))).rejects.toThrow(/closed/);
    expect(names(await readStore(dir))).toEqual(['alice', 'bob']);
  });
});

describe('a store that is missing or damaged is refused, kept, and never replaced', () => {
  test.each([
    ['missing', undefined, /store\.json: is missing: .*store\.json\.bak/],
    ['empty', '', /it is empty; it is left as it is: .*store\.json\.bak/],
    ['null', 'null', /it is not a store/],
    ['cut short', '{"format":1,"users":[', /it is not JSON/],
    ['without its lists', '{"format":1}', /users/],
    ['of a newer format', '{"format":2}', /written by a newer sallyport/],
    ['with an unknown key', '{"format":1,"users":[],"grants":[],"locks":[],"x":1}', /Unrecognized key: "x"/],
    [
      'with a user twice',
      JSON.stringify({ format: 1, users: [user('a'), user('a')], grants: [], locks: [] }),
      /user a is there twice/,
    ],
    ['not text', Buffer.from([0xff, 0xfe]), /not UTF-8/],
  ])('%s', async (_name, content, message) => {
    const dir = await madeHome();
    const file = join(dir, 'store.json');
    if (content === undefined) unlinkSync(file);
    else writeFileSync(file, content);
    await expect(openStore(dir)).rejects.toThrow(message);
    await expect(openStore(dir, { create: true })).rejects.toThrow(/nothing was changed/);
    if (content === undefined) expect(existsSync(file)).toBe(false);
    else expect(readFileSync(file)).toEqual(Buffer.from(content));
  });

  test('a link in its place', async () => {
    const dir = await madeHome();
    const elsewhere = join(dir, '..', 'elsewhere.json');
    writeFileSync(elsewhere, readFileSync(join(dir, 'store.json')));
    unlinkSync(join(dir, 'store.json'));
    symlinkSync(elsewhere, join(dir, 'store.json'));
    await expect(openStore(dir)).rejects.toThrow(/symbolic link/);
  });

  test('a home that never was one names init', async () => {
    await expect(openStore(newState())).rejects.toThrow(/not found: make a home with `sallyport init`/);
    await expect(readStore(mkdtempSync(join(tmpdir(), 'sp-store-')))).rejects.toThrow(/missing.*init/);
  });
});
