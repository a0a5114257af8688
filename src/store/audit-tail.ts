/** Where the audit log goes on after a restart: its last whole line, and what a crash left after it. */
import { fstatSync, readSync } from 'node:fs';
import type { AuditEvent } from './audit-types.js';

const CHUNK = 64 << 10;
/** A line is at most 64 KiB, so this holds many; beyond it the file is not a log of ours. */
const MAX_BACK = 4 << 20;

export interface Tail {
  /** Of the last whole line; 0 in an empty log. */
  seq: number;
  /** What follows that line: lines cut short by a crash, or bytes that are none of ours. */
  torn: string;
  /** Whether the file ends within a line. */
  open: boolean;
}

/** Undefined when no readable line is found in the last 4 MiB. */
export function readTail(fd: number): Tail | undefined {
  const size = fstatSync(fd).size;
  if (size === 0) return { seq: 0, torn: '', open: false };
  let text = Buffer.alloc(0);
  for (let start = size; start > 0 && size - start < MAX_BACK; ) {
    const from = Math.max(0, start - CHUNK);
    text = Buffer.concat([readAt(fd, from, start - from), text]);
    start = from;
    const tail = lastWhole(text, start === 0);
    if (tail) return tail;
  }
  return undefined;
}

function lastWhole(bytes: Buffer, fromStart: boolean): Tail | undefined {
  let end = bytes.lastIndexOf(10);
  const open = end !== bytes.length - 1;
  while (end >= 0) {
    const before = end === 0 ? -1 : bytes.lastIndexOf(10, end - 1);
    if (before < 0 && !fromStart) return undefined;
    const event = parseEvent(bytes.toString('utf8', before + 1, end));
    if (event) return { seq: event.seq, torn: bytes.toString('utf8', end + 1), open };
    end = before;
  }
  // A log whose only line was cut short: nothing was ever acknowledged.
  return fromStart && !bytes.includes(10) ? { seq: 0, torn: bytes.toString('utf8'), open } : undefined;
}

/** A line of the log; undefined when it is not one. */
export function parseEvent(line: string): AuditEvent | undefined {
  try {
    const value = JSON.parse(line) as Partial<AuditEvent> | null;
    const whole =
      typeof value === 'object' &&
      value !== null &&
      Number.isSafeInteger(value.seq) &&
      typeof value.at === 'string' &&
      typeof value.event === 'string';
    return whole ? (value as AuditEvent) : undefined;
  } catch {
    return undefined;
  }
}

function readAt(fd: number, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let got = 0;
  while (got < length) {
    const n = readSync(fd, bytes, got, length - got, position + got);
    if (n === 0) break;
    got += n;
  }
  return bytes.subarray(0, got);
}
