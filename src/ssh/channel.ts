import type { Clock, Timer } from '../core/clock.js';
import { Inflow } from './inflow.js';
import { Outflow, type Stream, type Wire } from './outflow.js';
import type { ExitStatus, SessionChannel } from './types.js';

/** A question that has to wait for the network is tried again after so long. Unit: ms. */
const PING_AGAIN_MS = 20;

/** What a channel says to its client besides data. */
export interface ChannelWire extends Wire {
  renewWindow(bytes: number): void;
  finish(status: ExitStatus | undefined): void;
  /** Asks for a sign of life; false when none can be asked for now. */
  ping(answered: () => void): boolean;
  /** Both sides have closed: the channel's number is free. */
  released(): void;
}

export interface ChannelHost {
  clock: Clock;
  closeStallMs: number;
  /** Calls a listener; what it throws goes no further. */
  call(listener: () => void): void;
}

type Listeners = {
  resize?: (cols: number, rows: number) => void;
  signal?: (name: string) => void;
  close?: () => void;
};

/** One session channel, from CHANNEL_OPEN to both CLOSEs. */
export class Channel implements SessionChannel {
  readonly #in: Inflow;
  readonly #out: Outflow;
  readonly #on: Listeners = {};
  #status: ExitStatus | undefined;
  /** A window change that came before anyone listened: admission takes a while. */
  #missedSize: [cols: number, rows: number] | undefined;
  /** close() was called; pending bytes are on their way. */
  #closing = false;
  /** Our CLOSE is sent, or never can be. */
  #over = false;
  #peerClosed = false;
  #stall: Timer | undefined;

  constructor(
    readonly wire: ChannelWire,
    readonly host: ChannelHost,
    window: number,
    maxPacket: number,
  ) {
    this.#in = new Inflow((bytes) => this.#over || wire.renewWindow(bytes));
    this.#out = new Outflow(wire, window, maxPacket);
  }

  /** Nothing can be said on it any more. */
  get over(): boolean {
    return this.#over;
  }

  onInput(fn: (chunk: Buffer) => void): void {
    this.#in.onInput((chunk) => this.host.call(() => fn(chunk)));
  }

  onInputEnd(fn: () => void): void {
    this.#in.onEnd(() => this.host.call(fn));
  }

  pauseInput(): void {
    this.#in.pause();
  }

  resumeInput(): void {
    this.#in.resume();
  }

  writeOut(chunk: Uint8Array): boolean {
    return this.#write('out', chunk);
  }

  writeErr(chunk: Uint8Array): boolean {
    return this.#write('err', chunk);
  }

  onDrain(fn: () => void): void {
    this.#out.onDrain = () => this.host.call(fn);
  }

  buffered(): number {
    return this.#out.pending;
  }

  together(sends: () => void): void {
    this.wire.batch(sends);
  }

  reached(fn: () => void): void {
    if (this.#over) return;
    const asked = this.#out.pending === 0 && this.wire.ping(() => this.host.call(fn));
    if (!asked) this.host.clock.after(PING_AGAIN_MS, () => this.reached(fn));
  }

  onResize(fn: (cols: number, rows: number) => void): void {
    this.#on.resize = (cols, rows) => this.host.call(() => fn(cols, rows));
    const missed = this.#missedSize;
    this.#missedSize = undefined;
    if (missed) this.resized(...missed);
  }

  onSignal(fn: (name: string) => void): void {
    this.#on.signal = (name) => this.host.call(() => fn(name));
  }

  onClose(fn: () => void): void {
    const told = () => this.host.call(fn);
    if (this.#over) setImmediate(told);
    else this.#on.close = told;
  }

  exit(status: ExitStatus): void {
    this.#status = status;
  }

  close(): void {
    if (this.#over || this.#closing) return;
    this.#closing = true;
    this.#in.drop();
    if (this.#out.pending === 0) this.#finish();
    else this.#watchStall(this.#out.pending);
  }

  destroy(): void {
    if (this.#over) return;
    this.#out.drop();
    this.#finish();
  }

  /** From here on: what the connection tells its channel. False: the client broke the protocol. */

  received(chunk: Buffer): boolean {
    return this.#in.take(chunk);
  }

  wasted(bytes: number): boolean {
    return this.#in.waste(bytes);
  }

  windowGrown(bytes: number): boolean {
    const sane = this.#out.grow(bytes);
    if (sane) this.flush();
    return sane;
  }

  inputEnded(): void {
    this.#in.end();
  }

  resized(cols: number, rows: number): void {
    if (this.#over) return;
    if (this.#on.resize) this.#on.resize(cols, rows);
    else this.#missedSize = [cols, rows];
  }

  signalled(name: string): void {
    if (!this.#over) this.#on.signal?.(name);
  }

  flush(): void {
    if (this.#over) return;
    this.#out.flush();
    if (this.#closing && this.#out.pending === 0) this.#finish();
  }

  peerClosed(): void {
    if (this.#peerClosed) return;
    this.#peerClosed = true;
    this.destroy();
    this.wire.released();
  }

  /** The connection is gone. */
  lost(): void {
    this.#end();
  }

  #write(stream: Stream, chunk: Uint8Array): boolean {
    if (this.#over || this.#closing) return true;
    const more = this.#out.write(stream, chunk);
    if (this.#out.overrun) this.destroy();
    return more;
  }

  #finish(): void {
    if (this.#over) return;
    this.wire.finish(this.#status);
    this.#end();
    if (this.#peerClosed) this.wire.released();
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#stall?.cancel();
    this.#in.drop();
    this.#out.drop();
    this.#on.close?.();
  }

  /** A client that takes nothing must not keep a channel for ever. */
  #watchStall(pending: number): void {
    this.#stall = this.host.clock.after(this.host.closeStallMs, () => {
      if (this.#out.pending >= pending) this.destroy();
      else this.#watchStall(this.#out.pending);
    });
  }
}
