import { MAGIC, MAX_QUESTION } from './protocol.js';

const LF = 10;
const START = Buffer.concat([Buffer.of(LF), MAGIC]);

/**
 * Cuts the lines that begin as a question does out of a byte stream. Anything else is passed over by a search of the
 * platform's, never line by line: a flood of newlines costs the door what it costs to read. Holds at most MAX_QUESTION bytes.
 */
export class QuestionCutter {
  /** The beginning of a line that may yet be a question; empty at a line's start. */
  #held: Buffer = Buffer.alloc(0);
  #skipping = false;

  /** The questions completed by `chunk`, without their newlines. They may share its memory. */
  push(chunk: Buffer): Buffer[] {
    const found: Buffer[] = [];
    let from = 0;
    while (from < chunk.length) from = this.#skipping ? this.#pass(chunk, from) : this.#take(chunk, from, found);
    return found;
  }

  /** Reads on in a line; returns where to go on. */
  #take(chunk: Buffer, from: number, found: Buffer[]): number {
    const end = chunk.indexOf(LF, from);
    const stop = end === -1 ? chunk.length : end;
    const part = chunk.subarray(from, stop);
    const whole = this.#held.length + part.length;
    const line = whole > MAX_QUESTION || this.#held.length === 0 ? part : Buffer.concat([this.#held, part]);
    if (whole > MAX_QUESTION || !mayBegin(line) || (end !== -1 && line.length < MAGIC.length)) {
      this.#held = Buffer.alloc(0);
      this.#skipping = true;
      return stop;
    }
    if (end === -1) {
      this.#held = line === part ? Buffer.from(part) : line;
      return stop;
    }
    found.push(line);
    this.#held = Buffer.alloc(0);
    return end + 1;
  }

  /** Looks for the next line that may be a question; returns where to go on. */
  #pass(chunk: Buffer, from: number): number {
    const at = chunk.indexOf(START, from);
    // What began at the very end of the chunk may be completed by the next.
    const last = at === -1 ? chunk.lastIndexOf(LF) : at;
    if (last < from || (at === -1 && !mayBegin(chunk.subarray(last + 1)))) return chunk.length;
    this.#skipping = false;
    return last + 1;
  }
}

function mayBegin(line: Buffer): boolean {
  const n = Math.min(line.length, MAGIC.length);
  return line.compare(MAGIC, 0, n, 0, n) === 0;
}
