/** The longest line read, in bytes; the recorder's longest is 2.5 MiB. */
const MAX_LINE_BYTES = 16 << 20;
const NEWLINE = 0x0a;

export interface Line {
  text: string;
  /** Counts from 1. */
  number: number;
  /** False for what follows the last newline of the file. */
  whole: boolean;
}

/** Splits bytes at newlines, as UTF-8 text. Throws RangeError on a line beyond the limit. */
export async function* splitLines(source: AsyncIterable<Buffer>): AsyncGenerator<Line> {
  let parts: Buffer[] = [];
  let held = 0;
  let number = 0;
  for await (const chunk of source) {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      parts.push(chunk.subarray(from, at));
      yield { text: join(parts), number: ++number, whole: true };
      parts = [];
      held = 0;
      from = at + 1;
    }
    if (from === chunk.length) continue;
    parts.push(chunk.subarray(from));
    held += chunk.length - from;
    if (held > MAX_LINE_BYTES) throw new RangeError(`line ${number + 1} is longer than ${MAX_LINE_BYTES} bytes`);
  }
  if (held > 0) yield { text: join(parts), number: number + 1, whole: false };
}

function join(parts: Buffer[]): string {
  const [only] = parts;
  return only !== undefined && parts.length === 1 ? only.toString('utf8') : Buffer.concat(parts).toString('utf8');
}
