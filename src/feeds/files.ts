/** Files that feeds are read from: plain files alone, read whole, with a bound; and hearing when one was replaced. */
import { constants, type FSWatcher, watch } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { basename, dirname } from 'node:path';

/** Changes to a file while it is written are many; it is read this long after the first. Unit: ms. */
export const SETTLE_MS = 50;

export interface ReadFile {
  bytes: Buffer;
  /** Differs whenever the file was replaced or written. */
  mark: string;
}

/** Undefined when the file still carries `mark`. Rejects on what is no plain file and on one longer than `maxBytes`. */
export async function readIfChanged(path: string, maxBytes: number, mark?: string): Promise<ReadFile | undefined> {
  // A FIFO without a writer would hold up whoever opens it.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const { dev, ino, size, mtimeNs, ctimeNs, isFile } = await statOf(file);
    if (!isFile) throw new Error(`${path} is not a plain file`);
    if (size > maxBytes) throw new Error(`${path} is longer than ${maxBytes} bytes`);
    const now = [dev, ino, size, mtimeNs, ctimeNs].join();
    if (now === mark) return undefined;
    return { bytes: await readUpTo(file, path, maxBytes), mark: now };
  } finally {
    await file.close();
  }
}

async function statOf(file: FileHandle) {
  const found = await file.stat({ bigint: true });
  const { dev, ino, size, mtimeNs, ctimeNs } = found;
  return { dev, ino, size, mtimeNs, ctimeNs, isFile: found.isFile() };
}

async function readUpTo(file: FileHandle, path: string, maxBytes: number): Promise<Buffer> {
  const bytes = await file.readFile();
  if (bytes.length > maxBytes) throw new Error(`${path} is longer than ${maxBytes} bytes`);
  return bytes;
}

/** A short text such as a token, without the newline at its end. */
export async function readShort(path: string, maxBytes: number): Promise<string> {
  const read = await readIfChanged(path, maxBytes);
  return (read?.bytes.toString('utf8') ?? '').trim();
}

/** Calls `changed` when something happens to the file, by its directory: files are replaced. A courtesy beside polling. */
export function watchFile(path: string, changed: () => void): () => void {
  let watcher: FSWatcher | undefined;
  try {
    watcher = watch(dirname(path), { persistent: false }, (_event, name) => {
      if (name === null || name === basename(path)) changed();
    });
    watcher.on('error', () => {});
  } catch {
    // Polling goes on.
  }
  return () => watcher?.close();
}
