/** Real servers that tell facts, well or badly. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

export interface Answering {
  readonly url: string;
  /** Paths asked for so far. */
  readonly asked: string[];
  /** What is answered from now on. */
  use(listener: RequestListener): void;
  close(): Promise<void>;
}

export const json =
  (value: unknown, status = 200): RequestListener =>
  (_req, res) => {
    res.writeHead(status, { 'content-type': 'application/json' });
    res.end(JSON.stringify(value));
  };

/** Never answers. */
export const silent: RequestListener = () => {};

/** A byte now and then, for ever. */
export const drip: RequestListener = (_req, res) => {
  res.writeHead(200);
  const timer = setInterval(() => res.write(' '), 20);
  res.on('close', () => clearInterval(timer));
};

/** As much as is read. */
export const endless: RequestListener = (_req, res) => {
  res.writeHead(200);
  const more = () => void (res.write('x'.repeat(1_000)) ? setImmediate(more) : res.once('drain', more));
  more();
};

export async function answering(listener: RequestListener, tls?: { key: string; cert: string }): Promise<Answering> {
  let current = listener;
  const asked: string[] = [];
  const handle: RequestListener = (req, res) => {
    asked.push(req.url ?? '');
    current(req, res);
  };
  const server: Server = tls ? createTlsServer(tls, handle) : createServer(handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    asked,
    use(next) {
      current = next;
    },
    close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return closed;
    },
  };
}

/** A certificate for 127.0.0.1 that vouches for itself. */
export function certificate(dir: string): { key: string; cert: string; file: string } {
  const file = join(dir, 'cert.pem');
  const keyFile = join(dir, 'key.pem');
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  execFileSync('openssl', [...args, ...subject, '-keyout', keyFile, '-out', file], { stdio: 'ignore' });
  return { key: readFileSync(keyFile, 'utf8'), cert: readFileSync(file, 'utf8'), file };
}
