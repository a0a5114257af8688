import type { Socket } from 'node:net';
import { messageOf } from '../core/errors.js';
import { MAX_HELD_REPLIES, MAX_IDENT, SOCKET_HARD_LIMIT, SOCKET_HIGH_WATER } from './bounds.js';
import { message } from './bytes.js';
import {
  cryptoReady,
  openProtocol,
  passKexInit,
  type Ssh2HostKey,
  type Ssh2Protocol,
  sendPayload,
} from './internals.js';
import { MSG } from './messages.js';

const IDENT = 'sallyport';

/** ssh2's word on a packet that is too long. */
const BAD_LENGTH = 'Bad packet length';

export interface TransportEvents {
  /** Before what came is looked at: bytes since the connection began. */
  received(total: number): void;
  /** One decrypted message, never a KEXINIT. May throw: the connection ends. */
  message(type: number, payload: Buffer): void;
  ident(software: string): void;
  /** The client wants new keys; false ends the connection. */
  rekeyAsked(): boolean;
  /** More than `wearBytes` went one way under these keys. */
  worn(): void;
  /** New keys are in use, the first time and after every rekey. */
  keysReady(): void;
  /** Once at the most: a packet longer than MAX_PACKET, or what deciphers to one; nothing more is read. */
  tooLong(): void;
  /** Room again, where `writable` was false. */
  drained(): void;
  /** Once; nothing follows. */
  closed(): void;
}

/** Encrypted messages over one socket. Never throws; whatever goes wrong destroys the socket. */
export class Transport {
  /** Bytes since the last key exchange. */
  #bytesIn = 0;
  #bytesOut = 0;
  #dead = false;
  #identSeen = false;
  readonly #protocol: Ssh2Protocol;

  constructor(
    readonly socket: Socket,
    hostKey: Ssh2HostKey,
    readonly wearBytes: number,
    readonly events: TransportEvents,
  ) {
    this.#protocol = openProtocol(hostKey, IDENT, {
      write: (data) => this.#write(data),
      error: () => this.destroy(),
      ident: (software) => {
        this.#identSeen = true;
        events.ident(software);
      },
      keysReady: () => {
        this.#bytesIn = 0;
        this.#bytesOut = 0;
        events.keysReady();
      },
      disconnected: () => this.destroy(),
      payload: (payload) => this.#payload(payload),
    });
    socket.on('error', () => this.destroy());
    // A socket that died on its way here emits nothing more.
    if (socket.destroyed) setImmediate(() => this.#closed());
    else socket.once('close', () => this.#closed());
    socket.once('end', () => this.destroy());
    socket.on('drain', () => this.#dead || events.drained());
    cryptoReady.then(
      () => this.#start(),
      () => this.destroy(),
    );
  }

  get dead(): boolean {
    return this.#dead;
  }

  /** Keys are being exchanged: messages are held back. */
  get rekeying(): boolean {
    return this.#protocol._kexinit !== undefined;
  }

  /** Channel data may be sent now. */
  get writable(): boolean {
    return !this.#dead && !this.rekeying && this.socket.writableLength < SOCKET_HIGH_WATER;
  }

  /** Valid from the first keysReady on. */
  get sessionId(): Buffer {
    return this.#protocol._kex.sessionID;
  }

  send(payload: Buffer): void {
    this.#guarded(() => {
      sendPayload(this.#protocol, payload.length, (packet, at) => packet.set(payload, at));
      const held = this.#protocol._queue?.length ?? 0;
      if (held > MAX_HELD_REPLIES || this.socket.writableLength > SOCKET_HARD_LIMIT) this.destroy();
    });
  }

  /** As send, of a header and a part of a chunk, sparing a copy. */
  sendData(header: Buffer, chunk: Uint8Array, from: number, to: number): void {
    this.#guarded(() => {
      sendPayload(this.#protocol, header.length + to - from, (packet, at) => {
        packet.set(header, at);
        packet.set(from === 0 && to === chunk.length ? chunk : chunk.subarray(from, to), at + header.length);
      });
      this.#checkWear();
    });
  }

  /** Several sends in one write to the network, which is done when this returns. */
  batch(sends: () => void): void {
    this.socket.cork();
    try {
      sends();
    } finally {
      this.socket.uncork();
    }
  }

  /** Says that the last message received is not one we know. */
  unimplemented(): void {
    this.send(message(MSG.UNIMPLEMENTED, (this.#protocol._decipher.inSeqno - 1) >>> 0));
  }

  rekey(): void {
    this.#guarded(() => this.#protocol.rekey());
  }

  /**
   * Says goodbye, if that is possible at once, and takes no more. `patient` drops what still comes for as long as the owner
   * waits: a socket closed with something unread would take the goodbye back. The owner sees to it that destroy() follows.
   */
  goodbye(reason: number, text: string, patient = false): void {
    if (this.#dead) return;
    const bye = message(MSG.DISCONNECT, reason, text, '');
    if (this.#identSeen) {
      this.#guarded(() => sendPayload(this.#protocol, bye.length, (packet, at) => packet.set(bye, at), true));
    }
    this.#dead = true;
    if (patient) this.socket.end();
    else this.socket.destroySoon();
  }

  destroy(): void {
    this.#dead = true;
    this.socket.destroy();
  }

  #start(): void {
    if (this.#dead) return;
    this.socket.on('data', (chunk: Buffer) => this.#data(chunk));
    this.socket.resume(); // a listener may hand sockets over paused
    this.#guarded(() => this.#protocol.start?.());
  }

  #data(chunk: Buffer): void {
    this.#bytesIn += chunk.length;
    if (!this.#identSeen && this.#identTooLong(chunk)) this.destroy();
    this.events.received(this.socket.bytesRead);
    this.#parse(chunk);
    this.#checkWear();
  }

  #parse(chunk: Buffer): void {
    if (this.#dead) return;
    try {
      this.#protocol.parse(chunk, 0, chunk.length);
    } catch (error) {
      if (messageOf(error) === BAD_LENGTH) this.events.tooLong();
      else this.destroy();
    }
  }

  #checkWear(): void {
    if (Math.max(this.#bytesIn, this.#bytesOut) < this.wearBytes || this.#dead || this.rekeying) return;
    this.events.worn();
  }

  /** ssh2 would take 8 KiB of identification, and scan it all again for every piece that comes. */
  #identTooLong(chunk: Buffer): boolean {
    const newline = chunk.indexOf(10);
    const before = this.#bytesIn - chunk.length;
    return before + (newline === -1 ? chunk.length : newline + 1) > MAX_IDENT;
  }

  /** ssh2 goes on with the next packet of the chunk on undefined, and stops on what a KEXINIT returns. */
  #payload(payload: Buffer): unknown {
    const type = payload[0];
    if (this.#dead || type === undefined) return undefined;
    if (type !== MSG.KEXINIT) {
      this.events.message(type, payload);
      return undefined;
    }
    if (this.rekeying || this.events.rekeyAsked()) return passKexInit(this.#protocol, payload);
    this.destroy();
    return undefined;
  }

  #write(data: Buffer): void {
    if (this.#dead) return;
    this.#bytesOut += data.length;
    this.socket.write(data);
  }

  #guarded(work: () => void): void {
    if (this.#dead) return;
    try {
      work();
    } catch {
      this.destroy();
    }
  }

  #closed(): void {
    this.#dead = true;
    this.#protocol.cleanup();
    this.events.closed();
  }
}
