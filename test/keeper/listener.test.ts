import { connect, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import type { Limits } from '../../src/config/index.js';
import { type Listener, listen } from '../../src/keeper/listener.js';

const LIMITS: Limits = {
  loginGraceMs: 1000,
  authTries: 6,
  sessionsPerUser: 20,
  channelsPerConnection: 10,
  connections: 5,
  connectionsPerSource: 4,
  startups: 6,
};

let listener: Listener | undefined;
const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  listener?.close();
});

async function start(limits: Partial<Limits> = {}) {
  const given: { conn: number; ip: string; socket: Socket }[] = [];
  listener = await listen(
    { host: '127.0.0.1', port: 0 },
    { ...LIMITS, ...limits },
    {
      give(note, socket) {
        given.push({ ...note, socket });
        sockets.push(socket);
        return 1;
      },
    },
  );
  return { listener, given };
}

/** Resolves to whether the connection was kept. */
function knock(port: number, localAddress = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', localAddress });
    sockets.push(socket);
    socket.on('error', () => resolve(false));
    socket.on('close', () => resolve(false));
    socket.resume();
    setTimeout(() => resolve(true), 150);
  });
}

it('those not logged in yet are few, of one source at most half; each login and each leave makes room', async () => {
  const { listener, given } = await start();
  const { port } = listener.address;
  expect(await Promise.all([1, 2, 3].map(() => knock(port)))).toEqual([true, true, true]);
  expect(await knock(port)).toBe(false);
  listener.authenticated(given[0]?.conn ?? 0);
  expect(await knock(port)).toBe(true);
  expect(await knock(port)).toBe(false);
  listener.closed(given[1]?.conn ?? 0);
  expect(await knock(port)).toBe(true);
});

it('one source has its own limit, logged in or not', async () => {
  const { listener, given } = await start({ connectionsPerSource: 2 });
  const { port } = listener.address;
  expect(await Promise.all([1, 2].map(() => knock(port)))).toEqual([true, true]);
  for (const { conn } of given) listener.authenticated(conn);
  expect(await knock(port)).toBe(false);
});

it('what is told twice counts once', async () => {
  const { listener, given } = await start({ startups: 4 });
  const { port } = listener.address;
  await Promise.all([1, 2].map(() => knock(port)));
  const conn = given[0]?.conn ?? 0;
  for (let i = 0; i < 5; i += 1) listener.authenticated(conn);
  for (let i = 0; i < 5; i += 1) listener.closed(conn);
  expect(await knock(port)).toBe(true);
  expect(await knock(port)).toBe(false);
});

it('a pair that is lost can take its connections along', async () => {
  const { listener } = await start();
  await Promise.all([1, 2, 3].map(() => knock(listener.address.port)));
  expect(listener.countOf(1)).toBe(3);
  for (const conn of listener.connectionsOf(1)) listener.closed(conn);
  expect(listener.countOf(1)).toBe(0);
  expect(await knock(listener.address.port)).toBe(true);
});

it('an address that cannot be had is an error at once', async () => {
  const first = await start();
  await expect(
    listen({ host: '127.0.0.1', port: first.listener.address.port }, LIMITS, { give: () => 1 }),
  ).rejects.toThrow(/EADDRINUSE/);
});

it('one source that does not log in leaves room for others', async () => {
  const { listener } = await start({ connections: 20, connectionsPerSource: 20, startups: 4 });
  const { port } = listener.address;
  expect(await Promise.all([1, 2, 3, 4].map(() => knock(port)))).toEqual([true, true, false, false]);
  expect(await Promise.all([1, 2, 3].map(() => knock(port, '127.0.0.2')))).toEqual([true, true, false]);
  expect(await knock(port, '127.0.0.3')).toBe(false);
});
