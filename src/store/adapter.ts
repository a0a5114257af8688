/** lowdb's adapter, made durable and strict: it never answers with nothing, and never follows a planted link. */
import { join } from 'node:path';
import type { Adapter } from 'lowdb';
import { messageOf, SallyportError } from '../core/errors.js';
import { exists, type Owner, readPrivate, replaceFile } from './files.js';
import { formatStore, parseStore } from './schema.js';
import type { StoreData } from './types.js';

export const storeFile = (stateDir: string): string => join(stateDir, 'store.json');
export const previousFile = (stateDir: string): string => join(stateDir, 'store.json.bak');

export function durableAdapter(stateDir: string, owner: Owner): Adapter<StoreData> {
  return {
    read: () => readStore(stateDir),
    write: (data) => replaceFile(storeFile(stateDir), formatStore(data), { owner, keepAs: previousFile(stateDir) }),
  };
}

/**
 * The store as it is on disk, checked; needs no lock, since the file is only ever replaced whole. Throws a
 * SallyportError when it is missing or damaged: it is never taken for an empty one.
 */
export async function readStore(stateDir: string): Promise<StoreData> {
  const file = storeFile(stateDir);
  const bytes = await readPrivate(file);
  if (bytes === undefined) throw await vanished(stateDir);
  try {
    return parseStore(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    const why = error instanceof TypeError ? 'it is not UTF-8 text' : messageOf(error);
    throw new SallyportError('failed', `${file}: cannot be used: ${why}; it is left as it is${await remedy(stateDir)}`);
  }
}

async function vanished(stateDir: string): Promise<SallyportError> {
  return new SallyportError('failed', `${storeFile(stateDir)}: is missing${await remedy(stateDir)}`);
}

async function remedy(stateDir: string): Promise<string> {
  const previous = previousFile(stateDir);
  if (await usable(previous))
    return `: the state before its last change is ${previous}: copy that there, or use \`sallyport restore\``;
  return ': put a backup in its place with `sallyport restore`, or make a new home with `sallyport init` elsewhere';
}

async function usable(file: string): Promise<boolean> {
  if (!(await exists(file))) return false;
  try {
    const bytes = await readPrivate(file);
    parseStore(bytes?.toString('utf8') ?? '');
    return true;
  } catch {
    return false;
  }
}
