import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Clock, systemClock } from '../core/clock.js';
import { messageOf, SallyportError } from '../core/errors.js';
import { readStore, storeFile } from './adapter.js';
import { type BundleFile, inBackup, makeBundle, parseBundle } from './bundle.js';
import { createFile, isCode, ownDirectory, readPrivate } from './files.js';

/**
 * The store and keys of a home as one text. Consistent while a broker runs: the store is only ever replaced whole, and
 * keys do not change once made. It holds secret keys.
 */
export async function makeBackup(
  home: string,
  clock: Clock = systemClock(),
): Promise<{ text: string; users: number; grants: number }> {
  const stateDir = join(home, 'state');
  await ownDirectory(stateDir);
  await readStore(stateDir);
  const files: BundleFile[] = [];
  for (const path of await filesOf(stateDir)) {
    const bytes = await readPrivate(join(stateDir, path));
    if (bytes !== undefined) files.push({ path, data: bytes.toString('base64') });
  }
  const text = makeBundle(files, new Date(clock.now()).toISOString());
  const { store } = parseBundle(text, storeFile(stateDir));
  return { text, users: store.users.length, grants: store.grants.length };
}

/** Writes a backup's text as a new 0600 file; an existing one is never replaced. */
export async function writeBackup(text: string, file: string): Promise<void> {
  const path = resolve(file);
  try {
    await createFile(path, text, { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 });
  } catch (error) {
    const why = isCode(error, 'EEXIST') ? 'exists already: name another file' : messageOf(error);
    throw new SallyportError('failed', `${path}: the backup was not written: ${why}`);
  }
}

export async function backupHome(
  home: string,
  file: string,
  clock?: Clock,
): Promise<{ users: number; grants: number }> {
  const { text, ...counts } = await makeBackup(home, clock);
  await writeBackup(text, file);
  return counts;
}

/** What belongs into a backup: files of state/ and of the directories directly in it. */
async function filesOf(stateDir: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(stateDir, { withFileTypes: true })) {
    if (entry.isFile() && inBackup(entry.name)) found.push(entry.name);
    if (!entry.isDirectory() || !inBackup(`${entry.name}/x`)) continue;
    for (const inner of await readdir(join(stateDir, entry.name), { withFileTypes: true })) {
      const path = `${entry.name}/${inner.name}`;
      if (inner.isFile() && inBackup(path)) found.push(path);
    }
  }
  return found.sort();
}
