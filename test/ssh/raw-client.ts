/** A client that sends what it is told, honest or not: ssh2's client transport with every message above it made by hand. */

import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { connect, type Socket } from 'node:net';
import { ByteReader, message, sshString } from '../../src/ssh/bytes.js';
import { MSG } from '../../src/ssh/messages.js';

interface ClientProtocol {
  start(): void;
  parse(chunk: Buffer, from: number, to: number): void;
  rekey(): void;
  disconnect(reason: number): void;
  _kex: { sessionID: Buffer };
  _packetRW: { write: { allocStart: number; alloc(n: number): Buffer; finalize(b: Buffer): Buffer } };
  _onPayload(payload: Buffer): unknown;
}

const require = createRequire(import.meta.url);
const Protocol = require('ssh2/lib/protocol/Protocol.js');
const utils = require('ssh2/lib/protocol/utils.js');
const handlers = require('ssh2/lib/protocol/handlers.js');
const ready: Promise<unknown> = require('ssh2/lib/protocol/crypto.js').init;

export interface Received {
  type: number;
  payload: Buffer;
}

export interface TestKey {
  algo: string;
  blob: Buffer;
  secret: KeyObject;
}

export function testKey(): TestKey {
  const pair = generateKeyPairSync('ed25519');
  const x = Buffer.from(pair.publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
  const blob = Buffer.concat([...sshString('ssh-ed25519'), ...sshString(x)]);
  return { algo: 'ssh-ed25519', blob, secret: pair.privateKey };
}

export class RawClient {
  readonly received: Received[] = [];
  /** Answer a KEXINIT of the server's; false stalls the exchange. */
  answerRekey = true;
  closed = false;
  rekeys = 0;
  #wake: (() => void)[] = [];
  readonly #protocol: ClientProtocol;

  private constructor(
    readonly socket: Socket,
    offer?: object,
  ) {
    this.#protocol = new Protocol({
      server: false,
      ident: 'rawclient',
      ...(offer && { offer }),
      hostVerifier: () => true,
      onWrite: (data: Buffer) => socket.write(data),
      onError: () => socket.destroy(),
      onHeader: () => {},
      onHandshakeComplete: () => {
        this.rekeys += 1;
        this.#notify();
      },
      messageHandlers: {},
    }) as ClientProtocol;
    this.#protocol._onPayload = (payload) => this.#payload(payload);
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
      this.#notify();
    });
    socket.on('data', (chunk: Buffer) => {
      try {
        this.#protocol.parse(chunk, 0, chunk.length);
      } catch {
        socket.destroy();
      }
    });
    this.#protocol.start();
  }

  static async connect(port: number, offer?: object): Promise<RawClient> {
    await ready;
    const socket = connect(port, '127.0.0.1');
    socket.setNoDelay(true);
    await once(socket, 'connect');
    const client = new RawClient(socket, offer);
    await client.until(() => client.rekeys > 0 || client.closed);
    if (client.rekeys === 0) throw new Error('no keys were agreed on');
    return client;
  }

  send(payload: Buffer): void {
    if (this.closed) return;
    const { write } = this.#protocol._packetRW;
    const at = write.allocStart;
    const packet = write.alloc(payload.length);
    packet.set(payload, at);
    utils.sendPacket(this.#protocol, write.finalize(packet));
  }

  rekey(): void {
    this.#protocol.rekey();
  }

  /** Sends a KEXINIT-shaped start of an exchange and nothing after it. */
  get sessionId(): Buffer {
    return this.#protocol._kex.sessionID;
  }

  async until(ready: () => boolean, ms = 5000): Promise<void> {
    const deadline = Date.now() + ms;
    while (!ready()) {
      if (Date.now() > deadline) throw new Error(`nothing came; last: ${this.received.at(-1)?.type}`);
      await new Promise<void>((resolve) => {
        this.#wake.push(resolve);
        setTimeout(resolve, 20);
      });
    }
  }

  /** The next message of this type that has not been taken. */
  async next(type: number, ms = 5000): Promise<ByteReader> {
    const index = () => this.received.findIndex((m) => m.type === type);
    await this.until(() => index() !== -1 || this.closed, ms);
    const [found] = index() === -1 ? [] : this.received.splice(index(), 1);
    if (!found) throw new Error('the connection closed');
    return new ByteReader(found.payload, 1);
  }

  async end(): Promise<void> {
    await this.until(() => this.closed);
  }

  async userAuthService(): Promise<void> {
    this.send(message(MSG.SERVICE_REQUEST, 'ssh-userauth'));
    await this.next(MSG.SERVICE_ACCEPT);
  }

  signedRequest(user: string, key: TestKey, claimed = user): Buffer {
    const body = (name: string) =>
      message(MSG.USERAUTH_REQUEST, name, 'ssh-connection', 'publickey', true, key.algo, key.blob);
    const signature = sign(null, Buffer.concat([...sshString(this.sessionId), body(user)]), key.secret);
    return Buffer.concat([
      body(claimed),
      ...sshString(Buffer.concat([...sshString(key.algo), ...sshString(signature)])),
    ]);
  }

  probe(user: string, key: TestKey): void {
    this.send(message(MSG.USERAUTH_REQUEST, user, 'ssh-connection', 'publickey', false, key.algo, key.blob));
  }

  async login(user: string, key: TestKey): Promise<void> {
    await this.userAuthService();
    this.send(this.signedRequest(user, key));
    await this.next(MSG.USERAUTH_SUCCESS);
  }

  async openSession(own = 0, window = 0x100000, packet = 0x8000): Promise<number> {
    this.send(message(MSG.CHANNEL_OPEN, 'session', own, window, packet));
    const reply = await this.next(MSG.CHANNEL_OPEN_CONFIRMATION);
    reply.uint32();
    return reply.uint32();
  }

  async exec(command: string, own = 0, window = 0x100000, packet = 0x8000): Promise<number> {
    const channel = await this.openSession(own, window, packet);
    this.send(message(MSG.CHANNEL_REQUEST, channel, 'exec', true, command));
    await this.next(MSG.CHANNEL_SUCCESS);
    return channel;
  }

  /** Data of one stream so far, in order. */
  data(stream: 'out' | 'err' = 'out'): Buffer {
    const type = stream === 'out' ? MSG.CHANNEL_DATA : MSG.CHANNEL_EXTENDED_DATA;
    const parts = this.received.filter((m) => m.type === type);
    return Buffer.concat(parts.map((m) => m.payload.subarray(stream === 'out' ? 9 : 13)));
  }

  #payload(payload: Buffer): unknown {
    const type = payload[0] ?? 0;
    if (type === MSG.KEXINIT) {
      if (!this.answerRekey) return undefined;
      return handlers[MSG.KEXINIT](this.#protocol, payload);
    }
    this.received.push({ type, payload: Buffer.from(payload) });
    this.#notify();
    return undefined;
  }

  #notify(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}
