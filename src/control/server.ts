/** The admin port as HTTP and JSON on home/run/control.sock. */
import { chmodSync, lstatSync, mkdirSync, unlinkSync } from 'node:fs';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { dirname } from 'node:path';
import Fastify, { type FastifyInstance } from 'fastify';
import { within } from '../core/clock.js';
import { messageOf, SallyportError } from '../core/errors.js';
import { type AdminPort, type Caller, isVerb } from './admin-port.js';
import type { Peer } from './caller.js';
import { dispatch } from './dispatch.js';
import { limitPlaces, type Standing } from './places.js';
import { HTTP_STATUS, MAX_REQUEST_BYTES, PREFIX } from './protocol.js';
import { shortSocketPath } from './socket-path.js';
import { createStreamServer, type StreamOptions, type StreamServer } from './stream-server.js';
import { type AnyVerb, isStreamVerb } from './streams.js';

/** A client that holds a half-sent request longer is dropped. Unit: ms. */
const REQUEST_TIMEOUT_MS = 10_000;
/** What requests in progress get to be answered when the server closes. Unit: ms. */
const LAST_ANSWERS_MS = 1_000;

export interface ControlServerOptions extends StreamOptions {
  /** home/run/control.sock. The caller holds the home's lock, so a socket already there is nobody's. */
  path: string;
  port: AdminPort;
  /** The process at the other end of a connected unix socket. */
  peerOf(socket: Socket): Peer;
  identify(peer: Peer, verb: AnyVerb): Promise<Caller>;
  /** What an account has to say here at all. */
  standingOf(uid: number): Standing;
}

export interface ControlServer {
  /** Ends streams, stops taking requests, lets those in progress answer for a moment, then removes the socket. */
  close(): Promise<void>;
}

/** Binds the socket, mode 0666 in a directory of mode 0755: who may do what is decided by the peer's account. */
export async function startControlServer(options: ControlServerOptions): Promise<ControlServer> {
  mkdirSync(dirname(options.path), { recursive: true, mode: 0o755 });
  chmodSync(dirname(options.path), 0o755);
  removeStaleSocket(options.path);
  const app = Fastify({
    bodyLimit: MAX_REQUEST_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: 'idle',
    logger: false,
  });
  const streams = createStreamServer(options);
  addRoutes(app, options, streams);
  await app.ready();
  const { clock, standingOf } = options;
  limitPlaces(app.server, { clock, uidOf: (socket) => options.peerOf(socket).uid, standingOf });
  const short = shortSocketPath(options.path);
  try {
    await listen(app.server, short.path);
    chmodSync(options.path, 0o666);
  } catch (error) {
    await app.close();
    short.release();
    throw new SallyportError('failed', `cannot listen on the control socket ${options.path}: ${messageOf(error)}`);
  }
  return {
    async close() {
      await streams.close();
      const closed = app.close();
      // Whoever holds a half-sent request open does not hold up the end of the broker.
      if (!(await within(clock, closed, LAST_ANSWERS_MS))) app.server.closeAllConnections();
      await closed;
      short.release();
    },
  };
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

function addRoutes(app: FastifyInstance, options: ControlServerOptions, streams: StreamServer): void {
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
    const peer = options.peerOf(request.raw.socket);
    const caller = await options.identify(peer, verb);
    if (isStreamVerb(verb)) return await streams.send(verb, request.body, { peer, caller }, reply);
    return await dispatch(options.port, verb, request.body, caller);
  });
}

function asFailure(error: unknown): SallyportError {
  if (error instanceof SallyportError) return error;
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
  return new SallyportError(status >= 400 && status < 500 ? 'usage' : 'failed', messageOf(error));
}
