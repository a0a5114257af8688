/** The door's network side as the rest of the broker sees it: no ssh2 type in it. */
import type { Socket } from 'node:net';
import type { Clock } from '../core/clock.js';
import type { LoginName } from './login-name.js';

export interface SshLimits {
  /** ms from accept() until the client must be authenticated, its banner included. */
  loginGraceMs: number;
  /** Refused signed (or password) attempts before the connection ends. */
  authTries: number;
  channelsPerConnection: number;
  /** Bytes a client may send before it is authenticated. */
  maxUnauthBytes?: number;
  /** Unsigned key queries a client may make. */
  authProbes?: number;
  /** The server asks for new keys after this many bytes either way, or this long. */
  rekeyBytes?: number;
  rekeyMs?: number;
  /** A key exchange that is not over after this long ends the connection. */
  kexMs?: number;
  /** A sign of life is asked for after this long without a packet; 0 switches it off. */
  keepaliveMs?: number;
  /** Unanswered signs of life before the client counts as gone. */
  keepaliveTries?: number;
  /** close() gives up on a client that takes no byte for this long. */
  closeStallMs?: number;
}

export interface SshDoorOptions {
  /** An ed25519 private key in OpenSSH's format, without passphrase. */
  hostKey: string;
  clock: Clock;
  limits: SshLimits;
  /** Which variables a client may set. Names reach it only as [A-Za-z_][A-Za-z0-9_]*. */
  envAllow: (name: string) => boolean;
}

export interface SshDoor {
  /** Takes over a connected socket; never throws. `info` names the peer as the listener saw it. */
  accept(socket: Socket, info: { id: number; ip: string; port: number }): void;
  /** Says goodbye on that connection, if it is there, and ends it. */
  disconnect(id: number, reason: string): void;
  /** Ends every connection at once and refuses new ones. */
  close(): void;
  connections(): number;
}

/** One client's connection; the same object in every hook. */
export interface SshConnection {
  readonly id: number;
  readonly ip: string;
  readonly port: number;
  /** What the client says it runs, escaped and cut. */
  clientVersion(): string;
  /** Ends the connection, with a line the client's program may show. */
  disconnect(reason: string): void;
}

export interface OfferedKey {
  /** The signature algorithm: ssh-ed25519, ecdsa-sha2-nistp{256,384,521}, rsa-sha2-{256,512}. */
  algo: string;
  /** The key's own type, as in authorized_keys: ssh-rsa for both rsa-sha2 algorithms. */
  keyType: string;
  keyBlob: Buffer;
}

/** A signed attempt, as it came: for the keeper to verify (see verifyProof), never verified here. */
export interface Proof extends OfferedKey {
  signedBlob: Buffer;
  /** The whole signature field: string algorithm, string signature. */
  signature: Buffer;
}

export interface Login {
  user: string;
  target: string;
}

/** The key is good, and something only the person knows is asked for besides (RFC 4256). */
export interface Challenge<L extends Login = Login> {
  /** Shown by the client; what is typed is not. */
  prompt: string;
  /** Undefined or a throw: wrong. */
  answer(typed: string): Promise<L | undefined>;
}

export interface PtyRequest {
  /** [A-Za-z0-9._+-]{1,64} */
  term: string;
  cols: number;
  rows: number;
  xpixel: number;
  ypixel: number;
  /** As RFC 4254 section 8 numbers them, 1 to 159, each at most once. */
  modes: [mode: number, value: number][];
}

export interface SessionRequest {
  kind: 'shell' | 'exec';
  /** Exactly the bytes the client sent, which were valid UTF-8 without NUL. Present iff kind is exec. */
  command?: string;
  pty?: PtyRequest;
  env: Record<string, string>;
}

export type ExitStatus = { code: number } | { signal: string };

/**
 * What a session needs of its client. Each on… takes one listener, the last one set. Nothing here throws; after the channel
 * is closed every call is a no-op. Chunks handed over in either direction must not be changed afterwards.
 */
export interface SessionChannel {
  /** Input is held (at most a window, 2 MiB) until this is set. */
  onInput(fn: (chunk: Buffer) => void): void;
  /** The client will send no more; after the last onInput. */
  onInputEnd(fn: () => void): void;
  pauseInput(): void;
  resumeInput(): void;
  /** Always takes the chunk; false asks the caller to wait for onDrain. Past 16 MiB unsent the channel is destroyed. */
  writeOut(chunk: Uint8Array): boolean;
  writeErr(chunk: Uint8Array): boolean;
  /** Once after a write said false, when there is room again. */
  onDrain(fn: () => void): void;
  /** What is sent meanwhile leaves in one write. */
  together(sends: () => void): void;
  /** Called when the client has answered something sent after what was written so far, before what it sent next; perhaps never. */
  reached(fn: () => void): void;
  /** Bytes taken and not yet given to the connection's socket. */
  buffered(): number;
  /** The last size since the start is told at once, if there was one before this is set. */
  onResize(fn: (cols: number, rows: number) => void): void;
  /** Names as in RFC 4254, without SIG. */
  onSignal(fn: (name: string) => void): void;
  /** Once, when nothing more can reach the client: it closed, the connection is gone, or close()/destroy() is done. */
  onClose(fn: () => void): void;
  /** Remembered, and sent by close(). */
  exit(status: ExitStatus): void;
  /** Pending bytes, exit status, EOF, CLOSE; in that order, however long the client takes (see closeStallMs). */
  close(): void;
  /** Drops pending bytes; exit status, EOF and CLOSE at once. */
  destroy(): void;
}

export interface SshHooks<L extends Login = Login> {
  /** Would this key do? Unsigned: proves nothing. A throw is a no. */
  probe(conn: SshConnection, name: LoginName, key: OfferedKey): Promise<boolean>;
  /** Verifies and admits, or asks for more. Undefined or a throw: refused. */
  login(conn: SshConnection, name: LoginName, proof: Proof): Promise<L | Challenge<L> | undefined>;
  /** A shell or exec was asked for, and the client told it will come. Called at most once a channel. */
  session(conn: SshConnection, login: L, request: SessionRequest, channel: SessionChannel): void;
  /** The client has been told. */
  authenticated(conn: SshConnection, login: L): void;
  /** Exactly once for each accepted connection, authenticated or not; after every channel's onClose. */
  closed(conn: SshConnection): void;
  /** A hook or a channel listener threw; the connection is ended. For the log. */
  fault?(conn: SshConnection, error: unknown): void;
}
