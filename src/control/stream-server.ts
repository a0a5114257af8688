/** The streaming side of the control socket: who reads is looked at again while it flows, and a slow reader waits alone. */
import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { type Clock, within } from '../core/clock.js';
import { messageOf, SallyportError } from '../core/errors.js';
import type { Caller } from './admin-port.js';
import type { Asker } from './asker.js';
import { createSlots } from './slots.js';
import { type Found, type Frame, STREAMS, type StreamPort, type StreamRequest, type StreamVerb } from './streams.js';

/** A right that ends is felt within this by whoever still reads. Unit: ms. */
const RECHECK_MS = 1000;
/** What a stream that is stopped may take for its last words. Unit: ms. */
const GOODBYE_MS = 300;
/** A watcher holds a connection and, where they do not read, one picture. */
const MAX_WATCHERS = 1_024;
const MAX_WATCHERS_PER_SHARE = 256;
/** Bytes read ahead of the client. */
const AHEAD_BYTES = 64 * 1024;

export interface StreamOptions {
  streams: StreamPort;
  clock: Clock;
  /** Calls `fn` when rights may have changed, until what is returned is called. Absent: looked at by time alone. */
  onChange?(fn: () => void): () => void;
  /** Faults no caller caused, for the operator's log. */
  onFault?(verb: string, error: unknown): void;
}

export interface Reader {
  asker: Asker;
  caller: Caller;
}

export interface StreamServer {
  /** Answers one request with a stream; rejects before its first byte. */
  send(verb: StreamVerb, body: unknown, reader: Reader, reply: FastifyReply): Promise<FastifyReply>;
  /** Ends every stream, by force where the client does not read. */
  close(): Promise<void>;
}

export function createStreamServer(options: StreamOptions): StreamServer {
  const { clock } = options;
  const slots = createSlots();
  const seats = createSlots(MAX_WATCHERS, MAX_WATCHERS_PER_SHARE);
  const flowing = new Set<Stream>();
  let closed = false;
  const quiet = options.onChange?.(() => {
    for (const stream of flowing) stream.recheck();
  });
  return {
    async send(verb, body, { asker, caller }, reply) {
      if (closed) throw stopped();
      if (reply.raw.destroyed) throw new SallyportError('failed', `${verb}: the client has left`);
      const release = (verb === 'watch' ? seats : slots).take(asker.share);
      const stream = createStream(reply, clock, () => asker.stillMay(verb));
      const timer = clock.every(RECHECK_MS, stream.recheck);
      flowing.add(stream);
      void stream.over.then(() => {
        timer.cancel();
        flowing.delete(stream);
        release();
      });
      const chunks = await open(verb, body, caller, options.streams, stream.signal);
      const bytes = stoppable(chunks, stream.signal, (error) => options.onFault?.(verb, error));
      reply.type(verb === 'replay' ? 'application/x-asciicast' : 'application/x-ndjson');
      return reply.send(Readable.from(bytes, { objectMode: false, highWaterMark: AHEAD_BYTES }));
    },
    async close() {
      closed = true;
      quiet?.();
      for (const stream of flowing) stream.stop(stopped());
      await within(clock, Promise.all([...flowing].map((stream) => stream.over)), GOODBYE_MS * 2);
    },
  };
}

const stopped = () => new SallyportError('unreachable', 'the broker has stopped');

interface Stream {
  /** Aborted when the client has left, and by `stop`. */
  signal: AbortSignal;
  /** The connection is done with this answer. */
  over: Promise<void>;
  /** Looks once more whether it may be read, and stops it where not; what is asked meanwhile is one look more. */
  recheck(): void;
  /** Says why, where the client reads on, and goes. Idempotent. */
  stop(why: unknown): void;
}

function createStream({ raw }: FastifyReply, clock: Clock, mayRead: () => Promise<void>): Stream {
  const abort = new AbortController();
  let looking = false;
  let again = false;
  const look = async () => {
    looking = true;
    do {
      again = false;
      await mayRead().catch(stop);
    } while (again && !abort.signal.aborted);
    looking = false;
  };
  const over = new Promise<void>((resolve) => {
    raw.once('close', () => {
      abort.abort();
      resolve();
    });
  });
  const stop = (why: unknown) => {
    if (abort.signal.aborted) return;
    abort.abort(why);
    const force = clock.after(GOODBYE_MS, () => raw.destroy());
    void over.then(() => force.cancel());
  };
  return {
    signal: abort.signal,
    over,
    stop,
    recheck() {
      again = true;
      if (!looking && !abort.signal.aborted) void look();
    },
  };
}

/** The chunks of a stream, its request checked first. Rejects with `usage` when that has the wrong shape. */
async function open(
  verb: StreamVerb,
  body: unknown,
  caller: Caller,
  port: StreamPort,
  signal: AbortSignal,
): Promise<AsyncIterable<string | Buffer>> {
  if (verb === 'replay') return await port.replay(checked(verb, body), caller);
  if (verb === 'watch') return frames(await port.watch(checked(verb, body), caller, signal), signal);
  if (verb === 'audit') return frames(port.audit(checked(verb, body), signal), signal);
  return frames(port.recordings(checked(verb, body), signal), signal);
}

function checked<V extends StreamVerb>(verb: V, body: unknown): StreamRequest<V> {
  const parsed = STREAMS[verb].safeParse(body ?? {});
  if (parsed.success) return parsed.data as StreamRequest<V>;
  const [issue] = parsed.error.issues;
  throw new SallyportError('usage', `${verb}: ${[...(issue?.path ?? []), issue?.message].join(': ')}`);
}

/** One JSON a line; what goes wrong on the way is the last of them. */
async function* frames(found: AsyncIterable<Found<unknown>>, signal: AbortSignal): AsyncGenerator<string> {
  try {
    for await (const one of found) {
      signal.throwIfAborted();
      yield line(one);
    }
    signal.throwIfAborted();
    yield line({ end: true });
  } catch (error) {
    const code = error instanceof SallyportError ? error.code : 'failed';
    yield line({ error: { code, message: messageOf(error) } });
  }
}

/** What many are sent is written out once. */
const written = new WeakMap<Frame, string>();

function line(frame: Frame): string {
  const known = written.get(frame) ?? `${JSON.stringify(frame)}\n`;
  written.set(frame, known);
  return known;
}

/** Frames say themselves why they end; bytes that end early break the connection, so that they are not taken for whole. */
async function* stoppable(
  chunks: AsyncIterable<string | Buffer>,
  signal: AbortSignal,
  onFault: (error: unknown) => void,
): AsyncGenerator<string | Buffer> {
  try {
    for await (const chunk of chunks) {
      if (typeof chunk !== 'string') signal.throwIfAborted();
      yield chunk;
    }
  } catch (error) {
    if (!signal.aborted) onFault(error);
    throw error;
  }
}
