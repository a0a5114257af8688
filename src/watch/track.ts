import type { EndCause } from '../core/causes.js';
import { createEventDecoder } from '../record/decode.js';
import { createTerminalFilter } from '../record/index.js';
import { createLineEndings } from '../record/line-endings.js';
import type { CastEvent } from '../record/types.js';
import { createEmulator, type Emulator } from './emulator.js';
import { readAt } from './file.js';

/** Reads a recording from some point on and draws it. */
export interface Track {
  readonly emulator: Emulator;
  /** How far it has come, bytes from the beginning of the file. */
  readonly position: number;
  /** Why the session ended, once its last event was read. */
  readonly cause: EndCause | undefined;
  /** Reads and draws at most so many bytes more; how many there were. */
  advance(maxBytes: number): Promise<number>;
  close(): void;
}

export interface TrackParts {
  fd: number;
  /** Where a line begins. */
  from: number;
  cols: number;
  rows: number;
  /** Whether the session has a terminal. */
  pty: boolean;
}

const NEWLINE = 0x0a;
/** Events after which whoever started this hears that it is alive. */
const BREATH = 500;
/** A longer line is no event: it goes. The recorder's longest is 2.5 MiB. Bytes. */
const MAX_LINE = 16 << 20;

export function createTrack({ fd, from, cols, rows, pty }: TrackParts): Track {
  const emulator = createEmulator(cols, rows);
  const filter = createTerminalFilter();
  const decoder = createEventDecoder();
  const endings = pty ? (text: string) => text : createLineEndings();
  const lines = createLines();
  let position = from;
  let cause: EndCause | undefined;
  /** Shown and not drawn yet; and a size that is in force after it. */
  let text = '';
  let size: { cols: number; rows: number } | undefined;

  const draw = async () => {
    const now = text;
    text = '';
    if (now !== '') await emulator.write(now);
    if (size) emulator.resize(size.cols, size.rows);
    size = undefined;
  };
  const take = async (event: CastEvent) => {
    if (event.kind === 'output') {
      // Of sizes between which nothing is shown the last counts.
      if (size) await draw();
      text += filter.push(endings(event.text));
    } else if (event.kind === 'resize') {
      size = event;
    } else if (event.kind === 'marker' && event.data?.type === 'end') cause = event.data.cause;
  };

  return {
    emulator,
    get position() {
      return position;
    },
    get cause() {
      return cause;
    },
    async advance(maxBytes) {
      const bytes = readAt(fd, position, maxBytes);
      position += bytes.length;
      let taken = 0;
      for (const line of lines(bytes)) {
        const event = decoder.line(line);
        if (event) await take(event);
        taken += 1;
        if (taken % BREATH === 0) await new Promise<void>((resolve) => setImmediate(resolve));
      }
      await draw();
      return bytes.length;
    },
    close: () => emulator.close(),
  };
}

/** Bytes in, whole lines out. */
function createLines(): (chunk: Buffer) => Generator<string> {
  let parts: Buffer[] = [];
  let held = 0;
  return function* split(chunk) {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      const end = chunk.subarray(from, at);
      yield held === 0 ? end.toString('utf8') : Buffer.concat([...parts, end]).toString('utf8');
      parts = [];
      held = 0;
      from = at + 1;
    }
    const rest = chunk.subarray(from);
    held += rest.length;
    if (held <= MAX_LINE) parts.push(rest);
    else parts = [];
  };
}
