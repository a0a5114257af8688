import { close, fstatSync, ftruncateSync, write as writeCallback, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import type { Clock } from '../core/clock.js';
import { messageOf, SallyportError } from '../core/errors.js';
import { createSyncer } from './syncer.js';
import type { RecorderLimits, Written } from './types.js';

const write = promisify(writeCallback);
const closeFd = promisify(close);

/** Bytes handed to one asynchronous write. */
const BATCH_BYTES = 1 << 20;
/** After so many asynchronous writes in a row that were quick, the disk is taken to be well again. */
const QUICK_WRITES = 8;
/** Records up to a third of this many characters are encoded here without allocating; shared, since it is used synchronously. */
const scratch = Buffer.allocUnsafeSlow(256 * 1024);

export interface FdWriterOptions {
  fd: number;
  clock: Clock;
  limits: RecorderLimits;
  onFailure(error: Error): void;
}

/** Whole records to one descriptor, in order: synchronously while the disk is quick, else through a bounded queue. */
export interface FdWriter {
  write(record: string): Written;
  /** Writes what is queued and `last`, syncs, closes. Never rejects. */
  finish(last: string): Promise<void>;
  readonly failure: Error | undefined;
}

interface Queued {
  bytes: Buffer;
  resolve(): void;
  reject(error: Error): void;
}

export function createFdWriter(options: FdWriterOptions): FdWriter {
  const { fd, clock, limits } = options;
  const queue: Queued[] = [];
  let queuedBytes = 0;
  let failure: Error | undefined;
  let slow = false;
  let quickInRow = 0;
  let pumping: Promise<void> | undefined;
  /** Where the last whole record ends. */
  let wholeEnd = sizeOf(fd);
  const syncer = createSyncer({ fd, clock, periodMs: limits.syncMs, stallMs: limits.stallMs, onError: fail });

  function fail(error: unknown): void {
    if (failure) return;
    failure = new SallyportError('failed', `the recording cannot be written: ${messageOf(error)}; see to its disk`);
    const lost = queue.splice(0);
    queuedBytes = 0;
    for (const item of lost) item.reject(failure);
    options.onFailure(failure);
  }

  function writeNow(record: string): Written {
    const bytes = encode(record);
    const before = clock.mono();
    try {
      writeFully(fd, bytes);
    } catch (error) {
      cutBack();
      fail(error);
      return refused(failure as Error);
    }
    wholeEnd += bytes.length;
    syncer.touch();
    if (clock.mono() - before > limits.slowWriteMs) slow = true;
    return true;
  }

  function writeLater(record: string): Promise<void> {
    const bytes = Buffer.from(record);
    queuedBytes += bytes.length;
    if (queuedBytes > limits.maxQueuedBytes) {
      fail(new Error(`more than ${limits.maxQueuedBytes} bytes wait for the disk`));
      return refused(failure as Error);
    }
    const promise = new Promise<void>((resolve, reject) => {
      queue.push({ bytes, resolve, reject });
    });
    promise.catch(ignore);
    pumping ??= pump();
    return promise;
  }

  async function pump(): Promise<void> {
    while (queue.length > 0 && !failure) await writeBatch(takeBatch(queue));
    pumping = undefined;
  }

  async function writeBatch(batch: Queued[]): Promise<void> {
    const bytes = Buffer.concat(batch.map((item) => item.bytes));
    const before = clock.mono();
    const stall = clock.after(limits.stallMs, () => {
      fail(new Error(`a write has not returned for ${limits.stallMs} ms`));
    });
    try {
      for (let done = 0; done < bytes.length; ) done += (await write(fd, bytes, done)).bytesWritten;
    } catch (error) {
      cutBack();
      fail(error);
    } finally {
      stall.cancel();
    }
    if (failure) {
      for (const item of batch) item.reject(failure);
      return;
    }
    wholeEnd += bytes.length;
    queuedBytes -= bytes.length;
    syncer.touch();
    quickInRow = clock.mono() - before > limits.slowWriteMs ? 0 : quickInRow + 1;
    if (quickInRow >= QUICK_WRITES && queue.length === 0) becomeQuick();
    for (const item of batch) item.resolve();
  }

  function becomeQuick(): void {
    slow = false;
    quickInRow = 0;
  }

  /** A record written in part goes, so that what remains is whole. Where that fails, readers tolerate the torn line. */
  function cutBack(): void {
    try {
      ftruncateSync(fd, wholeEnd);
    } catch {}
  }

  /** After a failure: freeing the torn record may have made room for the end marker. */
  function lastWords(record: string): void {
    try {
      writeFully(fd, Buffer.from(record));
    } catch {
      cutBack();
    }
  }

  return {
    get failure() {
      return failure;
    },
    write(record) {
      if (failure) return refused(failure);
      return slow ? writeLater(record) : writeNow(record);
    },
    async finish(last) {
      const stalled = await settles(pumping, clock, limits.stallMs);
      if (stalled) {
        // The descriptor stays open while the kernel holds a write on it: its number must not be reused.
        fail(new Error('a write has not returned'));
        pumping?.then(() => closeFd(fd)).catch(ignore);
        return;
      }
      if (failure) lastWords(last);
      else writeNow(last);
      await syncer.finish(failure !== undefined);
      await closeFd(fd).catch(ignore);
    },
  };
}

function takeBatch(queue: Queued[]): Queued[] {
  let bytes = 0;
  let count = 0;
  for (const item of queue) {
    if (count > 0 && bytes + item.bytes.length > BATCH_BYTES) break;
    bytes += item.bytes.length;
    count++;
  }
  return queue.splice(0, count);
}

function encode(record: string): Buffer {
  if (record.length * 3 > scratch.length) return Buffer.from(record);
  return scratch.subarray(0, scratch.write(record));
}

/** A write may be short; what is left is written until the kernel says why it cannot be. */
function writeFully(fd: number, bytes: Buffer): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done);
}

function sizeOf(fd: number): number {
  return fstatSync(fd).size;
}

/** True when `work` is still not done after `ms`. */
async function settles(work: Promise<void> | undefined, clock: Clock, ms: number): Promise<boolean> {
  if (!work) return false;
  return new Promise((resolve) => {
    const timer = clock.after(ms, () => resolve(true));
    work.then(() => {
      timer.cancel();
      resolve(false);
    }, ignore);
  });
}

/** A rejected promise that nobody has to look at. */
function refused(error: Error): Promise<void> {
  const promise = Promise.reject(error);
  promise.catch(ignore);
  return promise;
}

function ignore(): void {}
