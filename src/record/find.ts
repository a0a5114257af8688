import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { dayDirectories, idsOf } from './layout.js';
import { markerMatches } from './markers.js';
import { readCast, readHeader } from './reader.js';
import type { FindFilter, RecordingEntry } from './types.js';

const DAY_MS = 86_400_000;

/**
 * Newest first. Reads headers only; for `command` also the events of what the rest of the filter lets through.
 * A file that cannot be read does not end the search: it goes to `onProblem`.
 */
export async function* findRecordings(
  root: string,
  filter: FindFilter = {},
  onProblem: (error: unknown) => void = () => {},
): AsyncGenerator<RecordingEntry> {
  const ids = filter.ids === undefined ? undefined : new Set(filter.ids);
  for await (const day of dayDirectories(root)) {
    if (filter.until !== undefined && day.start >= filter.until) continue;
    if (filter.since !== undefined && day.start + DAY_MS <= filter.since) return;
    for (const id of await idsOf(day)) {
      if (ids !== undefined && !ids.has(id)) continue;
      const entry = await entryOf(id, join(day.path, `${id}.cast`)).catch((error) => {
        onProblem(error);
        return undefined;
      });
      if (entry && fits(entry, filter) && (await ranCommand(entry, filter.command, onProblem))) yield entry;
    }
  }
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
): Promise<boolean> {
  if (part === undefined || entry.header.command?.includes(part)) return true;
  try {
    const cast = await readCast(entry.path);
    for await (const event of cast.events) if (event.kind === 'marker' && markerMatches(event, part)) return true;
  } catch (error) {
    onProblem(error); // damaged further on: what could be read was searched
  }
  return false;
}
