/**
 * The only file, but for `packet-limit.ts`, that touches ssh2. Of ssh2 the door uses the transport alone (identification, key exchange, ciphers), by
 * its internal Protocol class; authentication and channels are ours. Internals may change in any release, so the version
 * is pinned and what is used is checked at load: a door that cannot be sure does not open.
 */
import { createRequire } from 'node:module';
import { SallyportError } from '../core/errors.js';
import { raisePacketLimit, takesLongPackets } from './packet-limit.js';

const VERSION = '1.17.0';

const KEXINIT = 20;

export interface Ssh2HostKey {
  type: string;
  getPublicSSH(): Buffer;
}

interface PacketWriter {
  allocStart: number;
  allocStartKEX: number;
  alloc(size: number, force?: boolean): Buffer;
  finalize(packet: Buffer, force?: boolean): Buffer;
}

/** The parts of ssh2's Protocol that the transport works with. */
export interface Ssh2Protocol {
  start?: () => void;
  parse(chunk: Buffer, from: number, to: number): void;
  rekey(): void;
  cleanup(): void;
  _kexinit: Buffer | undefined;
  _queue: Buffer[] | undefined;
  _kex: { sessionID: Buffer; remoteExtInfoEnabled: boolean };
  _decipher: { inSeqno: number };
  _packetRW: { write: PacketWriter };
  _onPayload: (payload: Buffer) => unknown;
  _onHandshakeComplete: (negotiated: unknown) => void;
}

interface ProtocolConfig {
  server: true;
  hostKeys: Record<string, Ssh2HostKey>;
  ident: string;
  offer: object;
  onWrite: (data: Buffer) => void;
  onError: (error: Error) => void;
  onHeader: (header: { versions: { software: string } }) => void;
  onHandshakeComplete: () => void;
  messageHandlers: { DISCONNECT: () => void };
}

type KexInitHandler = (protocol: Ssh2Protocol, payload: Buffer) => unknown;

interface Internals {
  Protocol: new (config: ProtocolConfig) => Ssh2Protocol;
  ready: Promise<unknown>;
  Decipher: Parameters<typeof takesLongPackets>[0];
  parseKey: (pem: string) => unknown;
  sendPacket: (protocol: Ssh2Protocol, packet: Buffer, bypass: boolean) => void;
  onKexInit: KexInitHandler;
}

/** Throws SallyportError unless `require` finds the ssh2 this file was written for. */
export function loadInternals(require: (id: string) => unknown): Internals {
  const { version } = require('ssh2/package.json') as { version: string };
  if (version !== VERSION) {
    throw new SallyportError(
      'failed',
      `ssh2 ${version} is installed, and the door knows ${VERSION} only; run: npm install ssh2@${VERSION}`,
    );
  }
  const lib = <T>(name: string) => require(`ssh2/lib/protocol/${name}.js`) as T;
  const loaded = {
    Protocol: lib<Internals['Protocol']>('Protocol'),
    ready: lib<{ init: Promise<unknown> }>('crypto').init,
    Decipher: lib<{ NullDecipher: Internals['Decipher'] }>('crypto').NullDecipher,
    parseKey: lib<Pick<Internals, 'parseKey'>>('keyParser').parseKey,
    sendPacket: lib<Pick<Internals, 'sendPacket'>>('utils').sendPacket,
    onKexInit: lib<KexInitHandler[]>('handlers')[KEXINIT] as KexInitHandler,
  };
  checkShape(loaded);
  return loaded;
}

function checkShape(loaded: Internals): void {
  const config: ProtocolConfig = {
    server: true,
    hostKeys: {},
    ident: 'x',
    offer: offer(),
    onWrite: () => {},
    onError: () => {},
    onHeader: () => {},
    onHandshakeComplete: () => {},
    messageHandlers: { DISCONNECT: () => {} },
  };
  const protocol = typeof loaded.Protocol === 'function' ? new loaded.Protocol(config) : undefined;
  const writer = protocol?._packetRW.write;
  const fits =
    writer !== undefined &&
    [protocol?.start, protocol?.parse, protocol?.rekey, protocol?.cleanup, protocol?._onPayload].every(isFunction) &&
    [protocol?._onHandshakeComplete, writer.alloc, writer.finalize].every(isFunction) &&
    [loaded.parseKey, loaded.sendPacket, loaded.onKexInit].every(isFunction) &&
    writer.allocStart === 5 &&
    writer.allocStartKEX === 5 &&
    loaded.ready instanceof Promise &&
    takesLongPackets(loaded.Decipher);
  protocol?.cleanup();
  if (!fits) throw new SallyportError('failed', `ssh2 ${VERSION} is not as published; run: npm ci`);
}

const isFunction = (value: unknown) => typeof value === 'function';

/** What the server offers, best first: nothing with a known weakness, nothing that a current client lacks. */
export const ALGORITHMS = {
  kex: ['curve25519-sha256', 'curve25519-sha256@libssh.org'],
  serverHostKey: ['ssh-ed25519'],
  cipher: ['chacha20-poly1305@openssh.com', 'aes256-gcm@openssh.com', 'aes128-gcm@openssh.com', 'aes256-ctr'],
  mac: ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com'],
  compress: ['none'],
} as const;

function offer(): object {
  const { cipher, mac, compress } = ALGORITHMS;
  const way = { cipher: [...cipher], mac: [...mac], compress: [...compress], lang: [] };
  // A new one each time: Protocol adds the strict-kex marker to the list it is given.
  return { kex: [...ALGORITHMS.kex], serverHostKey: [...ALGORITHMS.serverHostKey], cs: way, sc: way };
}

const require = createRequire(import.meta.url);
raisePacketLimit(require);
const internals = loadInternals(require);

/** Resolves when ssh2's ciphers may be used. */
export const cryptoReady = internals.ready;

export function parseHostKey(pem: string): Ssh2HostKey | undefined {
  const key = internals.parseKey(pem);
  if (key instanceof Error || Array.isArray(key)) return undefined;
  return key as Ssh2HostKey;
}

export interface ProtocolEvents {
  write(data: Buffer): void;
  error(error: Error): void;
  ident(software: string): void;
  keysReady(): void;
  disconnected(): void;
  payload(payload: Buffer): unknown;
}

/** A server-side Protocol whose decrypted payloads all go to `events.payload`, unread. */
export function openProtocol(hostKey: Ssh2HostKey, ident: string, events: ProtocolEvents): Ssh2Protocol {
  const protocol = new internals.Protocol({
    server: true,
    hostKeys: { [hostKey.type]: hostKey },
    ident,
    offer: offer(),
    onWrite: events.write,
    onError: events.error,
    onHeader: (header) => events.ident(header.versions.software),
    onHandshakeComplete: events.keysReady,
    messageHandlers: { DISCONNECT: events.disconnected },
  });
  protocol._onPayload = events.payload;
  const complete = protocol._onHandshakeComplete;
  protocol._onHandshakeComplete = (negotiated) => {
    // ssh2 would name ssh-rsa, ssh-dss and a misspelt list as what it accepts; the connection sends its own.
    protocol._kex.remoteExtInfoEnabled = false;
    complete(negotiated);
  };
  return protocol;
}

/** Hands a KEXINIT that came after the first exchange to ssh2; its result must be returned from `payload`. */
export function passKexInit(protocol: Ssh2Protocol, payload: Buffer): unknown {
  return internals.onKexInit(protocol, payload);
}

/**
 * Sends one payload of `size` bytes that `fill` writes from offset `at` on. During a key exchange it is held back, unless
 * `urgent`, which only transport messages may be.
 */
export function sendPayload(
  protocol: Ssh2Protocol,
  size: number,
  fill: (packet: Buffer, at: number) => void,
  urgent = false,
): void {
  const writer = protocol._packetRW.write;
  const at = urgent ? writer.allocStartKEX : writer.allocStart;
  const packet = writer.alloc(size, urgent);
  fill(packet, at);
  internals.sendPacket(protocol, writer.finalize(packet, urgent), urgent);
}
