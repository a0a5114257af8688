import { constants } from 'node:fs';
import { access, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SallyportError } from '../core/errors.js';
import { ID_PATTERN } from '../core/ids.js';

const SUFFIX = '.cast';
const LEVELS = [/^\d{4}$/, /^\d{2}$/, /^\d{2}$/] as const;

/** `<root>/YYYY/MM/DD/<session>.cast` by the UTC date of `startedAt` (ms since the epoch). Throws unless `sid` is an id. */
export function recordingPath(root: string, sid: string, startedAt: number): string {
  assertId(sid);
  const day = new Date(startedAt).toISOString().slice(0, 10);
  return join(root, ...day.split('-'), `${sid}${SUFFIX}`);
}

function assertId(sid: string): void {
  if (!ID_PATTERN.test(sid))
    throw new SallyportError('usage', 'not a session id: give the 26 characters that `sallyport recordings` lists');
}

/** The recording of a session, or undefined where there is none. */
export async function locate(root: string, sid: string): Promise<string | undefined> {
  assertId(sid);
  for (const at of likelyDays(sid)) {
    const path = recordingPath(root, sid, at);
    if (await readable(path)) return path;
  }
  for await (const day of dayDirectories(root)) {
    const path = join(day.path, `${sid}${SUFFIX}`);
    if (await readable(path)) return path;
  }
  return undefined;
}

const DIGITS = '0123456789abcdefghjkmnpqrstvwxyz';
const DAY_MS = 86_400_000;

/** An id's first ten characters are its time in ms, base 32; the session may have started just across midnight. */
function likelyDays(sid: string): number[] {
  let made = 0;
  for (const c of sid.slice(0, 10)) made = made * 32 + DIGITS.indexOf(c);
  return [made, made + DAY_MS, made - DAY_MS].filter((at) => at >= 0 && at < 253_370_764_800_000);
}

async function readable(path: string): Promise<boolean> {
  return access(path, constants.F_OK).then(
    () => true,
    () => false,
  );
}

export interface Day {
  path: string;
  /** First ms of the day, UTC. */
  start: number;
}

/** The days that hold recordings, newest first. Anything that is not a plain directory named so is passed over. */
export async function* dayDirectories(root: string): AsyncGenerator<Day> {
  for (const year of await names(root, LEVELS[0]))
    for (const month of await names(join(root, year), LEVELS[1]))
      for (const day of await names(join(root, year, month), LEVELS[2])) {
        const start = Date.parse(`${year}-${month}-${day}T00:00:00Z`);
        if (!Number.isNaN(start)) yield { path: join(root, year, month, day), start };
      }
}

async function names(directory: string, pattern: RegExp): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw unreadable(directory, error);
  });
  const found = entries.filter((entry) => entry.isDirectory() && pattern.test(entry.name));
  return found
    .map((entry) => entry.name)
    .sort()
    .reverse();
}

/** Session ids of one day, newest first: ids sort by time. */
export async function idsOf(day: Day): Promise<string[]> {
  const entries = await readdir(day.path, { withFileTypes: true }).catch((error: Error) => {
    throw unreadable(day.path, error);
  });
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(SUFFIX))
    .map((entry) => entry.name.slice(0, -SUFFIX.length))
    .filter((id) => ID_PATTERN.test(id))
    .sort()
    .reverse();
}

function unreadable(path: string, error: Error): SallyportError {
  return new SallyportError('failed', `cannot read ${path}: ${error.message}; run as root or as the broker's account`);
}
