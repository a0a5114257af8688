import { CHANNEL_HARD_LIMIT, CHANNEL_HIGH_WATER, CHANNEL_LOW_WATER, CHANNEL_PACKET } from './bounds.js';

const MAX_WINDOW = 0xffff_ffff;

export type Stream = 'out' | 'err';

export interface Wire {
  /** False: hold everything until flush() is called again. */
  writable(): boolean;
  data(stream: Stream, chunk: Uint8Array, from: number, to: number): void;
  batch(sends: () => void): void;
}

interface Pending {
  stream: Stream;
  chunk: Uint8Array;
}

/** What a channel owes its client: one queue for both streams, in order, paid as window and socket allow. */
export class Outflow {
  onDrain: (() => void) | undefined;
  /** Bytes owed. */
  pending = 0;
  readonly #queue: Pending[] = [];
  /** Bytes of the first entry that have been sent. */
  #sent = 0;
  #drainDue = false;
  readonly #packet: number;

  constructor(
    readonly wire: Wire,
    private window: number,
    maxPacket: number,
  ) {
    this.#packet = Math.min(maxPacket, CHANNEL_PACKET);
  }

  /** False: the writer should wait for onDrain. */
  write(stream: Stream, chunk: Uint8Array): boolean {
    if (chunk.length === 0) return !this.#drainDue;
    if (this.pending === 0 && chunk.length <= this.#packet && chunk.length <= this.window && this.wire.writable()) {
      this.window -= chunk.length;
      this.wire.data(stream, chunk, 0, chunk.length);
      return true;
    }
    this.#queue.push({ stream, chunk });
    this.pending += chunk.length;
    this.#send();
    if (this.pending >= CHANNEL_HIGH_WATER) this.#drainDue = true;
    return !this.#drainDue;
  }

  /** The writer ignored false for too long. */
  get overrun(): boolean {
    return this.pending > CHANNEL_HARD_LIMIT;
  }

  /** The client grants `bytes` more; false when that is more than the protocol can count. */
  grow(bytes: number): boolean {
    this.window += bytes;
    return this.window <= MAX_WINDOW;
  }

  flush(): void {
    this.#send();
    if (!this.#drainDue || this.pending > CHANNEL_LOW_WATER) return;
    this.#drainDue = false;
    this.onDrain?.();
  }

  drop(): void {
    this.#queue.length = 0;
    this.#sent = 0;
    this.pending = 0;
    this.#drainDue = false;
  }

  #send(): void {
    if (this.#canSend()) this.wire.batch(() => this.#sendAll());
  }

  #canSend(): boolean {
    return this.pending > 0 && this.window > 0 && this.wire.writable();
  }

  #sendAll(): void {
    let done = 0;
    for (let next = this.#queue[done]; next && this.#canSend(); next = this.#queue[done]) {
      const size = Math.min(next.chunk.length - this.#sent, this.#packet, this.window);
      this.wire.data(next.stream, next.chunk, this.#sent, this.#sent + size);
      this.window -= size;
      this.pending -= size;
      this.#sent += size;
      if (this.#sent < next.chunk.length) continue;
      this.#sent = 0;
      done += 1;
    }
    this.#queue.splice(0, done);
  }
}
