import type { Socket } from 'node:net';
import type { z } from 'zod';
import { messageOf } from '../core/errors.js';

/**
 * A link: messages between two of our processes over a stream socket. Each is a 4-byte big-endian length and that
 * many bytes of JSON. Both ends check what they send and what they receive; anything malformed closes the link,
 * because a peer that cannot speak cannot be trusted to be alive.
 */

/** A message is refused above this, bytes. Rights of a session with many thousand rules fit. */
export const MAX_MESSAGE = 16 * 1024 * 1024;
/** Unsent bytes after which the peer counts as dead: it has read nothing for longer than any healthy peer would. */
export const MAX_UNSENT = 64 * 1024 * 1024;

const PREFIX = 4;

export interface LinkOptions<In, Out> {
  /** What may arrive. */
  incoming: z.ZodType<In>;
  /** What may be sent; a message that does not fit throws at `send`. Absent: only typed. */
  outgoing?: z.ZodType<Out>;
  /** The check of frequent messages, as `incoming` would have it; undefined leaves the word to `incoming`. */
  quick?(message: unknown): In | undefined;
  /** The same of a message still unparsed. */
  quickText?(text: string): In | undefined;
  /** Writes to the socket's descriptor what it takes at once, around the event loop: how many bytes. */
  write?(frame: Buffer): number;
  onMessage(message: In): void;
  /** Called once. `reason` is absent when the peer closed in order or `close` was called. */
  onClose(reason?: string): void;
  maxMessage?: number;
}

export interface Link<Out> {
  /** False when the link is closed (the message is dropped). Order is kept. */
  send(message: Out): boolean;
  /** For an owner who read the descriptor itself, ahead of the event loop: bytes as they came, copied if kept. */
  feed(bytes: Buffer): void;
  /** Flushes nothing: what is unsent is lost. Idempotent. */
  close(): void;
  readonly open: boolean;
  /** Bytes accepted by `send` that the kernel has not taken yet. */
  readonly unsent: number;
}

/** Takes `socket` over; the link closes it. */
export function createLink<In, Out>(socket: Socket, options: LinkOptions<In, Out>): Link<Out> {
  const limit = options.maxMessage ?? MAX_MESSAGE;
  let open = true;

  const close = (reason?: string) => {
    if (!open) return;
    open = false;
    socket.destroy();
    options.onClose(reason);
  };

  const parsed = (text: string): In => {
    const value: unknown = JSON.parse(text);
    return options.quick?.(value) ?? options.incoming.parse(value);
  };

  const deliver = (bytes: Buffer) => {
    let message: In;
    try {
      const text = bytes.toString('utf8');
      message = options.quickText?.(text) ?? parsed(text);
    } catch (error) {
      close(`malformed message: ${messageOf(error)}`);
      return;
    }
    options.onMessage(message);
  };

  const split = createSplitter(limit, deliver, close, () => open);
  socket.on('data', split);
  socket.on('error', (error) => close(error.message));
  socket.on('end', () => close());
  socket.on('close', () => close());

  return {
    send(message) {
      if (!open) return false;
      const frame = encodeFrame(options.outgoing ? options.outgoing.parse(message) : message, limit);
      // In order: only when nothing waits in the socket's own queue.
      const sent = socket.writableLength === 0 ? (options.write?.(frame) ?? 0) : 0;
      if (sent < frame.length) socket.write(frame.subarray(sent));
      if (socket.writableLength > MAX_UNSENT) close('peer does not read');
      return open;
    },
    feed: split,
    close: () => close(),
    get open() {
      return open;
    },
    get unsent() {
      return socket.writableLength;
    },
  };
}

function encodeFrame(message: unknown, limit: number): Buffer {
  const text = JSON.stringify(message);
  const size = Buffer.byteLength(text);
  if (size > limit) throw new RangeError(`message of ${size} bytes, at most ${limit}`);
  const frame = Buffer.allocUnsafe(PREFIX + size);
  frame.writeUInt32BE(size, 0);
  frame.write(text, PREFIX);
  return frame;
}

function createSplitter(
  limit: number,
  deliver: (bytes: Buffer) => void,
  close: (reason: string) => void,
  isOpen: () => boolean,
): (chunk: Buffer) => void {
  let chunks: Buffer[] = [];
  let held = 0;
  let wanted = PREFIX;

  /** The chunk's memory may be its reader's, who fills it again. */
  const keep = (chunk: Buffer) => {
    if (chunk.length > 0) chunks.push(Buffer.from(chunk));
    held += chunk.length;
  };

  const whole = (last: Buffer): Buffer => {
    const all = held === 0 ? last : Buffer.concat([...chunks, last], held + last.length);
    chunks = [];
    held = 0;
    return all;
  };

  return (chunk) => {
    if (!isOpen()) return;
    if (held + chunk.length < wanted) return keep(chunk);
    let rest = whole(chunk);
    while (rest.length >= PREFIX) {
      const size = rest.readUInt32BE(0);
      if (size === 0 || size > limit) {
        close(`message of ${size} bytes`);
        return;
      }
      if (rest.length < PREFIX + size) break;
      deliver(rest.subarray(PREFIX, PREFIX + size));
      if (!isOpen()) return;
      rest = rest.subarray(PREFIX + size);
    }
    keep(rest);
    wanted = rest.length >= PREFIX ? PREFIX + rest.readUInt32BE(0) : PREFIX;
  };
}
