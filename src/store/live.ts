/** Marks of live sessions on disk, so that the next start can say which ones a crash cut. */
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SallyportError } from '../core/errors.js';
import { ID_PATTERN } from '../core/ids.js';
import type { FactValue } from '../policy/types.js';
import {
  createFile,
  giveDirectoryTo,
  isCode,
  type Owner,
  ownDirectory,
  readPrivate,
  removeIfThere,
  syncDirectory,
} from './files.js';

/** Whatever the caller wants to know of a session it can no longer ask: user, target, source, startedAt. */
export type LiveInfo = Record<string, FactValue>;

/** Durable when it resolves: call it before the session starts. */
export async function markLive(stateDir: string, sessionId: string, info: LiveInfo): Promise<void> {
  const path = markOf(stateDir, sessionId);
  const owner = await liveDirectory(stateDir);
  await createFile(path, `${JSON.stringify(info)}\n`, owner);
}

/** Call it when the session's end is in the audit log. Idempotent. */
export async function clearLive(stateDir: string, sessionId: string): Promise<void> {
  await removeIfThere(markOf(stateDir, sessionId));
}

/** Sessions marked and never cleared, oldest first. A mark that cannot be read counts, with empty info. */
export async function listLive(stateDir: string): Promise<{ session: string; info: LiveInfo }[]> {
  const dir = join(stateDir, 'live');
  const names = await readdir(dir).catch((error: unknown) => {
    if (isCode(error, 'ENOENT')) return [];
    throw error;
  });
  const found: { session: string; info: LiveInfo }[] = [];
  for (const session of names.filter((name) => ID_PATTERN.test(name)).sort())
    found.push({ session, info: await readMark(join(dir, session)) });
  return found;
}

async function readMark(path: string): Promise<LiveInfo> {
  try {
    const value: unknown = JSON.parse((await readPrivate(path))?.toString('utf8') ?? '');
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as LiveInfo) : {};
  } catch {
    return {};
  }
}

async function liveDirectory(stateDir: string): Promise<Owner> {
  const dir = join(stateDir, 'live');
  try {
    return await ownDirectory(dir);
  } catch {
    const owner = await ownDirectory(stateDir);
    // Recursive, because the first sessions of a home may come at the same moment.
    await mkdir(dir, { recursive: true, mode: 0o700 });
    await giveDirectoryTo(dir, owner);
    await syncDirectory(stateDir);
    return owner;
  }
}

/** Only ids the broker made become part of a path. */
function markOf(stateDir: string, sessionId: string): string {
  if (!ID_PATTERN.test(sessionId)) throw new SallyportError('failed', 'not a session id');
  return join(stateDir, 'live', sessionId);
}
