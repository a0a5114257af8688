import {
  constants as c,
  closeSync,
  fchmodSync,
  fchownSync,
  fdatasync,
  fstatSync,
  openSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Clock, Timer } from '../core/clock.js';
import { messageOf, SallyportError } from '../core/errors.js';
import { readTail, type Tail } from './audit-tail.js';
import type { AuditEntry, AuditEvent, AuditLog } from './audit-types.js';
import { isCode } from './files.js';
import { holdsHomeLock } from './home-lock.js';

const MAX_TEXT = 8000;
/** A line longer than this is refused: pathological `data`. Unit: characters. */
const MAX_LINE = 64 << 10;
/** Longest time a line waits for the disk when nobody asks for it. */
const SYNC_MS = 1000;

const sync = promisify(fdatasync);

export const auditFile = (stateDir: string): string => join(stateDir, 'audit.log');

/**
 * Opens the audit log for appending; the caller holds the home's lock (an open Store does). What a crash cut short at its
 * end stays in the file as a line of its own and is noted. Throws a SallyportError when the log cannot be gone on with.
 */
export function openAuditLog(stateDir: string, clock: Clock): AuditLog {
  if (!holdsHomeLock(stateDir))
    throw new SallyportError('failed', `${stateDir}: the audit log is written only by the holder of the home's lock`);
  const file = auditFile(stateDir);
  const fd = openForAppend(file, stateDir);
  const tail = readTail(fd);
  if (!tail) {
    closeSync(fd);
    throw new SallyportError(
      'failed',
      `${file}: ends in no readable line; it is left as it is: move it elsewhere, and a new log begins`,
    );
  }
  return new FileAuditLog(fd, file, clock, tail);
}

function openForAppend(file: string, stateDir: string): number {
  try {
    const fd = openSync(file, c.O_RDWR | c.O_APPEND | c.O_CREAT | c.O_NOFOLLOW | c.O_NONBLOCK, 0o600);
    const st = fstatSync(fd);
    if (!st.isFile() || st.nlink !== 1) {
      closeSync(fd);
      throw new SallyportError('failed', `${file}: not a file of its own: remove the link or what else stands there`);
    }
    fchmodSync(fd, 0o600);
    const owner = statSync(stateDir);
    if (process.geteuid?.() === 0 && owner.uid !== st.uid) fchownSync(fd, owner.uid, owner.gid);
    return fd;
  } catch (error) {
    if (error instanceof SallyportError) throw error;
    const why = isCode(error, 'ELOOP') ? 'is a symbolic link' : messageOf(error);
    throw new SallyportError('failed', `${file}: cannot be written: ${why}`);
  }
}

class FileAuditLog implements AuditLog {
  readonly #fd: number;
  readonly #file: string;
  readonly #clock: Clock;
  #seq: number;
  #synced: number;
  #syncing: Promise<void> | undefined;
  #later: Timer | undefined;
  #failure: SallyportError | undefined;
  #listeners: ((error: Error) => void)[] = [];
  #hearers: ((event: AuditEvent) => void)[] = [];
  #closed = false;

  constructor(fd: number, file: string, clock: Clock, tail: Tail) {
    this.#fd = fd;
    this.#file = file;
    this.#clock = clock;
    this.#seq = tail.seq;
    this.#synced = tail.seq;
    if (tail.torn !== '') this.#noteTorn(tail);
  }

  append(entry: AuditEntry): number {
    return this.#append(entry, '');
  }

  #append(entry: AuditEntry, before: string): number {
    if (this.#closed) throw new SallyportError('failed', `${this.#file}: closed`);
    if (this.#failure) throw this.#failure;
    const seq = this.#seq + 1;
    const { line, event } = formatLine(entry, seq, this.#clock.now());
    try {
      writeAll(this.#fd, before + line);
    } catch (error) {
      throw this.#fail(error);
    }
    this.#seq = seq;
    this.#later ??= this.#clock.after(SYNC_MS, () => {
      this.#later = undefined;
      this.durable().catch(() => undefined);
    });
    for (const hear of this.#hearers) hear(event);
    return seq;
  }

  async durable(): Promise<void> {
    const upTo = this.#seq;
    while (this.#synced < upTo) {
      if (this.#failure) throw this.#failure;
      this.#syncing ??= this.#sync();
      await this.#syncing;
    }
    if (this.#failure) throw this.#failure;
  }

  async #sync(): Promise<void> {
    const upTo = this.#seq;
    try {
      await sync(this.#fd);
      if (fstatSync(this.#fd).nlink === 0) throw new Error('it was removed while in use');
      this.#synced = upTo;
    } catch (error) {
      throw this.#fail(error);
    } finally {
      this.#syncing = undefined;
    }
  }

  onFailure(fn: (error: Error) => void): void {
    if (this.#failure) fn(this.#failure);
    else this.#listeners.push(fn);
  }

  onAppend(fn: (event: AuditEvent) => void): void {
    this.#hearers.push(fn);
  }

  healthy(): boolean {
    return this.#failure === undefined && !this.#closed;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#later?.cancel();
    await this.durable().catch(() => undefined);
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#fd);
  }

  /** What is lost cannot be known after a failed write or sync: the log stays failed until it is opened anew. */
  #fail(error: unknown): SallyportError {
    if (this.#failure) return this.#failure;
    const failure = new SallyportError('failed', `${this.#file}: cannot be written: ${messageOf(error)}`);
    this.#failure = failure;
    for (const fn of this.#listeners.splice(0)) fn(failure);
    return failure;
  }

  /** One write closes the torn line and notes it, so that a crash here leaves the same to do again. */
  #noteTorn(tail: Tail): void {
    const bytes = Buffer.byteLength(tail.torn);
    const text = `${bytes} bytes at the end of the log were no whole line (a crash or a full disk); they stay where they are`;
    this.#append({ event: 'audit-torn', text, data: { torn: tail.torn.slice(0, 2000) } }, tail.open ? '\n' : '');
  }
}

function formatLine(entry: AuditEntry, seq: number, atMs: number): { line: string; event: AuditEvent } {
  const { event, text, ...rest } = entry;
  const cut = text === undefined || text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT - 1)}…`;
  const full: AuditEvent = {
    seq,
    at: new Date(atMs).toISOString(),
    event,
    ...rest,
    ...(cut === undefined ? {} : { text: cut }),
  };
  const line = JSON.stringify(full);
  if (line.length > MAX_LINE)
    throw new SallyportError('failed', `an audit event of ${line.length} characters is too long`);
  return { line: `${line}\n`, event: full };
}

function writeAll(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}
