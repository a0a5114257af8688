import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import type { AdminPort } from '../../src/control/admin-port.js';
import { standingOf } from '../../src/control/caller.js';
import { callBroker } from '../../src/control/client.js';
import type { Standing } from '../../src/control/places.js';
import { type ControlServer, startControlServer } from '../../src/control/server.js';
import type { StreamPort } from '../../src/control/streams.js';
import { systemClock } from '../../src/core/clock.js';

const dirs: string[] = [];
const sockets: Socket[] = [];
let server: ControlServer | undefined;
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await server?.close();
  server = undefined;
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true });
});

/** A server that takes connections for those of the account a test says. */
async function serve(who: { uid: number }): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'places-'));
  dirs.push(dir);
  const path = join(dir, 'run/control.sock');
  const standing: Record<number, Standing> = { 0: 'owner', 1001: 'admin' };
  server = await startControlServer({
    path,
    port: { locks: async () => ({ locks: [] }) } as unknown as AdminPort,
    streams: {} as StreamPort,
    clock: systemClock(),
    stillMay: async () => {},
    peerOf: () => ({ pid: 1, uid: who.uid }),
    standingOf: (uid) => standing[uid] ?? 'stranger',
    identify: async ({ uid }) => ({ uid, name: `uid ${uid}`, by: 'owner' }),
  });
  return path;
}

/** How many of `n` idle connections are kept. */
async function hold(path: string, n: number, first = ''): Promise<number> {
  let closed = 0;
  for (let i = 0; i < n; i += 1) {
    const socket = connect(path);
    sockets.push(socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      closed += 1;
    });
    await once(socket, 'connect');
    socket.write(first);
  }
  await sleep(200);
  return n - closed;
}

it('strangers have a few places between them, whatever their number, and an admin has his', async () => {
  const who = { uid: 4001 };
  const path = await serve(who);
  expect(await hold(path, 20)).toBe(16);
  who.uid = 4002;
  expect(await hold(path, 20)).toBe(0);
  who.uid = 1001;
  expect(await hold(path, 40)).toBe(32);
  who.uid = 0;
  expect(await callBroker(path, 'locks', { all: true })).toEqual({ locks: [] });
});

it('a place that is left is free again', async () => {
  const path = await serve({ uid: 4001 });
  expect(await hold(path, 16)).toBe(16);
  for (const socket of sockets.splice(0)) socket.destroy();
  await sleep(100);
  expect(await hold(path, 16)).toBe(16);
});

it('a request that is never sent whole does not hold up the end', async () => {
  const path = await serve({ uid: 0 });
  const head = 'POST /v1/locks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{';
  expect(await hold(path, 3, head)).toBe(3);
  const before = performance.now();
  await server?.close();
  expect(performance.now() - before).toBeLessThan(3_000);
});

it('an account stands as the configuration says', () => {
  const rules = { ownUid: 500, admins: [{ uid: 1001, user: 'carol' }] };
  expect([0, 500, 1001, 1002].map((uid) => standingOf(uid, rules))).toEqual(['owner', 'owner', 'admin', 'stranger']);
});
