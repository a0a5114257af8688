/** Files of state/: private, never reached through a planted link, durable before they count. */
import { constants as c } from 'node:fs';
import { chown, type FileHandle, link, lstat, mkdir, open, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf, SallyportError } from '../core/errors.js';
import { newId } from '../core/ids.js';

export interface Owner {
  uid: number;
  gid: number;
}

/** 64 MiB: far above what a store of many years holds; a larger file is not one of ours. */
const MAX_FILE = 64 << 20;

/**
 * Checks that `dir` is a directory of this process's own account, or of the account root works for, and closes it to
 * others. Returns whose files in it must be. Throws a SallyportError otherwise.
 */
export async function ownDirectory(dir: string, create = false): Promise<Owner> {
  if (create) await mkdir(dir, { recursive: true, mode: 0o700 });
  const st = await lstat(dir).catch((error: unknown) => {
    throw new SallyportError(
      'failed',
      `${dir}: ${isCode(error, 'ENOENT') ? 'not found: make a home with `sallyport init`' : messageOf(error)}`,
    );
  });
  if (!st.isDirectory()) throw new SallyportError('failed', `${dir}: not a directory`);
  const me = process.geteuid?.() ?? -1;
  if (me !== 0 && st.uid !== me)
    throw new SallyportError('refused', `${dir}: belongs to uid ${st.uid}: only it or root may use this home`);
  if ((st.mode & 0o077) !== 0) await withFile(dir, c.O_RDONLY | c.O_DIRECTORY | c.O_NOFOLLOW, (f) => f.chmod(0o700));
  return { uid: st.uid, gid: st.gid };
}

/** Gives a file root made in another's home to that other; else the home's own account could not read it. */
export async function giveTo(file: FileHandle, owner: Owner): Promise<void> {
  if (process.geteuid?.() === 0 && owner.uid !== 0) await file.chown(owner.uid, owner.gid);
}

export async function giveDirectoryTo(dir: string, owner: Owner): Promise<void> {
  if (process.geteuid?.() === 0 && owner.uid !== 0) await chown(dir, owner.uid, owner.gid);
}

/** The text of a regular file that is not a link; undefined when there is none. */
export async function readPrivate(path: string): Promise<Buffer | undefined> {
  try {
    return await withFile(path, c.O_RDONLY | c.O_NOFOLLOW | c.O_NONBLOCK, async (f) => {
      const st = await f.stat();
      if (!st.isFile()) throw new SallyportError('failed', `${path}: not a regular file`);
      if (st.size > MAX_FILE)
        throw new SallyportError('failed', `${path}: larger than 64 MiB: not a file of sallyport's`);
      return await f.readFile();
    });
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    if (isCode(error, 'ELOOP'))
      throw new SallyportError('failed', `${path}: is a symbolic link: put the file itself there`);
    throw error;
  }
}

/** Closes a file of ours to others, if it is there. */
export async function tighten(path: string): Promise<void> {
  const st = await lstat(path).catch(() => undefined);
  if (!st?.isFile() || (st.mode & 0o077) === 0) return;
  await withFile(path, c.O_RDONLY | c.O_NOFOLLOW | c.O_NONBLOCK, (f) => f.chmod(0o600));
}

export interface ReplaceOptions {
  owner: Owner;
  /** Where the previous content stays, in the same directory. */
  keepAs?: string;
}

/**
 * Replaces `path` so that at every moment, and after a power cut, it is either the old file or the new one: a new
 * 0600 file beside it, fsync, rename, fsync of the directory. On a failure the old file is (again) in place.
 */
export async function replaceFile(path: string, bytes: string | Buffer, options: ReplaceOptions): Promise<void> {
  const temp = `${path}.tmp`;
  // Left by a writer that was killed, or planted: removed, never opened.
  await removeIfThere(temp);
  try {
    await withFile(temp, c.O_WRONLY | c.O_CREAT | c.O_EXCL | c.O_NOFOLLOW, async (f) => {
      await f.chmod(0o600);
      await giveTo(f, options.owner);
      await f.writeFile(bytes);
      await f.sync();
    });
    if (options.keepAs !== undefined) await keepPrevious(path, options.keepAs);
    await rename(temp, path);
  } catch (error) {
    await removeIfThere(temp).catch(() => undefined);
    throw error;
  }
  try {
    await syncDirectory(dirname(path));
  } catch (error) {
    if (options.keepAs !== undefined) await putBack(path, options.keepAs);
    throw error;
  }
}

/** Names the present file `keepAs` as well, by a hard link, so that `path` is never missing. */
async function keepPrevious(path: string, keepAs: string): Promise<void> {
  const temp = `${keepAs}.tmp`;
  await removeIfThere(temp);
  try {
    await link(path, temp);
  } catch (error) {
    if (isCode(error, 'ENOENT')) return;
    throw error;
  }
  await rename(temp, keepAs);
}

async function putBack(path: string, keptAs: string): Promise<void> {
  try {
    await link(keptAs, `${path}.tmp`);
    await rename(`${path}.tmp`, path);
  } catch {
    // The failure that led here is reported; the disk takes no more writes.
  }
}

export async function syncDirectory(dir: string): Promise<void> {
  await withFile(dir, c.O_RDONLY | c.O_DIRECTORY, (f) => f.sync());
}

/** Makes a file that must not exist yet; throws EEXIST when it does, whatever it is. */
export async function createFile(path: string, bytes: string | Buffer, owner: Owner): Promise<void> {
  const temp = join(dirname(path), `.${newId()}.tmp`);
  try {
    await withFile(temp, c.O_WRONLY | c.O_CREAT | c.O_EXCL | c.O_NOFOLLOW, async (f) => {
      await f.chmod(0o600);
      await giveTo(f, owner);
      await f.writeFile(bytes);
      await f.sync();
    });
    await link(temp, path);
  } finally {
    await removeIfThere(temp);
  }
  await syncDirectory(dirname(path));
}

export async function removeIfThere(path: string): Promise<void> {
  await unlink(path).catch((error: unknown) => {
    if (!isCode(error, 'ENOENT')) throw error;
  });
}

export async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

export function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

async function withFile<T>(path: string, flags: number, use: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path, flags, 0o600);
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}
