import { mkdtempSync, rmSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.js';
import { fetchText } from '../../src/feeds/http.js';
import { type Answering, answering, certificate, drip, endless, json, silent } from '../helpers/answering.js';

const clock = systemClock();
let server: Answering | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

const ask = (url: string, more: { ca?: string; timeoutMs?: number; maxBytes?: number } = {}) =>
  fetchText({ url, headers: {}, timeoutMs: 5_000, maxBytes: 10_000, ...more }, clock);

describe('an answer', () => {
  it('that is whole and in time is its text', async () => {
    server = await answering(json({ a: 1 }));
    expect(await ask(server.url)).toBe('{"a":1}');
  });

  const half: RequestListener = (_req, res) => {
    res.writeHead(200, { 'content-length': 100 });
    res.write('{"users":', () => res.destroy());
  };

  it.each<[string, RequestListener, RegExp]>([
    ['never comes', silent, /no whole answer in 300 ms/],
    ['drips', drip, /no whole answer in 300 ms/],
    ['does not end', endless, /longer than 10000 bytes/],
    [
      'says it is too long',
      (_q, s) => s.writeHead(200, { 'content-length': 1e9 }).write('x'),
      /longer than 10000 bytes/,
    ],
    ['breaks off', half, /aborted|breaks off|socket hang up/],
    ['is a fault', json({}, 500), /it answers 500/],
    ['is nothing', (_q, s) => void s.writeHead(204).end(), /it answers 204/],
    [
      'points elsewhere',
      (_q, s) => void s.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
      /redirects are not/,
    ],
    [
      'is packed',
      (_q, s) => void s.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('{}')),
      /encoding nobody/,
    ],
    ['is no text', (_q, s) => void s.writeHead(200).end(Buffer.from([0xff, 0xfe, 0xc0])), /not UTF-8/],
  ])('that %s is refused', async (_what, listener, message) => {
    server = await answering(listener);
    await expect(ask(server.url, { timeoutMs: 300 + (message.source.includes('300') ? 0 : 5_000) })).rejects.toThrow(
      message,
    );
    expect(server.asked).toHaveLength(1);
  });

  it('of something that is no web server is refused', async () => {
    const raw = createServer((socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n')).listen(0, '127.0.0.1');
    await new Promise((resolve) => raw.once('listening', resolve));
    const address = raw.address();
    const port = typeof address === 'object' ? address?.port : 0;
    await expect(ask(`http://127.0.0.1:${port}/`)).rejects.toThrow(/Parse Error/);
    raw.close();
  });

  it('of nobody is refused', async () => {
    await expect(ask('http://127.0.0.1:1/')).rejects.toThrow(/ECONNREFUSED|bad port/);
  });
});

describe('a certificate', () => {
  it('that nobody vouches for is refused, whatever the environment says; one that ca names is taken', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'sallyport-tls-'));
    try {
      const tls = certificate(dir);
      server = await answering(json({ a: 2 }), tls);
      await expect(ask(server.url)).rejects.toThrow(/self-signed certificate/);
      expect(await ask(server.url, { ca: tls.cert })).toBe('{"a":2}');
      await expect(ask(server.url.replace('127.0.0.1', 'localhost'), { ca: tls.cert })).rejects.toThrow(
        /does not match/,
      );
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
