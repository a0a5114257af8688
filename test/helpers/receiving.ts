/** A real receiver of webhooks that checks signatures as a receiver would, and answers as it is told. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { type Answering, answering } from './answering.js';

export interface Told {
  id: string;
  event: string;
  at: string;
  seq?: number;
  user?: string;
  session?: string;
  [more: string]: unknown;
}

export interface Receiving {
  readonly url: string;
  /** What was taken, in order. */
  readonly told: Told[];
  /** Posts so far, taken or not. */
  posts(): number;
  /** Signatures that did not fit. */
  readonly wrong: string[];
  /** What is answered once the body was read, from now on; by default 204, and what came is taken. */
  use(listener: RequestListener | undefined): void;
  close(): Promise<void>;
}

export async function receiving(secret: string): Promise<Receiving> {
  const told: Told[] = [];
  const wrong: string[] = [];
  let other: RequestListener | undefined;
  const server: Answering = await answering((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      const header = String(req.headers['sallyport-signature']);
      if (!fits(secret, header, body)) wrong.push(header);
      if (other) return other(req, res);
      told.push(...(JSON.parse(body) as { events: Told[] }).events);
      res.writeHead(204).end();
    });
  });
  return {
    url: `${server.url}/in`,
    told,
    wrong,
    posts: () => server.asked.length,
    use(listener) {
      other = listener;
    },
    close: server.close,
  };
}

function fits(secret: string, header: string, body: string): boolean {
  const [, t = '', v1 = ''] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(header) ?? [];
  const expected = createHmac('sha256', secret).update(`${t}.${body}`).digest();
  const given = Buffer.from(v1, 'hex');
  return given.length === expected.length && timingSafeEqual(given, expected) && Math.abs(Date.now() / 1000 - +t) < 300;
}
