/** Asks a running broker over its control socket. */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { messageOf, SallyportError } from '../core/errors.js';
import { type Reply, type Request, VERBS, type Verb } from './admin-port.js';
import type { HandedAgent } from './handed.js';
import { errorReply, MAX_REPLY_BYTES, PREFIX } from './protocol.js';
import { shortSocketPath } from './socket-path.js';
import type { StreamRequest, StreamVerb } from './streams.js';

/** How the broker is reached: by the path of its control socket, or over connections that were handed in. */
export type Way = string | HandedAgent;

interface RawReply {
  status: number;
  body: string;
}

/** One request, one reply. Rejects with the broker's own error, or with `unreachable` when nobody listens there. */
export async function callBroker<V extends Verb>(way: Way, verb: V, request: Request<V>): Promise<Reply<V>> {
  const raw = await exchange(way, verb, JSON.stringify(request));
  const json = parseJson(raw.body);
  if (raw.status !== 200) throw asError(raw.status, json);
  const reply = VERBS[verb].reply.safeParse(json);
  if (!reply.success)
    throw new SallyportError('failed', `${verb}: the broker's answer makes no sense: is it of another version?`);
  return reply.data as Reply<V>;
}

async function exchange(way: Way, verb: Verb, body: string): Promise<RawReply> {
  return await reaching(way, async (to) => await whole(await post(to, PREFIX + verb, body)));
}

/** Runs `use` with a name of the socket that fits an address; what keeps it from being reached is `unreachable`. */
async function reaching<T>(way: Way, use: (to: Way) => Promise<T>): Promise<T> {
  if (typeof way === 'string') return await reachingPath(way, use);
  try {
    return await use(way);
  } catch (error) {
    if (error instanceof SallyportError) throw error;
    throw new SallyportError('unreachable', `the broker does not answer this session any more: ${messageOf(error)}`);
  }
}

async function reachingPath<T>(socketPath: string, use: (path: string) => Promise<T>): Promise<T> {
  const short = openPath(socketPath);
  try {
    return await use(short.path);
  } catch (error) {
    if (error instanceof SallyportError) throw error;
    throw unreachable(socketPath, error);
  } finally {
    short.release();
  }
}

function openPath(socketPath: string) {
  try {
    return shortSocketPath(socketPath);
  } catch (error) {
    throw unreachable(socketPath, error);
  }
}

function unreachable(socketPath: string, error: unknown): SallyportError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : messageOf(error);
  const why = code === 'ENOENT' || code === 'ECONNREFUSED' ? 'no broker is running here' : code;
  return new SallyportError(
    'unreachable',
    `cannot reach the broker at ${socketPath}: ${why}; start it with \`sallyport serve\``,
  );
}

/** Resolves when the answer begins; the signal breaks the connection, now and later. */
function post(to: Way, path: string, body: string, signal?: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const where = typeof to === 'string' ? { socketPath: to, agent: false as const } : { agent: to };
    const options = { ...where, path, method: 'POST', headers, ...(signal && { signal }) };
    const req = httpRequest(options, resolve);
    req.on('error', reject);
    req.end(body);
  });
}

async function whole(res: IncomingMessage): Promise<RawReply> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of res as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_REPLY_BYTES) throw new SallyportError('failed', 'the broker sent too long an answer');
    chunks.push(chunk);
  }
  return { status: res.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') };
}

/**
 * Asks for a stream. Resolves when its first byte may be read, so that it is known not to be refused; rejects as `callBroker`
 * does. It is read at the reader's pace, ends quietly at the signal, and throws `failed` where the broker breaks it off.
 */
export async function openStream<V extends StreamVerb>(
  way: Way,
  verb: V,
  request: StreamRequest<V>,
  signal: AbortSignal,
): Promise<AsyncIterable<Buffer>> {
  return await reaching(way, async (to) => {
    const res = await post(to, PREFIX + verb, JSON.stringify(request), signal).catch((error) => {
      throw signal.aborted ? new SallyportError('failed', `${verb}: interrupted`) : error;
    });
    if (res.statusCode === 200) return bytesOf(verb, res, signal);
    const { status, body } = await whole(res);
    throw asError(status, parseJson(body));
  });
}

async function* bytesOf(verb: StreamVerb, res: IncomingMessage, signal: AbortSignal): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of res as AsyncIterable<Buffer>) yield chunk;
  } catch {
    if (signal.aborted) return;
    throw new SallyportError(
      'failed',
      `${verb}: the broker broke off: it has stopped, or you may not read this any more; try again`,
    );
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function asError(status: number, json: unknown): SallyportError {
  const parsed = errorReply.safeParse(json);
  if (!parsed.success) return new SallyportError('failed', `the broker answered with status ${status} and no reason`);
  return new SallyportError(parsed.data.error.code, parsed.data.error.message);
}
