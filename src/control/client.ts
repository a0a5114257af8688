/** Asks a running broker over its control socket. */
import { request as httpRequest } from 'node:http';
import { messageOf, SallyportError } from '../core/errors.js';
import { type Reply, type Request, VERBS, type Verb } from './admin-port.js';
import { errorReply, MAX_REPLY_BYTES, PREFIX } from './protocol.js';
import { shortSocketPath } from './socket-path.js';

interface RawReply {
  status: number;
  body: string;
}

/**
 * One request, one reply. Rejects with the broker's own error, or with `unreachable` when nobody listens on
 * `socketPath`.
 */
export async function callBroker<V extends Verb>(socketPath: string, verb: V, request: Request<V>): Promise<Reply<V>> {
  const raw = await exchange(socketPath, verb, JSON.stringify(request));
  const json = parseJson(raw.body);
  if (raw.status !== 200) throw asError(raw.status, json);
  const reply = VERBS[verb].reply.safeParse(json);
  if (!reply.success)
    throw new SallyportError('failed', `${verb}: the broker's answer makes no sense: is it of another version?`);
  return reply.data as Reply<V>;
}

async function exchange(socketPath: string, verb: Verb, body: string): Promise<RawReply> {
  const short = openPath(socketPath);
  try {
    return await post(short.path, PREFIX + verb, body);
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

function post(socketPath: string, path: string, body: string): Promise<RawReply> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const req = httpRequest({ socketPath, path, method: 'POST', headers, agent: false }, (res) => {
      const chunks: Buffer[] = [];
      let size = 0;
      res.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_REPLY_BYTES) req.destroy(new SallyportError('failed', 'the broker sent too long an answer'));
        else chunks.push(chunk);
      });
      res.on('end', () => resolve({ status: res.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }));
      res.on('error', reject);
    });
    req.on('error', reject);
    req.end(body);
  });
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
