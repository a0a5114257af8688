/** Random bytes and random messages at every stage: the process lives, and serves the next client. */
import { once } from 'node:events';
import { connect } from 'node:net';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { message } from '../../src/ssh/bytes.js';
import { MSG } from '../../src/ssh/messages.js';
import { eventually, startDoor, type TestDoor } from './harness.js';
import { RawClient, testKey } from './raw-client.js';

const key = testKey();
let door: TestDoor;
const thrown: unknown[] = [];
const note = (error: unknown) => thrown.push(error);

beforeAll(async () => {
  process.on('uncaughtException', note);
  process.on('unhandledRejection', note);
  door = await startDoor({
    keys: [key.blob.toString('base64')],
    limits: { maxUnauthBytes: 1_000_000, authTries: 1000 },
  });
});

afterEach(async () => {
  const client = await RawClient.connect(door.port);
  await client.login('alice', key);
  await client.exec('both');
  await client.next(MSG.CHANNEL_CLOSE);
  client.socket.destroy();
  await eventually(() => door.door.connections()).toBe(0);
  expect(thrown).toEqual([]);
  expect(door.faults).toEqual([]);
});

afterAll(async () => {
  await door.stop();
  process.off('uncaughtException', note);
  process.off('unhandledRejection', note);
});

const bytes = (max: number) => fc.uint8Array({ maxLength: max }).map((b) => Buffer.from(b));

test('bytes on the socket, with and without a greeting', async () => {
  await fc.assert(
    fc.asyncProperty(fc.boolean(), fc.array(bytes(600), { maxLength: 5 }), async (greets, pieces) => {
      const socket = connect(door.port, '127.0.0.1');
      socket.on('error', () => {});
      socket.resume();
      await once(socket, 'connect');
      if (greets) socket.write('SSH-2.0-OpenSSH_9.2p1\r\n');
      for (const piece of pieces) socket.write(piece);
      socket.end();
      if (!socket.closed) await once(socket, 'close');
    }),
    { numRuns: 150 },
  );
});

const field = fc.oneof(
  fc.constantFrom<string | number | boolean>(
    'session',
    'ssh-connection',
    'publickey',
    'alice',
    'exec',
    'pty-req',
    'env',
    0,
    1,
    true,
    false,
  ),
  fc.nat({ max: 0xffff_ffff }),
  bytes(60),
  fc.string({ maxLength: 20 }),
);
const known = fc.constantFrom(...Object.values(MSG).filter((type) => type !== MSG.DISCONNECT));
const type = fc.oneof({ weight: 4, arbitrary: known }, fc.integer({ min: 2, max: 255 }));
const said = fc.oneof(
  fc.tuple(type, fc.array(field, { maxLength: 7 })).map(([t, fields]) => message(t, ...fields)),
  fc.tuple(type, bytes(100)).map(([t, rest]) => Buffer.concat([Buffer.of(t), rest])),
);

test.each(['before the service', 'before login', 'after login', 'in a session'])(
  'messages %s',
  async (stage) => {
    await fc.assert(
      fc.asyncProperty(fc.array(said, { minLength: 1, maxLength: 25 }), async (messages) => {
        const client = await RawClient.connect(door.port);
        if (stage === 'before login') await client.userAuthService();
        if (stage === 'after login' || stage === 'in a session') await client.login('alice', key);
        if (stage === 'in a session') await client.exec('cat');
        for (const payload of messages) client.send(payload);
        await new Promise((resolve) => setTimeout(resolve, 3));
        client.socket.destroy();
      }),
      { numRuns: 60 },
    );
  },
  30_000,
);

test('a good conversation with one byte flipped on the wire', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: 3000 }), fc.integer({ min: 1, max: 255 }), async (at, mask) => {
      const client = await RawClient.connect(door.port);
      const write = client.socket.write.bind(client.socket);
      let sent = 0;
      client.socket.write = ((chunk: Buffer) => {
        const index = at - sent;
        sent += chunk.length;
        if (index >= 0 && index < chunk.length) chunk[index] = (chunk[index] ?? 0) ^ mask;
        return write(chunk);
      }) as typeof write;
      await client.login('alice', key).catch(() => {});
      if (!client.closed) await client.exec('cat').catch(() => {});
      for (let i = 0; i < 50 && !client.closed; i += 1) client.send(message(MSG.CHANNEL_DATA, 0, 'hello hello hello'));
      await new Promise((resolve) => setTimeout(resolve, 3));
      client.socket.destroy();
    }),
    { numRuns: 60 },
  );
}, 60_000);
