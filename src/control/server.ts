/** The admin port as HTTP and JSON on home/run/control.sock. */
import { chmodSync, lstatSync, mkdirSync, unlinkSync } from 'node:fs';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { dirname } from 'node:path';
import Fastify, { type FastifyInstance } from 'fastify';
import { within } from '../core/clock.js';
import { messageOf, SallyportError } from '../core/errors.js';
import { type AdminPort, type Caller, isVerb } from './admin-port.js';
import type { Asker } from './asker.js';
import type { Peer } from './caller.js';
import { dispatch } from './dispatch.js';
import { limitPlaces, type Standing } from './places.js';
import { HTTP_STATUS, MAX_REQUEST_BYTES, PREFIX } from './protocol.js';
import { shortSocketPath } from './socket-path.js';
import { createStreamServer, type StreamOptions, type StreamServer } from './stream-server.js';
import { type AnyVerb, isStreamVerb, type StreamVerb } from './streams.js';

/** A client that holds a half-sent request longer is dropped. Unit: ms. */
const REQUEST_TIMEOUT_MS = 10_000;
/** What requests in progress get to be answered when the server closes. Unit: ms. */
const LAST_ANSWERS_MS = 1_000;
/** Requests of one connection that are answered at the same time. */
const MAX_AT_ONCE = 4;

export interface ControlServerOptions extends StreamOptions {
  /** home/run/control.sock. The caller holds the home's lock, so a socket already there is nobody's. */
  path: string;
  port: AdminPort;
  /** The process at the other end of a connected unix socket. */
  peerOf(socket: Socket): Peer;
  identify(peer: Peer, verb: AnyVerb): Promise<Caller>;
  /** Rejects when that peer would be refused now. */
  stillMay(peer: Peer, verb: StreamVerb): Promise<void>;
  /** What an account has to say here at all. */
  standingOf(uid: number): Standing;
}

export interface ControlServer {
  /**
   * Takes over one end of a connection whose other end is known: it never counts as a peer of the socket, whose account
   * would be the broker's own.
   */
  adopt(socket: Socket, asker: Asker): void;
  /** Ends streams, stops taking requests, lets those in progress answer for a moment, then removes the socket. */
  close(): Promise<void>;
}

/** Binds the socket, mode 0666 in a directory of mode 0755: who may do what is decided by the peer's account. */
export async function startControlServer(options: ControlServerOptions): Promise<ControlServer> {
  mkdirSync(dirname(options.path), { recursive: true, mode: 0o755 });
  chmodSync(dirname(options.path), 0o755);
  removeStaleSocket(options.path);
  const streams = createStreamServer(options);
  const app = await createApp(options, streams, (socket) => localAsker(socket, options));
  const adopted = new WeakMap<Socket, Asker>();
  const inner = await createApp(options, streams, (socket) => known(adopted.get(socket)));
  // These connections wait, unused, for as long as their session lasts.
  Object.assign(inner.server, { headersTimeout: 0, requestTimeout: 0, keepAliveTimeout: 0 });
  const { clock, standingOf } = options;
  limitPlaces(app.server, { clock, uidOf: (socket) => options.peerOf(socket).uid, standingOf });
  const short = shortSocketPath(options.path);
  try {
    await listen(app.server, short.path);
    chmodSync(options.path, 0o666);
  } catch (error) {
    await Promise.all([app.close(), inner.close()]);
    short.release();
    throw new SallyportError('failed', `cannot listen on the control socket ${options.path}: ${messageOf(error)}`);
  }
  const close = async (one: FastifyInstance) => {
    const closed = one.close();
    // Whoever holds a half-sent request open does not hold up the end of the broker.
    if (!(await within(clock, closed, LAST_ANSWERS_MS))) one.server.closeAllConnections();
    await closed;
  };
  return {
    adopt(socket, asker) {
      adopted.set(socket, asker);
      inner.server.emit('connection', socket);
    },
    async close() {
      await streams.close();
      await Promise.all([close(app), close(inner)]);
      short.release();
    },
  };
}

async function createApp(
  options: ControlServerOptions,
  streams: StreamServer,
  askerOf: (socket: Socket) => Asker,
): Promise<FastifyInstance> {
  const app = Fastify({
    bodyLimit: MAX_REQUEST_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: 'idle',
    logger: false,
  });
  addRoutes(app, options, streams, askerOf);
  await app.ready();
  return app;
}

function localAsker(socket: Socket, options: ControlServerOptions): Asker {
  const peer = options.peerOf(socket);
  return {
    share: `uid ${peer.uid}`,
    identify: (verb) => options.identify(peer, verb),
    stillMay: (verb) => options.stillMay(peer, verb as StreamVerb),
  };
}

function known(asker: Asker | undefined): Asker {
  if (asker) return asker;
  throw new SallyportError('refused', 'nobody knows whose connection this is');
}

function removeStaleSocket(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found) return;
  if (!found.isSocket())
    throw new SallyportError(
      'failed',
      `${path} is not a socket: move it away, the broker listens for admin commands there`,
    );
  unlinkSync(path);
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function addRoutes(
  app: FastifyInstance,
  options: ControlServerOptions,
  streams: StreamServer,
  askerOf: (socket: Socket) => Asker,
): void {
  const inProgress = new WeakMap<Socket, number>();
  const count = (socket: Socket, n: 1 | -1) => {
    const now = (inProgress.get(socket) ?? 0) + n;
    inProgress.set(socket, now);
    return now;
  };
  app.setErrorHandler((error, request, reply) => {
    const failure = asFailure(error);
    if (!(error instanceof SallyportError) && failure.code === 'failed') options.onFault?.(request.url, error);
    return reply.status(HTTP_STATUS[failure.code]).send({ error: { code: failure.code, message: failure.message } });
  });
  app.setNotFoundHandler((request) => {
    throw new SallyportError('usage', `no such admin command: ${request.method} ${request.url.slice(0, 100)}`);
  });
  app.post<{ Params: { verb: string } }>(`${PREFIX}:verb`, async (request, reply) => {
    const { verb } = request.params;
    if (!isVerb(verb) && !isStreamVerb(verb))
      throw new SallyportError('usage', `no such admin command: ${verb.slice(0, 100)}`);
    const { socket } = request.raw;
    try {
      if (count(socket, 1) > MAX_AT_ONCE)
        throw new SallyportError('failed', `${verb}: too many requests at once: wait for the others' answers`);
      const asker = askerOf(socket);
      const caller = await asker.identify(verb);
      if (isStreamVerb(verb)) return await streams.send(verb, request.body, { asker, caller }, reply);
      return await dispatch(options.port, verb, request.body, caller);
    } finally {
      count(socket, -1);
    }
  });
}

function asFailure(error: unknown): SallyportError {
  if (error instanceof SallyportError) return error;
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
  return new SallyportError(status >= 400 && status < 500 ? 'usage' : 'failed', messageOf(error));
}
