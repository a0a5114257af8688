import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { messageOf, SallyportError } from '../core/errors.js';
import { createEventDecoder, decodeHeader } from './decode.js';
import { type Line, splitLines } from './lines.js';
import type { Cast, CastEvent, RecordingEnd, RecordingHeader, StreamName } from './types.js';

/** Bytes read to find a recording's end; more, up to the longest line, where that does not hold a whole line. */
const TAIL_BYTES = 64 * 1024;
const TAIL_MAX_BYTES = 4 << 20;

/** Read and decoded in one go: a keeper that searches must stay quick in everything else. */
const CHUNK_BYTES = 64 * 1024;

/** `markers`: for a search, several times as fast; other events are passed over mostly unread. */
export type ReadWhat = 'everything' | 'markers';

/** Opens a recording by path, or reads one from a stream of bytes. Throws SallyportError where it is none. */
export async function readCast(source: string | AsyncIterable<Buffer>, what: ReadWhat = 'everything'): Promise<Cast> {
  if (typeof source !== 'string') return castOf({ source, name: 'the recording', what });
  const file = await openRecording(source);
  return castOf({ source: chunksOf(file), name: source, what, release: () => file.close() });
}

/** The exact bytes of one stream, chunk by chunk as they were recorded. */
export async function* exactBytes(path: string, stream: StreamName): AsyncGenerator<Buffer> {
  const cast = await readCast(path);
  for await (const event of cast.events) if (event.kind === 'output' && event.stream === stream) yield event.bytes;
}

/** The header alone. */
export async function readHeader(path: string): Promise<RecordingHeader> {
  const cast = await readCast(path);
  await cast.close();
  return cast.header;
}

/** Reads only the file's tail. Undefined where no whole event is there. */
export async function readEnd(path: string): Promise<RecordingEnd | undefined> {
  const file = await openRecording(path);
  try {
    const { size } = await file.stat();
    for (let length = TAIL_BYTES; ; length *= 4) {
      const start = Math.max(0, size - length);
      const events = eventsIn(await readAt(file, start, size - start));
      const end = endOf(events);
      if (end !== undefined || start === 0 || length >= TAIL_MAX_BYTES) return end;
    }
  } finally {
    await file.close();
  }
}

/** The first read is small: most files are opened for their header alone. */
async function* chunksOf(file: FileHandle): AsyncGenerator<Buffer> {
  for (let size = 8 * 1024; ; size = CHUNK_BYTES) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(size), 0, size, null);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

interface Opened {
  source: AsyncIterable<Buffer>;
  /** For messages. */
  name: string;
  what: ReadWhat;
  /** Where it is absent, closing ends the iteration of the source. */
  release?: () => Promise<void>;
}

async function castOf({ source, name, what, release }: Opened): Promise<Cast> {
  const lines = splitLines(source);
  const close = release ?? (async () => void (await lines.return(undefined)));
  try {
    const first = await lines.next();
    const header = first.done ? undefined : decodeHeader(first.value.text);
    if (header === undefined) throw new SallyportError('failed', `${name} is not an asciicast v2 recording`);
    return { header, events: eventsOf(what === 'markers' ? markerLines(lines) : lines, name, close), close };
  } catch (error) {
    await close();
    throw error instanceof RangeError ? damaged(name, error.message) : error;
  }
}

/** An event other than a marker and what qualifies one, as our recorder writes it. */
const NO_MARKER = /^\[\d+(?:\.\d+)?, ?"[oebpri]", ?"/;

/** Anything else is passed on, so that damage is found as otherwise. */
async function* markerLines(lines: AsyncIterable<Line>): AsyncGenerator<Line> {
  for await (const line of lines) if (!NO_MARKER.test(line.text) || !line.text.endsWith('"]')) yield line;
}

async function* eventsOf(lines: AsyncIterable<Line>, name: string, close: () => Promise<void>) {
  const decoder = createEventDecoder();
  let bad: number | undefined;
  try {
    for await (const line of lines) {
      if (bad !== undefined) throw damaged(name, `line ${bad} is not an event`);
      const event = decoder.line(line.text);
      // Only the last line may be torn, by a crash or because it is being written: judged when another one follows.
      if (event === false) bad = line.number;
      else if (event !== undefined) yield event;
    }
  } catch (error) {
    throw error instanceof RangeError ? damaged(name, error.message) : error;
  } finally {
    await close();
  }
}

function damaged(name: string, what: string): SallyportError {
  return new SallyportError('failed', `${name} is damaged: ${what}; what comes before it can be played`);
}

/** Never follows a link and opens nothing but a file. Throws SallyportError, `not-found` where there is none. */
export async function openRecording(path: string): Promise<FileHandle> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    if ((await file.stat()).isFile()) return file;
    await file.close();
    throw new Error('it is not a regular file');
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new SallyportError(
      missing ? 'not-found' : 'failed',
      `cannot read the recording ${path}: ${missing ? 'there is none' : messageOf(error)}`,
    );
  }
}

async function readAt(file: FileHandle, start: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  const { bytesRead } = await file.read(bytes, 0, length, start);
  return bytes.subarray(0, bytesRead);
}

/** The first line goes: it is the header or part of a line. The next may have lost its qualifiers: harmless for an end. */
function eventsIn(bytes: Buffer): CastEvent[] {
  const decoder = createEventDecoder();
  const lines = bytes.toString('utf8').split('\n').slice(1);
  return lines.map((line) => decoder.line(line)).filter((event) => typeof event === 'object');
}

function endOf(events: CastEvent[]): RecordingEnd | undefined {
  const last = events.at(-1);
  if (last === undefined) return undefined;
  if (last.kind !== 'marker' || last.data?.type !== 'end') return { at: last.at };
  const { cause, status } = last.data;
  return { at: last.at, cause, ...(status === undefined ? {} : { status }) };
}
