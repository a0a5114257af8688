import { isUtf8 } from 'node:buffer';

const NOTHING = Buffer.alloc(0);

/** UTF-8 as a string with one character for each byte: escaping and writing such a string costs half. */
export type ByteString = string;

export function byteString(text: string): ByteString {
  return Buffer.from(text).toString('latin1');
}

/** The text of one chunk, and whether that text's UTF-8 is exactly the chunk's bytes. */
export interface Decoded {
  text: ByteString;
  exact: boolean;
}

/** Decodes one stream chunk by chunk; a character split between chunks is shown with the chunk that completes it. */
export interface Utf8Stream {
  decode(chunk: Buffer): Decoded;
}

/** What is shown of a chunk of binary data where only its start is wanted, bytes. */
const BINARY_SHOWN = 1024;

/**
 * With `briefBinary` only the start of a binary chunk becomes text: for output that no terminal shows, where an archive
 * would else be written a second time as three bytes for each it has.
 */
export function createUtf8Stream(briefBinary = false): Utf8Stream {
  let held = NOTHING; // at most 3 bytes: a character begun and not yet complete
  return {
    decode(chunk) {
      if (held.length === 0 && isUtf8(chunk)) return { text: chunk.toString('latin1'), exact: true };
      const all = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      const whole = all.length - unfinishedTail(all);
      held = whole === all.length ? NOTHING : Buffer.from(all.subarray(whole));
      const shown = briefBinary && isBinary(all, whole) ? BINARY_SHOWN : whole;
      return { text: byteString(all.toString('utf8', 0, shown)), exact: false };
    },
  };
}

/** Neither UTF-8 nor text of another encoding, as far as a NUL tells; and long. */
function isBinary(bytes: Buffer, whole: number): boolean {
  return whole > BINARY_SHOWN && bytes.includes(0) && !isUtf8(bytes.subarray(0, whole));
}

/** How many bytes at the end begin a UTF-8 character that later bytes could complete: 0 to 3. */
function unfinishedTail(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] as number;
    if ((byte & 0xc0) === 0x80) continue;
    return sequenceLength(byte) > back ? back : 0;
  }
  return 0;
}

function sequenceLength(lead: number): number {
  if (lead >= 0xc2 && lead <= 0xdf) return 2;
  if (lead >= 0xe0 && lead <= 0xef) return 3;
  if (lead >= 0xf0 && lead <= 0xf4) return 4;
  return 1;
}
