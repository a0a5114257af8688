import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Clock } from '../../src/core/clock.js';
import {
  type CastEvent,
  createRecorder,
  type Recorder,
  type RecorderLimits,
  type RecordingHeader,
  readCast,
} from '../../src/record/index.js';
import { FakeClock } from '../helpers/fake-clock.js';

export function header(over: Partial<RecordingHeader> = {}): RecordingHeader {
  return {
    width: 80,
    height: 24,
    startedAt: Date.UTC(2026, 0, 5, 9, 0, 0, 123),
    session: '01kdmy6wv00000000000000000',
    user: 'alice',
    account: 'alice',
    target: 'local',
    source: '127.0.0.1',
    kind: 'shell',
    pty: true,
    term: 'xterm',
    shell: '/bin/bash',
    ...over,
  };
}

export function tempDir(): string {
  const path = mkdtempSync(join(tmpdir(), 'sallyport-record-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

export interface Started {
  recorder: Recorder;
  path: string;
  failures: Error[];
}

export interface StartOptions {
  clock?: Clock;
  header?: Partial<RecordingHeader>;
  limits?: Partial<RecorderLimits>;
  path?: string;
}

/** A recorder on a new file, opened as the guard opens it. Its writes take no time, however busy the machine is. */
export function start(options: StartOptions = {}): Started {
  const path = options.path ?? join(tempDir(), 'session.cast');
  const failures: Error[] = [];
  const recorder = createRecorder({
    fd: openSync(path, 'ax', 0o600),
    header: header(options.header),
    clock: options.clock ?? new FakeClock(),
    ...(options.limits === undefined ? {} : { limits: options.limits }),
    onFailure: (error) => failures.push(error),
  });
  return { recorder, path, failures };
}

export async function eventsOf(path: string): Promise<CastEvent[]> {
  const events: CastEvent[] = [];
  for await (const event of (await readCast(path)).events) events.push(event);
  return events;
}

/** The file's lines as JSON; throws where one is not. */
export function jsonLines(path: string): unknown[] {
  return readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}
