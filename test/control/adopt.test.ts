import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AdminPort, Caller } from '../../src/control/admin-port.js';
import type { Asker } from '../../src/control/asker.js';
import { type ControlServer, startControlServer } from '../../src/control/server.js';
import type { StreamPort } from '../../src/control/streams.js';
import { systemClock } from '../../src/core/clock.js';
import { SallyportError } from '../../src/core/errors.js';
import { peerCredentials } from '../../src/os/peercred.js';
import { until } from '../helpers/processes.js';

let dir: string;
let server: ControlServer;
let callers: Caller[];
/** Lets requests that wait go on. */
let release: () => void;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'sallyport-adopt-'));
  callers = [];
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const port = {
    locks: async (_request: unknown, caller: Caller) => {
      callers.push(caller);
      await held;
      return { locks: [] };
    },
    whoami: async (_request: unknown, { name, uid, by }: Caller) => ({ name, uid, by }),
  } as unknown as AdminPort;
  server = await startControlServer({
    path: join(dir, 'run/control.sock'),
    port,
    streams: {} as StreamPort,
    clock: systemClock(),
    peerOf: peerCredentials,
    standingOf: () => 'owner',
    identify: async ({ uid }) => ({ uid, name: `uid ${uid}`, by: 'owner' }),
    stillMay: async () => {},
  });
});
afterEach(async () => {
  release();
  await server.close();
  rmSync(dir, { recursive: true, force: true });
});

const ALICE: Caller = { uid: 1001, name: 'alice', by: 'self', user: 'alice' };
const asker = (identify: Asker['identify']): Asker => ({ share: 'user alice', identify, stillMay: async () => {} });

/** Both ends of a connection; the far one is taken over by the server. */
async function adopted(who: Asker): Promise<Socket> {
  const path = join(dir, `s${Math.random()}`);
  const listening = createServer();
  const far = new Promise<Socket>((resolve) => listening.once('connection', resolve));
  await new Promise<void>((resolve) => listening.listen(path, resolve));
  const near = connect(path);
  server.adopt(await far, who);
  listening.close();
  near.on('error', () => {});
  return near;
}

const post = (verb: string, body = '{}') =>
  `POST /v1/${verb} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;

function answers(socket: Socket): { text(): string } {
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  return { text: () => text };
}

describe('a connection handed to a session', () => {
  it('is its asker, whatever account made it, at every request', async () => {
    const names = ['alice', 'bob'];
    const socket = await adopted(asker(async () => ({ ...ALICE, name: names.shift() ?? '' })));
    const got = answers(socket);
    socket.write(post('whoami'));
    await until('the first answer', () => got.text().includes('"alice"'));
    socket.write(post('whoami'));
    await until('the second answer', () => got.text().includes('"bob"'));
    expect(got.text()).not.toContain('owner');
    socket.destroy();
  });

  it('is told what its asker refuses, and nothing is done', async () => {
    const socket = await adopted(
      asker(async () => {
        throw new SallyportError('refused', 'this session has ended');
      }),
    );
    const got = answers(socket);
    socket.write(post('locks'));
    await until('the answer', () => got.text().includes('this session has ended'));
    expect(got.text()).toContain('HTTP/1.1 403');
    expect(callers).toEqual([]);
    socket.destroy();
  });

  it('is answered a few requests at once, and no more', async () => {
    const socket = await adopted(asker(async () => ALICE));
    const got = answers(socket);
    socket.write(post('locks', '{"all":true}').repeat(50));
    await until('some are worked on', () => callers.length > 0);
    release();
    await until('all are answered', () => got.text().split('HTTP/1.1 ').length === 51);
    expect(callers.length).toBeLessThanOrEqual(4 + 1);
    expect(got.text()).toContain('too many requests at once');
    socket.destroy();
  });

  it('waits unused for as long as it likes', async () => {
    const socket = await adopted(asker(async () => ALICE));
    let closed = false;
    socket.once('close', () => {
      closed = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 12_000));
    expect(closed).toBe(false);
    const got = answers(socket);
    socket.write(post('whoami'));
    await until('the answer', () => got.text().includes('"alice"'));
    socket.destroy();
  });
});
