import { open } from 'node:fs/promises';
import { type Clock, sleep } from '../core/clock.js';
import { auditFile } from './audit-log.js';
import { parseEvent } from './audit-tail.js';
import type { AuditEvent, AuditFilter } from './audit-types.js';
import { isCode } from './files.js';
import { renderAudit } from './render-audit.js';

/** Longest line the reader keeps; ours are at most 64 KiB characters. Unit: bytes. */
const MAX_LINE = 1 << 20;

export interface AuditProblem {
  /** From 1. */
  line: number;
  kind: 'unreadable' | 'gap';
  message: string;
}

export interface ReadAuditOptions extends AuditFilter {
  /** Hears of lines that are no events and of missing numbers; a torn line that a later event explains is none. */
  onProblem?: (problem: AuditProblem) => void;
  /** Stops reading, also where nothing is found. */
  signal?: AbortSignal;
  /** Go on with what is appended, until the signal. */
  follow?: { clock: Clock; signal: AbortSignal; pollMs?: number };
}

/** The events of a home's log that match, in order, read as a stream; a log that is not there yet has none. */
export async function* readAudit(stateDir: string, options: ReadAuditOptions = {}): AsyncGenerator<AuditEvent> {
  const wanted = matcher(options);
  const check = checker(options.onProblem ?? (() => undefined));
  for await (const line of linesOf(auditFile(stateDir), options.follow)) {
    if (options.signal?.aborted) return;
    const event = parseEvent(line);
    check(event);
    if (event && wanted(event)) yield event;
  }
  check.end();
}

function matcher(filter: AuditFilter): (event: AuditEvent) => boolean {
  const needle = filter.text?.toLowerCase();
  return (event) => {
    if (filter.user !== undefined && event.user !== filter.user) return false;
    if (filter.session !== undefined && event.session !== filter.session) return false;
    if (filter.event !== undefined && event.event !== filter.event) return false;
    if (filter.since !== undefined && Date.parse(event.at) < filter.since) return false;
    if (filter.until !== undefined && Date.parse(event.at) >= filter.until) return false;
    return needle === undefined || says(event, needle);
  };
}

/** Printing is the dearer of the two, and cuts what is long. */
const says = (event: AuditEvent, needle: string): boolean =>
  valuesOf(event).some((value) => value.toLowerCase().includes(needle)) ||
  renderAudit(event).toLowerCase().includes(needle);

function valuesOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value === 'number' || typeof value === 'boolean') return [String(value)];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(valuesOf);
}

interface Checker {
  (event: AuditEvent | undefined): void;
  /** Nothing follows that could explain what is still unexplained. */
  end(): void;
}

function checker(report: (problem: AuditProblem) => void): Checker {
  let line = 0;
  let seq: number | undefined;
  let unexplained: AuditProblem[] = [];
  const check = (event: AuditEvent | undefined) => {
    line++;
    if (!event) {
      unexplained.push({ line, kind: 'unreadable', message: 'is not an audit event' });
      return;
    }
    if (event.event !== 'audit-torn') for (const problem of unexplained) report(problem);
    unexplained = [];
    if (seq !== undefined && event.seq !== seq + 1)
      report({ line, kind: 'gap', message: `event ${event.seq} follows event ${seq}` });
    seq = event.seq;
  };
  return Object.assign(check, { end: () => unexplained.forEach(report) });
}

type Follow = ReadAuditOptions['follow'];

/** How often a log that is followed is looked at, ms. */
const POLL_MS = 200;

/** Whole lines; bytes after the last newline are not one yet. */
async function* linesOf(file: string, follow: Follow): AsyncGenerator<string> {
  let position = 0;
  let rest: Buffer = Buffer.alloc(0);
  do {
    for await (const chunk of bytesFrom(file, position)) {
      position += chunk.length;
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      let start = 0;
      for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10, start)) {
        yield rest.toString('utf8', start, end);
        start = end + 1;
      }
      rest = rest.subarray(start);
      if (rest.length > MAX_LINE) rest = rest.subarray(0, MAX_LINE);
    }
    if (follow) await sleep(follow.clock, follow.pollMs ?? POLL_MS, follow.signal);
  } while (follow && !follow.signal.aborted);
}

async function* bytesFrom(file: string, start: number): AsyncGenerator<Buffer> {
  const handle = await open(file, 'r').catch((error: unknown) => {
    if (isCode(error, 'ENOENT')) return undefined;
    throw error;
  });
  if (!handle) return;
  try {
    for await (const chunk of handle.createReadStream({ start, autoClose: false })) yield chunk as Buffer;
  } finally {
    await handle.close();
  }
}
