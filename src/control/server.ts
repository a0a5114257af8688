/** The admin port as HTTP and JSON on home/run/control.sock. */
import { chmodSync, lstatSync, mkdirSync, unlinkSync } from 'node:fs';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { dirname } from 'node:path';
import Fastify, { type FastifyInstance } from 'fastify';
import { messageOf, SallyportError } from '../core/errors.js';
import { type AdminPort, type Caller, isVerb } from './admin-port.js';
import type { Peer } from './caller.js';
import { dispatch } from './dispatch.js';
import { HTTP_STATUS, MAX_REQUEST_BYTES, PREFIX } from './protocol.js';
import { shortSocketPath } from './socket-path.js';
import { createStreamServer, type StreamOptions, type StreamServer } from './stream-server.js';
import { type AnyVerb, isStreamVerb } from './streams.js';

/** A client that holds a half-sent request longer is dropped. Unit: ms. */
const REQUEST_TIMEOUT_MS = 10_000;
/** Callers at once: admins and scripts, not a public service. */
const MAX_CONNECTIONS = 128;

export interface ControlServerOptions extends StreamOptions {
  /** home/run/control.sock. The caller holds the home's lock, so a socket already there is nobody's. */
  path: string;
  port: AdminPort;
  /** The process at the other end of a connected unix socket. */
  peerOf(socket: Socket): Peer;
  identify(peer: Peer, verb: AnyVerb): Promise<Caller>;
}

export interface ControlServer {
  /** Ends streams, stops taking requests, lets those in progress answer, then removes the socket. */
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
  app.server.maxConnections = MAX_CONNECTIONS;
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
      await app.close();
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
