import { type IncomingMessage, request as plainRequest, type RequestOptions } from 'node:http';
import { request as tlsRequest } from 'node:https';
import type { Clock } from '../core/clock.js';

export interface Asked {
  url: string;
  headers: Record<string, string>;
  /** PEM; absent: the system's authorities. */
  ca?: string | undefined;
  /** From the look-up of the name to the last byte. Unit: ms. */
  timeoutMs: number;
  maxBytes: number;
}

/**
 * The text an address answers with. Rejects with words for the operator on anything but a whole 200 in time: no redirect is
 * followed, no encoding undone, nothing beyond `maxBytes` kept.
 */
export function fetchText(asked: Asked, clock: Clock): Promise<string> {
  const { url, headers, ca, timeoutMs } = asked;
  const options: RequestOptions & { ca?: string } = {
    agent: false,
    headers: { accept: 'application/json', 'accept-encoding': 'identity', 'user-agent': 'sallyport', ...headers },
    ...(ca === undefined ? {} : { ca }),
  };
  return new Promise((resolve, reject) => {
    const ask = url.startsWith('https:') ? tlsRequest : plainRequest;
    const req = ask(url, options, (res) => read(res, asked, end));
    const timer = clock.after(timeoutMs, () => end(new Error(`no whole answer in ${timeoutMs} ms`)));
    function end(result: string | Error): void {
      timer.cancel();
      if (typeof result === 'string') resolve(result);
      else reject(result);
      req.destroy();
    }
    req.on('error', end);
    req.end();
  });
}

function read(res: IncomingMessage, { maxBytes }: Asked, end: (result: string | Error) => void): void {
  const refusal = whyNot(res, maxBytes);
  if (refusal !== undefined) {
    end(new Error(refusal));
    return;
  }
  const chunks: Buffer[] = [];
  let size = 0;
  res.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > maxBytes) end(new Error(`the answer is longer than ${maxBytes} bytes`));
    else chunks.push(chunk);
  });
  res.on('error', end);
  res.on('close', () => end(res.complete ? decode(Buffer.concat(chunks)) : new Error('the answer breaks off')));
}

function whyNot({ statusCode = 0, headers }: IncomingMessage, maxBytes: number): string | undefined {
  if (statusCode >= 300 && statusCode < 400) return `it answers ${statusCode}: redirects are not followed`;
  if (statusCode !== 200) return `it answers ${statusCode}`;
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') return 'it answers in an encoding nobody asked for';
  if (Number(headers['content-length'] ?? 0) > maxBytes) return `the answer is longer than ${maxBytes} bytes`;
  return undefined;
}

function decode(bytes: Buffer): string | Error {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new Error('the answer is not UTF-8 text');
  }
}
