/** Plays one recording. Through the broker where one runs, which notes who looks; else from the file, noted here. */
import { entryOf } from '../control/act.js';
import { HomeBusyError } from '../control/busy.js';
import { offlineCaller } from '../control/caller.js';
import { openStream } from '../control/client.js';
import { replayTrace } from '../control/evidence.js';
import { homePaths } from '../control/home.js';
import { traceOffline } from '../control/offline-trace.js';
import type { Clock } from '../core/clock.js';
import { messageOf, SallyportError } from '../core/errors.js';
import { escapeText, safeJson } from '../core/escape.js';
import { findRecording, type OpenBytes, type RecordingEntry, readCast, replay } from '../record/index.js';
import { patiently } from './patience.js';
import type { Place } from './place.js';
import { mayRead, untilInterrupted } from './readable.js';

export interface ReplayHow {
  clock: Clock;
  speed?: number;
  idleLimitMs?: number;
  at?: number | string;
  markers?: boolean;
  /** The events as JSON, one a line, without waiting. */
  json: boolean;
}

/** Rejects with `not-found` when no recording's id begins so, `usage` when several do. */
export async function replayRecording(place: Place, prefix: string, { json, ...how }: ReplayHow): Promise<void> {
  const signal = untilInterrupted();
  const path = await patiently(() => openNoted(place, prefix, signal));
  if (json) return await printEvents(path, signal);
  await replay({ ...how, path, out: process.stdout, signal });
}

/** A recording that may be read now, since it is durable in the audit log who looks at it. */
async function openNoted({ home, way }: Place, prefix: string, signal: AbortSignal): Promise<string | OpenBytes> {
  const readable = home !== undefined && mayRead(homePaths(home).recordings) ? home : undefined;
  const ask = () => openStream(way, 'replay', { id: prefix }, signal);
  try {
    const first = await ask();
    let opened: AsyncIterable<Buffer> | undefined = first;
    return async () => {
      const bytes = opened ?? (await ask());
      opened = undefined;
      return bytes;
    };
  } catch (error) {
    if (readable === undefined || !isUnreachable(error)) throw error;
  }
  const found = await findRecording(homePaths(readable).recordings, prefix);
  await noteOffline(readable, found);
  return found.path;
}

/**
 * A log that cannot be written, of a damaged or read-only home, keeps its reader from nothing: they read the files by their
 * own right. It is said.
 */
async function noteOffline(home: string, found: RecordingEntry): Promise<void> {
  try {
    await traceOffline(home, entryOf('replay', offlineCaller(), replayTrace(found)));
  } catch (error) {
    if (error instanceof HomeBusyError) throw error;
    process.stderr.write(`sallyport: this replay is not in the audit log: ${escapeText(messageOf(error), 500)}\n`);
  }
}

const isUnreachable = (error: unknown) => error instanceof SallyportError && error.code === 'unreachable';

async function printEvents(path: string | OpenBytes, signal: AbortSignal): Promise<void> {
  const { header, events } = await readCast(typeof path === 'string' ? path : await path());
  process.stdout.write(`${safeJson(header)}\n`);
  for await (const event of events) {
    if (signal.aborted) return;
    const shown = event.kind === 'output' ? { ...event, bytes: event.bytes.toString('base64') } : event;
    process.stdout.write(`${safeJson(shown)}\n`);
  }
}
