import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SallyportError } from '../core/errors.js';
import { escapeText } from '../core/escape.js';
import { ID_PATTERN } from '../core/ids.js';
import { dayDirectories, idsOf, locate } from './layout.js';
import { markerMatches } from './markers.js';
import { readCast, readHeader } from './reader.js';
import type { FindFilter, RecordingEntry } from './types.js';

const DAY_MS = 86_400_000;

/**
 * Newest first. Reads headers only; for `command` also the events of what the rest of the filter lets through.
 * A file that cannot be read does not end the search: it goes to `onProblem`. The signal ends it, wherever it is.
 */
export async function* findRecordings(
  root: string,
  filter: FindFilter = {},
  onProblem: (error: unknown) => void = () => {},
  signal?: AbortSignal,
): AsyncGenerator<RecordingEntry> {
  for await (const { id, path } of filesOf(root, filter)) {
    if (signal?.aborted) return;
    const entry = await entryOf(id, path).catch((error) => {
      onProblem(error);
      return undefined;
    });
    if (entry && fits(entry, filter) && (await ranCommand(entry, filter.command, onProblem, signal))) yield entry;
  }
}

/** Newest first, of the days that can hold what is looked for. */
async function* filesOf(root: string, { since, until, ids }: FindFilter): AsyncGenerator<{ id: string; path: string }> {
  const wanted = ids && new Set(ids);
  for await (const day of dayDirectories(root)) {
    if (until !== undefined && day.start >= until) continue;
    if (since !== undefined && day.start + DAY_MS <= since) return;
    for (const id of await idsOf(day)) if (wanted?.has(id) ?? true) yield { id, path: join(day.path, `${id}.cast`) };
  }
}

/**
 * The one recording whose session's id is or begins with `prefix`; reads no other. Rejects with `not-found`, or `usage` when
 * several begin so.
 */
export async function findRecording(root: string, prefix: string): Promise<RecordingEntry> {
  const whole = ID_PATTERN.test(prefix) ? await locate(root, prefix) : undefined;
  if (whole !== undefined) return await entryOf(prefix, whole);
  const [first, second] = await idsLike(root, prefix);
  if (!first)
    throw new SallyportError(
      'not-found',
      `no recording of a session ${escapeText(prefix)}; \`sallyport recordings\` lists them`,
    );
  if (second)
    throw new SallyportError(
      'usage',
      `${escapeText(prefix)} could be ${first.id} or ${second.id}: give more of the id`,
    );
  return await entryOf(first.id, first.path);
}

/** Two at most: more would not change the answer. */
async function idsLike(root: string, prefix: string): Promise<{ id: string; path: string }[]> {
  const found: { id: string; path: string }[] = [];
  for await (const file of filesOf(root, {})) {
    if (prefix !== '' && file.id.startsWith(prefix)) found.push(file);
    if (found.length > 1) break;
  }
  return found;
}

async function entryOf(id: string, path: string): Promise<RecordingEntry> {
  const header = await readHeader(path);
  return { id, path, header, size: (await stat(path)).size };
}

function fits({ header }: RecordingEntry, { user, target, since, until }: FindFilter): boolean {
  return (
    (user === undefined || header.user === user) &&
    (target === undefined || header.target === target) &&
    (since === undefined || header.startedAt >= since) &&
    (until === undefined || header.startedAt < until)
  );
}

async function ranCommand(
  entry: RecordingEntry,
  part: string | undefined,
  onProblem: (error: unknown) => void,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (part === undefined || entry.header.command?.includes(part)) return true;
  try {
    const cast = await readCast(entry.path, 'markers');
    for await (const event of cast.events) {
      if (signal?.aborted) return false;
      if (event.kind === 'marker' && markerMatches(event, part)) return true;
    }
  } catch (error) {
    onProblem(error); // damaged further on: what could be read was searched
  }
  return false;
}
