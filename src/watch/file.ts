/** A recording that is being written, by its descriptor. Reads are of memory, or of a disk that was just written to. */
import { fstatSync, readSync } from 'node:fs';
import { decodeHeader } from '../record/decode.js';
import type { RecordingHeader } from '../record/types.js';

const NEWLINE = 0x0a;
/** Longest first line: a command of 256 KiB, each of its bytes escaped. */
const MAX_HEADER = 4 << 20;
/** What is looked through at a time for the last change of size, and how far back at most. */
const STEP = 1 << 20;
const MAX_BACK = 256 << 20;
/** No text of an event has it so: there its quotes are escaped. */
const RESIZE = Buffer.from(',"r","');

export const sizeOf = (fd: number): number => fstatSync(fd).size;

/** At most `length` bytes at `position`; fewer at the file's end. */
export function readAt(fd: number, position: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  return bytes.subarray(0, readSync(fd, bytes, 0, length, position));
}

export interface Head {
  header: RecordingHeader;
  /** Where the first event begins. */
  end: number;
}

/** Undefined while it is not written yet; throws where it is none. */
export function readHead(fd: number): Head | undefined {
  for (let length = 64 * 1024; ; length *= 4) {
    const bytes = readAt(fd, 0, length);
    const at = bytes.indexOf(NEWLINE);
    if (at >= 0) {
      const header = decodeHeader(bytes.toString('utf8', 0, at));
      if (!header) throw new Error('the recording has no header');
      return { header, end: at + 1 };
    }
    if (bytes.length < length) return undefined;
    if (length > MAX_HEADER) throw new Error('the header of the recording is too long');
  }
}

/** The beginning of the first line after `position`; the end of the file where none begins in what is written. */
export function lineAfter(fd: number, position: number): number {
  for (let at = position; ; at += STEP) {
    const bytes = readAt(fd, at, STEP);
    const newline = bytes.indexOf(NEWLINE);
    if (newline >= 0) return at + newline + 1;
    if (bytes.length < STEP) return at + bytes.length;
  }
}

/** The size that held at `position`, where a change of it is not too far back. */
export function sizeBefore(fd: number, position: number): { cols: number; rows: number } | undefined {
  const first = Math.max(0, position - MAX_BACK);
  for (let end = position; end > first; ) {
    const start = Math.max(first, end - STEP);
    // With as much of what follows as one event of size takes.
    const bytes = readAt(fd, start, Math.min(position, end + 64) - start);
    const at = bytes.lastIndexOf(RESIZE);
    const match = at < 0 ? null : /^,"r","(\d{1,5})x(\d{1,5})"\]/.exec(bytes.toString('latin1', at, at + 64));
    if (match) return { cols: Number(match[1]), rows: Number(match[2]) };
    end = start;
  }
  return undefined;
}
