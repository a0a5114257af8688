import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { AdminPort, Caller } from '../../src/control/admin-port.js';
import { callBroker } from '../../src/control/client.js';
import { startControlServer } from '../../src/control/server.js';
import type { StreamPort } from '../../src/control/streams.js';
import { systemClock } from '../../src/core/clock.js';
import { SallyportError } from '../../src/core/errors.js';
import { peerCredentials } from '../../src/os/peercred.js';

const cleanup: (() => unknown)[] = [];
afterEach(async () => {
  for (const undo of cleanup.splice(0).reverse()) await undo();
});

function temporary(...below: string[]): string {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-socket-'));
  cleanup.push(() => rmSync(dir, { recursive: true, force: true }));
  const inner = join(dir, ...below);
  mkdirSync(inner, { recursive: true });
  return inner;
}

const asked: { request: unknown; caller: Caller }[] = [];
const port = {
  locks: async (request: unknown, caller: Caller) => {
    asked.push({ request, caller });
    return { locks: [] };
  },
  unlock: async () => {
    throw new SallyportError('not-found', 'no lock 01');
  },
  reload: async () => ({ nonsense: true }),
} as unknown as AdminPort;

async function serve(path = join(temporary(), 'run/control.sock')): Promise<string> {
  const server = await startControlServer({
    path,
    port,
    streams: {} as StreamPort,
    clock: systemClock(),
    stillMay: async () => {},
    peerOf: (socket) => peerCredentials(socket),
    standingOf: () => 'owner',
    identify: async ({ uid }, verb) => {
      if (verb === 'kill') throw new SallyportError('refused', 'kill: refused');
      return { uid, name: `uid ${uid}`, by: 'owner' };
    },
  });
  cleanup.push(() => server.close());
  return path;
}

describe('the control socket', () => {
  it('knows its caller by the account of the process at its other end', async () => {
    asked.length = 0;
    expect(await callBroker(await serve(), 'locks', { all: true })).toEqual({ locks: [] });
    expect(asked).toEqual([{ request: { all: true }, caller: expect.objectContaining({ uid: process.getuid?.() }) }]);
  });

  it('is open to all, in a directory that only its owner changes', async () => {
    const path = await serve();
    expect(statSync(path).mode & 0o777).toBe(0o666);
    expect(statSync(join(path, '..')).mode & 0o777).toBe(0o755);
  });

  it('carries errors with their class', async () => {
    const path = await serve();
    await expect(callBroker(path, 'unlock', { id: '01' })).rejects.toMatchObject({
      code: 'not-found',
      message: 'no lock 01',
    });
    await expect(callBroker(path, 'kill', { id: '01', reason: 'x' })).rejects.toMatchObject({ code: 'refused' });
    await expect(callBroker(path, 'reload', {})).rejects.toThrow('another version');
  });

  it('refuses requests of the wrong shape before anything is done', async () => {
    const path = await serve();
    asked.length = 0;
    await expect(callBroker(path, 'locks', { all: 'yes' } as never)).rejects.toMatchObject({ code: 'usage' });
    await expect(callBroker(path, 'locks', { all: true, more: 1 } as never)).rejects.toMatchObject({ code: 'usage' });
    await expect(callBroker(path, 'nosuch' as never, {} as never)).rejects.toMatchObject({ code: 'usage' });
    await expect(callBroker(path, '__proto__' as never, {} as never)).rejects.toMatchObject({ code: 'usage' });
    expect(asked).toEqual([]);
  });

  it('drops requests beyond its bound', async () => {
    const path = await serve();
    const huge = { id: 'x'.repeat(3 * 1024 * 1024) };
    await expect(callBroker(path, 'unlock', huge)).rejects.toBeInstanceOf(SallyportError);
    expect(await callBroker(path, 'locks', { all: false })).toEqual({ locks: [] });
  });

  it('answers others while one client says nothing', async () => {
    const path = await serve();
    const silent: Socket = connect(path);
    cleanup.push(() => silent.destroy());
    silent.write('POST /v1/locks HTTP/1.1\r\n');
    expect(await callBroker(path, 'locks', { all: false })).toEqual({ locks: [] });
  });

  it('works where its path is longer than an address holds', async () => {
    const path = await serve(join(temporary('d'.repeat(100), 'e'.repeat(60)), 'run/control.sock'));
    expect(Buffer.byteLength(path)).toBeGreaterThan(107);
    expect(statSync(path).isSocket()).toBe(true);
    expect(await callBroker(path, 'locks', { all: false })).toEqual({ locks: [] });
  });

  it('replaces a socket nobody listens on, and nothing else', async () => {
    const dir = temporary();
    const path = join(dir, 'control.sock');
    const dead = createServer().listen(path);
    await new Promise((resolve) => dead.once('listening', resolve));
    // Closing would remove the file: what a killed broker leaves is a socket without a listener.
    const { renameSync } = await import('node:fs');
    renameSync(path, `${path}.kept`);
    dead.close();
    renameSync(`${path}.kept`, path);
    await expect(callBroker(path, 'locks', { all: false })).rejects.toMatchObject({ code: 'unreachable' });
    await serve(path);
    expect(await callBroker(path, 'locks', { all: false })).toEqual({ locks: [] });
    const file = join(dir, 'file.sock');
    writeFileSync(file, 'precious');
    await expect(serve(file)).rejects.toThrow('not a socket');
  });

  it('that is not there is unreachable', async () => {
    await expect(callBroker(join(temporary(), 'no.sock'), 'locks', { all: false })).rejects.toMatchObject({
      code: 'unreachable',
    });
  });
});
