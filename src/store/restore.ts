import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { messageOf, SallyportError } from '../core/errors.js';
import { previousFile } from './adapter.js';
import { type Bundle, parseBundle } from './bundle.js';
import {
  giveDirectoryTo,
  type Owner,
  ownDirectory,
  readPrivate,
  removeIfThere,
  replaceFile,
  syncDirectory,
} from './files.js';
import { takeHomeLock } from './home-lock.js';

/**
 * A restore is atomic by a redo log: the checked backup is first made durable as `restore.pending`; whoever opens the
 * home next finishes what a crash interrupted, before reading anything.
 */
const pendingFile = (stateDir: string): string => join(stateDir, 'restore.pending');

/**
 * Puts the store and keys of a backup into a home, which may be new. Refuses a home in use and a backup that is not whole,
 * before anything is touched. The store that was there stays as store.json.bak; the audit log goes on.
 */
export async function restoreHome(file: string, home: string): Promise<{ users: number; grants: number }> {
  const path = resolve(file);
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new SallyportError('failed', `${path}: cannot be read: ${messageOf(error)}`);
  });
  const { bundle, store } = parseBundle(text, path);
  const stateDir = join(home, 'state');
  const owner = await ownDirectory(stateDir, true);
  const lock = takeHomeLock(stateDir, owner, 'sallyport restore');
  try {
    await replaceFile(pendingFile(stateDir), text, { owner });
    await apply(bundle, stateDir, owner);
  } finally {
    lock.release();
  }
  return { users: store.users.length, grants: store.grants.length };
}

/** Finishes an interrupted restore. The caller holds the home's lock. */
export async function finishRestore(stateDir: string, owner: Owner): Promise<void> {
  const pending = pendingFile(stateDir);
  const bytes = await readPrivate(pending);
  if (bytes === undefined) return;
  await apply(parseBundle(bytes.toString('utf8'), pending).bundle, stateDir, owner);
}

async function apply(bundle: Bundle, stateDir: string, owner: Owner): Promise<void> {
  for (const { path, data } of bundle.files) {
    const file = join(stateDir, path);
    if (path.includes('/')) await ensureDirectory(dirname(file), owner);
    const keep = path === 'store.json' ? { keepAs: previousFile(stateDir) } : {};
    await replaceFile(file, Buffer.from(data, 'base64'), { owner, ...keep });
  }
  await removeIfThere(pendingFile(stateDir));
  await syncDirectory(stateDir);
}

async function ensureDirectory(dir: string, owner: Owner): Promise<void> {
  try {
    await mkdir(dir, { mode: 0o700 });
    await giveDirectoryTo(dir, owner);
  } catch {
    await ownDirectory(dir);
  }
}
