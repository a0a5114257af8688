/** Finds and plays the recordings of a home, for who may read its files: root and the home's owner. */
import { homePaths } from '../control/home.js';
import type { Clock } from '../core/clock.js';
import { messageOf, SallyportError } from '../core/errors.js';
import { escapeText } from '../core/escape.js';
import { type FindFilter, findRecordings, type RecordingEntry, readCast, readEnd, replay } from '../record/index.js';
import { mustReadFiles } from './readable.js';
import { isoOf } from './when.js';

/** A recording as `--json` shows it; times ISO 8601 UTC. */
export interface RecordingView {
  id: string;
  user: string;
  account: string;
  target: string;
  kind: string;
  source: string;
  startedAt: string;
  /** ms; of what is written so far where the end is missing. */
  lengthMs: number;
  cause?: string;
  command?: string;
  size: number;
  recording: string;
}

/** Newest first. Damaged files are named on stderr and passed over. */
export async function listRecordings(home: string, filter: FindFilter): Promise<RecordingView[]> {
  const { recordings } = homePaths(home);
  mustReadFiles(recordings, 'the recordings');
  const found: RecordingView[] = [];
  for await (const entry of findRecordings(recordings, filter, complain)) found.push(await viewOf(entry));
  return found;
}

function complain(error: unknown): void {
  process.stderr.write(`sallyport: ${escapeText(messageOf(error), 600)}\n`);
}

async function viewOf({ id, path, header, size }: RecordingEntry): Promise<RecordingView> {
  const end = await readEnd(path);
  const { user, account, target, kind, source } = header;
  return {
    id,
    user,
    account,
    target,
    kind,
    source,
    startedAt: isoOf(header.startedAt),
    lengthMs: Math.round(end?.at ?? 0),
    ...(end?.cause !== undefined && { cause: end.cause }),
    ...(header.command !== undefined && { command: header.command }),
    size,
    recording: path,
  };
}

export interface ReplayHow {
  clock: Clock;
  speed?: number;
  idleLimitMs?: number;
  at?: number | string;
  /** The events as JSON, one a line, without waiting. */
  json: boolean;
}

/** Rejects with `not-found` when no recording's id begins so, `usage` when several do. */
export async function replayRecording(home: string, prefix: string, { json, ...how }: ReplayHow): Promise<void> {
  const { recordings } = homePaths(home);
  mustReadFiles(recordings, 'the recordings');
  const path = await pathOf(recordings, prefix);
  if (json) return await printEvents(path);
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  process.once('SIGTERM', () => stop.abort());
  await replay({ ...how, path, out: process.stdout, signal: stop.signal });
}

async function pathOf(root: string, prefix: string): Promise<string> {
  const matches: RecordingEntry[] = [];
  for await (const entry of findRecordings(root, {}, complain)) if (entry.id.startsWith(prefix)) matches.push(entry);
  const [first, second] = matches;
  if (!first)
    throw new SallyportError('not-found', `no recording of a session ${prefix}; \`sallyport recordings\` lists them`);
  if (second) throw new SallyportError('usage', `${prefix} could be ${first.id} or ${second.id}: give more of the id`);
  return first.path;
}

async function printEvents(path: string): Promise<void> {
  const { header, events } = await readCast(path);
  process.stdout.write(`${JSON.stringify(header)}\n`);
  for await (const event of events) {
    const shown = event.kind === 'output' ? { ...event, bytes: event.bytes.toString('base64') } : event;
    process.stdout.write(`${JSON.stringify(shown)}\n`);
  }
}
