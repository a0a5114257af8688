import { close, fstatSync } from 'node:fs';
import { promisify } from 'node:util';
import type { Clock } from '../core/clock.js';
import { messageOf, SallyportError } from '../core/errors.js';
import { briefBytes, cutBack, writeFully, writeFullyLater } from './fd-io.js';
import { watchStall } from './stall.js';
import { createSyncer } from './syncer.js';
import type { RecorderLimits, Written } from './types.js';
import type { ByteString } from './utf8.js';

const closeFd = promisify(close);

/** Bytes handed to one asynchronous write. */
const BATCH_BYTES = 1 << 20;
/** After so many asynchronous writes in a row that were quick, the disk is taken to be well again. */
const QUICK_WRITES = 8;

export interface FdWriterOptions {
  fd: number;
  clock: Clock;
  limits: RecorderLimits;
  onFailure(error: Error): void;
}

/** Whole records to one descriptor, in order: synchronously while the disk is quick, else through a bounded queue. */
export interface FdWriter {
  write(record: ByteString): Written;
  /** Writes what is queued and `last`, syncs, closes. Never rejects. Nothing may be written after it was called. */
  finish(last: ByteString): Promise<void>;
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
  let inFlight: Queued[] = [];
  /** Bytes in `queue` and `inFlight`. */
  let queuedBytes = 0;
  let failure: Error | undefined;
  let slow = false;
  let quickInRow = 0;
  let pumping: Promise<void> | undefined;
  /** Where the last whole record ends. */
  let wholeEnd = fstatSync(fd).size;
  let hasStalled = false;
  let noteStall = ignore;
  const stalled = new Promise<void>((resolve) => {
    noteStall = resolve;
  });
  const { syncMs: periodMs, stallMs } = limits;
  const syncer = createSyncer({ fd, clock, periodMs, stallMs, onError: fail, onStall });

  function onStall(): void {
    hasStalled = true;
    noteStall();
    fail(new Error(`it has not answered for ${stallMs} ms`));
  }

  function fail(error: unknown): Error {
    if (failure) return failure;
    failure = new SallyportError('failed', `the recording cannot be written: ${messageOf(error)}; see to its disk`);
    for (const item of [...inFlight, ...queue.splice(0)]) item.reject(failure);
    options.onFailure(failure);
    return failure;
  }

  function writeNow(record: ByteString): Written {
    const bytes = briefBytes(record);
    const before = clock.mono();
    try {
      writeFully(fd, bytes, wholeEnd);
    } catch (error) {
      cutBack(fd, wholeEnd);
      return refused(fail(error));
    }
    wholeEnd += bytes.length;
    slow = clock.mono() - before > limits.slowWriteMs;
    syncer.touch();
    return true;
  }

  function writeLater(record: ByteString): Promise<void> {
    const bytes = Buffer.from(record, 'latin1');
    if (queuedBytes + bytes.length > limits.maxQueuedBytes)
      return refused(fail(new Error(`more than ${limits.maxQueuedBytes} bytes wait for it`)));
    queuedBytes += bytes.length;
    const promise = new Promise<void>((resolve, reject) => {
      queue.push({ bytes, resolve, reject });
    });
    promise.catch(ignore);
    pumping ??= pump();
    return promise;
  }

  async function pump(): Promise<void> {
    while (queue.length > 0 && !failure) {
      inFlight = takeBatch(queue);
      await writeBatch(inFlight);
    }
    pumping = undefined;
  }

  async function writeBatch(batch: Queued[]): Promise<void> {
    const bytes = Buffer.concat(batch.map((item) => item.bytes));
    const before = clock.mono();
    const stall = watchStall(clock, stallMs, onStall);
    try {
      await writeFullyLater(fd, bytes, wholeEnd);
      wholeEnd += bytes.length;
    } catch (error) {
      cutBack(fd, wholeEnd);
      fail(error);
    } finally {
      stall.cancel();
      inFlight = [];
    }
    if (failure) return;
    queuedBytes -= bytes.length;
    syncer.touch();
    noteSpeed(clock.mono() - before);
    for (const item of batch) item.resolve();
  }

  function noteSpeed(tookMs: number): void {
    quickInRow = tookMs > limits.slowWriteMs ? 0 : quickInRow + 1;
    if (quickInRow < QUICK_WRITES || queue.length > 0) return;
    slow = false;
    quickInRow = 0;
  }

  /** When no write is under way any more. */
  async function release(last: ByteString): Promise<void> {
    await pumping;
    if (failure && !hasStalled) lastWords(last);
    await syncer.finish(failure !== undefined);
    await closeFd(fd).catch(ignore);
  }

  /** Cutting the torn record off may have made room for the end marker. */
  function lastWords(record: ByteString): void {
    try {
      writeFully(fd, Buffer.from(record, 'latin1'), wholeEnd);
    } catch {
      cutBack(fd, wholeEnd);
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
      if (!failure) await Promise.resolve(slow ? writeLater(last) : writeNow(last)).catch(ignore);
      // While the kernel holds a write or sync on the descriptor it stays open: its number must not be reused.
      await Promise.race([release(last), stalled]);
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

/** A rejected promise that nobody has to look at. */
function refused(error: Error): Promise<void> {
  const promise = Promise.reject(error);
  promise.catch(ignore);
  return promise;
}

function ignore(): void {}
