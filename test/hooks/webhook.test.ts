import { mkdtempSync, rmSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.js';
import { signatureOf } from '../../src/hooks/index.js';
import { post } from '../../src/hooks/webhook.js';
import { type Answering, answering, certificate, drip, endless, json, silent } from '../helpers/answering.js';

const clock = systemClock();
let server: Answering | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

const send = (url: string, more: { ca?: string; body?: string } = {}) =>
  post({ url, headers: { 'x-one': '1' }, body: '{"a":"é"}', timeoutMs: 1_000, ...more }, clock);

describe('a webhook', () => {
  it('is posted whole, with its headers', async () => {
    let got = '';
    server = await answering((req, res) => {
      got = `${req.method} ${req.headers['x-one']} ${req.headers['content-length']} `;
      req.on('data', (chunk: Buffer) => {
        got += chunk.toString();
      });
      req.on('end', () => res.writeHead(204).end());
    });
    await send(server.url);
    expect(got).toBe('POST 1 10 {"a":"é"}');
  });

  it.each<[string, RequestListener, object]>([
    ['hangs', silent, { message: 'no whole answer in 1000 ms', again: true }],
    ['drips', drip, { message: 'no whole answer in 1000 ms', again: true }],
    ['answers without end', endless, { message: expect.stringMatching(/longer than 65536 bytes/), again: false }],
    ['is broken', json({}, 500), { message: 'it answers 500', again: true }],
    ['is busy', (_q, s) => void s.writeHead(429, { 'retry-after': '7' }).end(), { again: true, afterMs: 7_000 }],
    [
      'names a day',
      (_q, s) => void s.writeHead(503, { 'retry-after': 'Fri, 1 Jan' }).end(),
      { again: true, afterMs: undefined },
    ],
    ['refuses', json({}, 403), { message: 'it answers 403', again: false }],
    [
      'points elsewhere',
      (_q, s) => void s.writeHead(307, { location: '/b' }).end(),
      { again: false, message: /redirects/ },
    ],
    [
      'breaks off',
      (_q, s) => void s.writeHead(200, { 'content-length': 9 }).write('x', () => s.destroy()),
      { again: true },
    ],
    ['hangs up', (q) => q.socket.destroy(), { again: true }],
  ])('whose receiver %s is not delivered', async (_name, listener, failure) => {
    server = await answering(listener);
    const { message, ...rest } = failure as { message?: unknown };
    const error = await send(server.url).catch((e: unknown) => e);
    expect(error).toMatchObject({ name: 'DeliveryError', ...rest });
    if (message instanceof RegExp) expect(error).toMatchObject({ message: expect.stringMatching(message) });
    else if (message !== undefined) expect(error).toMatchObject({ message });
    expect(server.asked).toHaveLength(1);
  });

  it('whose receiver is not there may be tried again', async () => {
    const closed = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => closed.once('listening', resolve));
    const { port } = closed.address() as { port: number };
    await new Promise((resolve) => closed.close(resolve));
    await expect(send(`http://127.0.0.1:${port}/`)).rejects.toMatchObject({ again: true });
  });

  it('goes only to a server whose certificate is trusted', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'sallyport-hook-'));
    try {
      const { key, cert } = certificate(dir);
      server = await answering(json({}), { key, cert });
      await expect(send(server.url)).rejects.toThrow(/self[- ]signed/);
      expect(server.asked).toEqual([]);
      await send(server.url, { ca: cert });
      expect(server.asked).toEqual(['/']);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });

  it('is signed over its time and its body', () => {
    // printf '1700000000.{}' | openssl dgst -sha256 -hmac 0123456789abcdef
    expect(signatureOf('0123456789abcdef', '{}', 1_700_000_000_999)).toBe(
      't=1700000000,v1=e4f8e2ecae2295b2ddb2f0b5584c8275e226c0ebe9b3b819e70156bb67122e3e',
    );
  });
});
