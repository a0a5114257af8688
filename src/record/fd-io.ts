import { ftruncateSync, write as writeCallback, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import type { ByteString } from './utf8.js';

const write = promisify(writeCallback);

/** Records up to this size become bytes here, without allocating; shared, as its use is synchronous. */
const scratch = Buffer.allocUnsafeSlow(512 * 1024);

/** The record's bytes; valid until the next call. */
export function briefBytes(record: ByteString): Buffer {
  if (record.length > scratch.length) return Buffer.from(record, 'latin1');
  return scratch.subarray(0, scratch.write(record, 'latin1'));
}

/** A write may be short; what is left is written until the kernel says why it cannot be. */
export function writeFully(fd: number, bytes: Buffer, position: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(fd, bytes, done, bytes.length - done, position + done);
  }
}

/** The same off the hot path. */
export async function writeFullyLater(fd: number, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await write(fd, bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
}

/** Removes a record written in part. Where that fails too, readers tolerate the torn line. */
export function cutBack(fd: number, end: number): void {
  try {
    ftruncateSync(fd, end);
  } catch {}
}
