import { openRecording } from './reader.js';

/** Bytes read at a time, all that is held of a recording of any size. */
const CHUNK_BYTES = 64 * 1024;

/**
 * A recording's file as it is when the first chunk is asked for: what is written later does not follow, so that a live
 * session cannot keep a reader for ever. Opens the file then; throws SallyportError where it cannot be read.
 */
export async function* rawBytes(path: string): AsyncGenerator<Buffer> {
  const file = await openRecording(path);
  try {
    let left = (await file.stat()).size;
    while (left > 0) {
      const size = Math.min(left, CHUNK_BYTES);
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(size), 0, size, null);
      if (bytesRead === 0) return;
      left -= bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}
