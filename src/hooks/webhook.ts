import { type IncomingMessage, request as plainRequest, type RequestOptions } from 'node:http';
import { request as tlsRequest } from 'node:https';
import type { Clock } from '../core/clock.js';
import type { PostOrder } from '../wire/messenger.js';
import { DeliveryError } from './types.js';

/** An answer says nothing beyond its status; one that is longer is no receiver's. Unit: bytes. */
const MAX_ANSWER = 64 * 1024;
/** Longest that a receiver may ask to be left in peace for. Unit: s. */
const MAX_AFTER_S = 3_600;

/**
 * Posts the body. Rejects with a DeliveryError on anything but a whole 2xx in time: no redirect is followed; worth another try are
 * network errors, time-outs, 408, 429 and 5xx.
 */
export function post(order: Omit<PostOrder, 'type' | 'q'>, clock: Clock): Promise<void> {
  const { url, headers, body, ca, timeoutMs } = order;
  const options: RequestOptions & { ca?: string } = {
    method: 'POST',
    agent: false,
    headers: { 'user-agent': 'sallyport', ...headers, 'content-length': String(Buffer.byteLength(body)) },
    ...(ca === undefined ? {} : { ca }),
  };
  return new Promise((resolve, reject) => {
    const send = url.startsWith('https:') ? tlsRequest : plainRequest;
    const req = send(url, options, (res) => judge(res, end));
    const timer = clock.after(timeoutMs, () => end(new DeliveryError(`no whole answer in ${timeoutMs} ms`, true)));
    function end(failure?: Error): void {
      timer.cancel();
      if (failure === undefined) resolve();
      else reject(failure instanceof DeliveryError ? failure : new DeliveryError(failure.message, true));
      req.destroy();
    }
    req.on('error', end);
    req.end(body);
  });
}

function judge(res: IncomingMessage, end: (failure?: Error) => void): void {
  const { statusCode = 0, headers } = res;
  if (statusCode < 200 || statusCode >= 300) {
    end(refusal(statusCode, headers['retry-after']));
    return;
  }
  let size = 0;
  res.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > MAX_ANSWER) end(new DeliveryError(`the answer is longer than ${MAX_ANSWER} bytes`, false));
  });
  res.on('error', end);
  res.on('close', () => end(res.complete ? undefined : new DeliveryError('the answer breaks off', true)));
}

function refusal(status: number, retryAfter: string | undefined): DeliveryError {
  if (status >= 300 && status < 400)
    return new DeliveryError(`it answers ${status}: redirects are not followed`, false);
  const again = status === 408 || status === 429 || status >= 500;
  const seconds = /^\d{1,9}$/.test(retryAfter ?? '') ? Math.min(Number(retryAfter), MAX_AFTER_S) : undefined;
  return new DeliveryError(`it answers ${status}`, again, seconds === undefined ? undefined : seconds * 1_000);
}
