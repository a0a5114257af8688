import { CHANNEL_PACKET, CHANNEL_WINDOW } from './bounds.js';

/** Held chunks up to this size are joined. */
const JOIN = 4096;

/** What a client sends on a channel: never more than the window, held until someone reads. */
export class Inflow {
  /** Bytes the client may still send. */
  #window = CHANNEL_WINDOW;
  /** Bytes read since the window was last renewed. */
  #consumed = 0;
  #paused = false;
  #ended = false;
  #endTold = false;
  #held: Buffer[] = [];
  #listener: ((chunk: Buffer) => void) | undefined;
  #endListener: (() => void) | undefined;

  constructor(private readonly renew: (bytes: number) => void) {}

  /** False: the client sent more than it may. */
  take(chunk: Buffer): boolean {
    if (chunk.length > this.#window || chunk.length > CHANNEL_PACKET) return false;
    this.#window -= chunk.length;
    if (this.#ended || chunk.length === 0) return true;
    if (this.#flowing) this.#deliver(chunk);
    else this.#hold(chunk);
    return true;
  }

  /** Counts and drops: extended data, which no client has a use for. */
  waste(bytes: number): boolean {
    this.#window -= bytes;
    return this.#window >= 0;
  }

  end(): void {
    this.#ended = true;
    this.#release();
  }

  onInput(fn: (chunk: Buffer) => void): void {
    this.#listener = fn;
    this.#release();
  }

  onEnd(fn: () => void): void {
    this.#endListener = fn;
    this.#release();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#release();
  }

  /** Nothing is delivered any more. */
  drop(): void {
    this.#held = [];
    this.#listener = undefined;
    this.#endListener = undefined;
    this.#ended = true;
  }

  /** Copies and joins small chunks: a million one-byte packets must not become a million buffers. */
  #hold(chunk: Buffer): void {
    const last = this.#held.at(-1);
    if (last && last.length + chunk.length <= JOIN) this.#held[this.#held.length - 1] = Buffer.concat([last, chunk]);
    else this.#held.push(Buffer.from(chunk));
  }

  get #flowing(): boolean {
    return this.#listener !== undefined && !this.#paused && this.#held.length === 0;
  }

  /** The listener may pause, or resume, from within. */
  #release(): void {
    while (this.#listener && !this.#paused) {
      const chunk = this.#held.shift();
      if (!chunk) break;
      this.#deliver(chunk);
    }
    if (!this.#ended || this.#endTold || !this.#flowing || !this.#endListener) return;
    this.#endTold = true;
    this.#endListener();
  }

  #deliver(chunk: Buffer): void {
    this.#consumed += chunk.length;
    this.#listener?.(chunk);
    if (this.#consumed < CHANNEL_WINDOW / 2 || this.#ended) return;
    this.#window += this.#consumed;
    this.renew(this.#consumed);
    this.#consumed = 0;
  }
}
