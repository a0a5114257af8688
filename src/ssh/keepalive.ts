import type { Clock, Timer } from '../core/clock.js';

interface KeepaliveHost {
  ask(): void;
  gone(): void;
}

/** Notices a client that is gone without a word. */
export class Keepalive {
  #heard = true;
  #unanswered = 0;
  #timer: Timer | undefined;

  /** `periodMs` 0: never. */
  constructor(
    readonly clock: Clock,
    readonly periodMs: number,
    readonly tries: number,
    readonly host: KeepaliveHost,
  ) {}

  start(): void {
    if (this.periodMs > 0) this.#timer = this.clock.every(this.periodMs, () => this.#tick());
  }

  heard(): void {
    this.#heard = true;
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #tick() {
    if (this.#heard) this.#unanswered = 0;
    this.#heard = false;
    if (this.#unanswered >= this.tries) return this.host.gone();
    this.#unanswered += 1;
    this.host.ask();
  }
}
