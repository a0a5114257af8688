/** The shapes of a recording: asciicast v2 with the additions of docs/recording-format.md. */

import type { EndCause } from '../core/causes.js';
import type { Clock } from '../core/clock.js';
import type { SessionKind } from '../wire/types.js';

export type StreamName = 'out' | 'err';

/** What the first line of a recording says. */
export interface RecordingHeader {
  /** Columns and rows at the start; 80 by 24 where there is no terminal. */
  width: number;
  height: number;
  /** Wall time, ms since the epoch. */
  startedAt: number;
  session: string;
  user: string;
  account: string;
  target: string;
  /** The client's address. */
  source: string;
  kind: SessionKind;
  /** False where the session has no terminal: its lines then end in a bare newline. */
  pty: boolean;
  /** The command of an exec. */
  command?: string;
  term?: string;
  shell?: string;
  title?: string;
}

/** A point of interest: a label for people and for grep, and the same for programs. */
export interface Marker {
  /** One escaped line, e.g. `line: ls -l`, `denied: rm -rf / (no-wipe)`. */
  label: string;
  data?: MarkerData;
}

/** `held`: a second factor is asked for; `proved`: it was; `asked`: somebody's approval is waited for, and what they say. */
export const HELD_STEPS = ['held', 'proved', 'asked', 'approved', 'refused', 'withdrawn', 'expired', 'failed'] as const;
export type HeldStep = (typeof HELD_STEPS)[number];

export type MarkerData =
  | { type: 'line'; text: string; n?: number }
  | {
      type: 'denied';
      text: string;
      why: string;
      gate: string;
      rule?: string;
      parent?: string;
      n?: number;
      /** True where the terminal did not show it (before the first line, or a repetition). */
      silent?: boolean;
    }
  | {
      /** A running program ended because the rights it ran under did. */
      type: 'ended';
      text: string;
      why: string;
      /** What changed: `grant 01k… revoked`. */
      because: string;
      rule?: string;
      n?: number;
    }
  | {
      /** A command that is held, and what comes of it; what was typed is never here. */
      type: 'held';
      text: string;
      step: HeldStep;
      gate: string;
      rule?: string;
      /** Who approved or refused. */
      by?: string;
      /** Of the request for an approval. */
      id?: string;
    }
  | { type: 'note'; text: string }
  | { type: 'end'; cause: EndCause; status?: number };

export interface Trailer {
  cause: EndCause;
  /** The exit status, where there was one. */
  status?: number;
}

/** `true`: write(2) has returned. A promise: it resolves when it has, and rejects when it never will. */
export type Written = true | Promise<void>;

/**
 * Writes one session. Every method keeps the order of calls. After a failure, and after close, output, resize and marker
 * reject; a rejection nobody looks at is harmless.
 */
export interface Recorder {
  /**
   * Records one chunk. The bytes may go to the client only once this says so: at once on `true`, else when the promise
   * resolves. Hand in the next chunk after that; the promise is the back-pressure. `bytes` may be reused on `true`
   * and after the promise settled.
   */
  output(bytes: Buffer, stream: StreamName): Written;
  resize(cols: number, rows: number): Written;
  /** A command may be let go only once its marker is written. */
  marker(marker: Marker | string, data?: MarkerData): Written;
  /** A program that is about to be let go; escaped, one line. */
  program(text: string): Written;
  /** Writes what is queued, the end marker, syncs, closes the descriptor. Never rejects; idempotent. */
  close(trailer: Trailer): Promise<void>;
  /** Why this recording can no longer be written. */
  readonly failure: Error | undefined;
}

export interface RecorderLimits {
  /** A write that takes longer moves the session to asynchronous writes; ms. */
  slowWriteMs: number;
  /** An asynchronous write or sync that takes longer is a failure; ms. */
  stallMs: number;
  /** Bytes that may wait to be written; more is a failure, since the promises were ignored. */
  maxQueuedBytes: number;
  /** fdatasync period while dirty; ms. */
  syncMs: number;
}

export interface RecorderOptions {
  /** A regular file, empty and open for writing; the recorder owns it from now on and closes it. */
  fd: number;
  header: RecordingHeader;
  clock: Clock;
  limits?: Partial<RecorderLimits>;
  /** Called once, synchronously, at the first write or sync that fails: the session must end with cause `recording`. */
  onFailure(error: Error): void;
}

/** One thing that happened; `at` is ms since the start with µs precision. */
export type CastEvent =
  | { kind: 'output'; at: number; stream: StreamName; text: string; bytes: Buffer }
  | { kind: 'resize'; at: number; cols: number; rows: number }
  | { kind: 'marker'; at: number; label: string; data?: MarkerData }
  /** A program the exec gate let go: `<command> (<rule>)`. */
  | { kind: 'program'; at: number; text: string }
  /** An event of another program's recording: an input event, or a code unknown here. */
  | { kind: 'other'; at: number; code: string };

export interface Cast {
  header: RecordingHeader;
  /** Can be iterated once; a torn last line ends it quietly, a damaged line elsewhere throws with its number. */
  events: AsyncIterable<CastEvent>;
  /** Closes the file without reading it to its end. */
  close(): Promise<void>;
}

export interface FindFilter {
  user?: string;
  target?: string;
  /** Of the session's start, ms since the epoch, inclusive. */
  since?: number;
  /** The same, exclusive. */
  until?: number;
  /** Part of a typed line, a refused command or an exec's command. */
  command?: string;
  ids?: readonly string[];
}

export interface RecordingEntry {
  id: string;
  path: string;
  header: RecordingHeader;
  /** Bytes of the file. */
  size: number;
}

/** How a recording ends; absent parts mean that it is still being written or was cut off. */
export interface RecordingEnd {
  /** ms since the start of the last event. */
  at: number;
  cause?: EndCause;
  status?: number;
}

/** Opens a recording's bytes at their beginning. */
export type OpenBytes = () => Promise<AsyncIterable<Buffer>>;

export interface ReplayOptions {
  /** A file, or what opens its bytes: once, and once more where `at` is part of a command. */
  path: string | OpenBytes;
  out: NodeJS.WritableStream;
  clock: Clock;
  /** 2 plays twice as fast. */
  speed?: number;
  /** Longest pause shown, ms of recorded time. */
  idleLimitMs?: number;
  /** Where to start: ms since the start, or part of a command; what came before is drawn at once. */
  at?: number | string;
  /** Shows markers as lines of their own. */
  markers?: boolean;
  /** Stops the replay; the terminal is put right all the same. */
  signal?: AbortSignal;
}
