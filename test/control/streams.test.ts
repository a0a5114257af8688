import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/index.js';
import { openStream } from '../../src/control/client.js';
import { nothingLive } from '../../src/control/live.js';
import { type ControlServer, startControlServer } from '../../src/control/server.js';
import { askFrames } from '../../src/control/stream-client.js';
import { createStreams } from '../../src/control/streaming.js';
import { auditEvent, recordingView, type StreamPort, type StreamVerb } from '../../src/control/streams.js';
import { systemClock } from '../../src/core/clock.js';
import { SallyportError } from '../../src/core/errors.js';
import { newId } from '../../src/core/ids.js';
import { peerCredentials } from '../../src/os/peercred.js';
import { recordingPath } from '../../src/record/index.js';
import { until } from '../helpers/processes.js';
import { openTestHome, type TestHome } from './home.js';

let home: TestHome;
let server: ControlServer;
let socketPath: string;
/** Whom the server lets read on. */
let still: () => Promise<void>;
/** Streams asked for that have not ended. */
let reading: number;

beforeEach(async () => {
  home = await openTestHome();
  socketPath = join(home.dir, 'run/control.sock');
  still = async () => {};
  reading = 0;
  const clock = systemClock();
  const watches = { join: async function* () {} };
  const real = createStreams({
    audit: home.audit,
    clock,
    config: () => loadConfig(home.dir),
    live: nothingLive,
    watches,
  });
  const streams: StreamPort = {
    recordings: (filter, signal) => counted(real.recordings(filter, signal)),
    audit: (filter, signal) => counted(real.audit(filter, signal)),
    replay: async (which, caller) => counted(await real.replay(which, caller)),
    watch: real.watch,
  };
  server = await startControlServer({
    path: socketPath,
    port: home.port,
    streams,
    clock,
    peerOf: peerCredentials,
    standingOf: () => 'owner',
    identify: async ({ uid }) => ({ uid, name: 'carol', by: 'policy' }),
    stillMay: () => still(),
  });
});
afterEach(async () => {
  await server.close();
  await home.close();
});

async function* counted<T>(source: AsyncIterable<T>): AsyncGenerator<T> {
  reading++;
  try {
    yield* source;
  } finally {
    reading--;
  }
}

const HEADER = { version: 2, width: 80, height: 24, timestamp: 1_767_603_600, command: 'make\u009b31m' };

/** Puts a recording of alice there and returns its id. */
function record(text: string, id = newId(), startedAt = Date.UTC(2026, 0, 5, 9)): string {
  const path = recordingPath(join(home.dir, 'recordings'), id, startedAt);
  mkdirSync(dirname(path), { recursive: true });
  const who = { session: id, user: 'alice', account: 'alice', target: 'local', source: '127.0.0.1', kind: 'exec' };
  const sallyport = { ...who, pty: false, startedAt: new Date(startedAt).toISOString() };
  writeFileSync(path, `${JSON.stringify({ ...HEADER, sallyport })}\n${text}`);
  return id;
}

const never = () => new AbortController().signal;

async function bytesOf(id: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of await openStream(socketPath, 'replay', { id }, never())) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function listed(filter = {}): Promise<unknown[]> {
  const found: unknown[] = [];
  const stream = {
    way: socketPath,
    verb: 'recordings' as const,
    request: filter,
    schema: recordingView,
    signal: never(),
  };
  for await (const one of askFrames(stream)) found.push(one);
  return found;
}

const audit = (filter = {}, signal = never()) =>
  askFrames({ way: socketPath, verb: 'audit' as const, request: filter, schema: auditEvent, signal });

const nothingRead = () => until('every stream is let go', () => reading === 0);

describe('replay', () => {
  it('sends the bytes of the file, whole, by the beginning of its id', async () => {
    const text = `[0.1, "o", "${'x'.repeat(100_000)}"]\n`.repeat(20);
    const id = record(text);
    record('', newId());
    expect((await bytesOf(id)).toString().split('\n').slice(1).join('\n')).toBe(text);
    expect((await bytesOf(id)).equals(await bytesOf(id.slice(0, 25)))).toBe(true);
  });

  it('has noted who looks, durably, before the first byte', async () => {
    const id = record('[0.1, "o", "hi"]\n');
    const order: string[] = [];
    const durable = home.audit.durable.bind(home.audit);
    home.audit.durable = async () => {
      await sleep(50);
      await durable();
      order.push('durable');
    };
    await bytesOf(id);
    order.push('read');
    expect(order).toEqual(['durable', 'read']);
    expect(await home.events()).toMatchObject([
      { event: 'admin', by: 'carol', user: 'alice', session: id, target: 'local', data: { verb: 'replay' } },
    ]);
  });

  it('sends nothing when that cannot be noted', async () => {
    const id = record('[0.1, "o", "hi"]\n');
    home.audit.durable = async () => {
      throw new SallyportError('failed', 'disk full');
    };
    await expect(bytesOf(id)).rejects.toThrow('disk full');
  });

  it('tells what is not there, what is ambiguous and what is no recording apart', async () => {
    const [one, two] = [record(''), record('')];
    await expect(bytesOf('zz')).rejects.toMatchObject({ code: 'not-found' });
    await expect(bytesOf('../../state/store.json')).rejects.toMatchObject({ code: 'not-found' });
    expect(one.slice(0, 6)).toBe(two.slice(0, 6));
    await expect(bytesOf(one.slice(0, 6))).rejects.toMatchObject({ code: 'usage' });
    await expect(openStream(socketPath, 'replay', { id: 7 } as never, never())).rejects.toMatchObject({
      code: 'usage',
    });
    expect(await home.events()).toEqual([]);
  });

  it('waits for a client that does not read, holding next to nothing, and lets go when it leaves', async () => {
    const id = record(`[0.1, "o", "${'x'.repeat(64_000)}"]\n`.repeat(3_000));
    const before = process.memoryUsage();
    const req = request({ socketPath, path: '/v1/replay', method: 'POST', headers: JSON_BODY, agent: false });
    req.on('error', () => {});
    req.on('response', (res) => res.pause());
    req.end(JSON.stringify({ id }));
    await until('it flows', () => reading === 1);
    await sleep(300);
    const after = process.memoryUsage();
    expect(after.arrayBuffers + after.external - before.arrayBuffers - before.external).toBeLessThan(16 << 20);
    req.destroy();
    await nothingRead();
  });

  it('of a recording that grows ends where it stood when asked for', async () => {
    const id = record(`[0.1, "o", "${'x'.repeat(64_000)}"]\n`.repeat(200));
    const path = recordingPath(join(home.dir, 'recordings'), id, Date.UTC(2026, 0, 5, 9));
    let size = 0;
    for await (const chunk of await openStream(socketPath, 'replay', { id }, never())) {
      if (size === 0) appendFileSync(path, '[9, "o", "later"]\n');
      size += chunk.length;
    }
    expect(size).toBeGreaterThan(200 * 64_000);
    expect(size).toBeLessThan(201 * 64_100);
  });
});

const JSON_BODY = { 'content-type': 'application/json' };

describe('recordings', () => {
  it('are listed newest first, filtered, damaged ones named', async () => {
    const [first, second] = [record('[0.5, "o", "x"]\n'), record('[0.1, "d", "{}"]\n')];
    const broken = record('', newId());
    writeFileSync(recordingPath(join(home.dir, 'recordings'), broken, Date.UTC(2026, 0, 5, 9)), 'not a cast\n');
    expect(await listed()).toEqual([
      { problem: expect.stringContaining(`${broken}.cast is not an asciicast`) },
      { item: expect.objectContaining({ id: second }) },
      { item: expect.objectContaining({ id: first, lengthMs: 500, user: 'alice', command: HEADER.command }) },
    ]);
    expect(await listed({ user: 'bob' })).toEqual([{ problem: expect.anything() }]);
    expect(await listed({ until: Date.UTC(2020, 0, 1) })).toEqual([]);
    await expect(listed({ user: 7 })).rejects.toMatchObject({ code: 'usage' });
    await expect(listed({ root: '/' })).rejects.toMatchObject({ code: 'usage' });
  });
});

describe('audit', () => {
  const texts = async (filter = {}) => {
    const found: string[] = [];
    for await (const one of audit(filter)) found.push('item' in one ? (one.item.text ?? '') : one.problem);
    return found;
  };

  it('streams what matches, unreadable lines named, by the beginning of a session too', async () => {
    home.audit.append({ event: 'notice', text: 'one', session: '01aa' });
    home.audit.append({ event: 'login', text: 'two', session: '01ab' });
    appendFileSync(join(home.dir, 'state/audit.log'), 'torn\n');
    home.audit.append({ event: 'notice', text: 'three' });
    expect(await texts()).toEqual(['one', 'two', 'audit log, line 3: is not an audit event', 'three']);
    expect(await texts({ event: 'login' })).toContain('two');
    expect((await texts({ session: '01a' })).filter((t) => t.length < 6)).toEqual(['one', 'two']);
    await expect(texts({ event: 'nosuch' })).rejects.toMatchObject({ code: 'usage' });
  });

  it('follows until the client leaves, and is then let go', async () => {
    const stop = new AbortController();
    const stream = audit({ follow: true, event: 'notice' }, stop.signal)[Symbol.asyncIterator]();
    const first = stream.next();
    await sleep(100);
    home.audit.append({ event: 'notice', text: 'now' });
    expect((await first).value).toMatchObject({ item: { text: 'now' } });
    stop.abort();
    expect((await stream.next()).done).toBe(true);
    await nothingRead();
  });

  it('stops following when the right to has gone, and says so', async () => {
    const stream = audit({ follow: true });
    still = async () => {
      throw new SallyportError('refused', 'audit: refused for carol: no rule allows it');
    };
    await expect(stream.next()).rejects.toThrow('no rule allows it');
    await nothingRead();
  });

  it('says that the broker has stopped', async () => {
    const next = audit({ follow: true }).next();
    const seen = expect(next).rejects.toMatchObject({ code: 'unreachable', message: 'the broker has stopped' });
    await until('it follows', () => reading === 1);
    const begun = performance.now();
    await server.close();
    expect(performance.now() - begun).toBeLessThan(2_000);
    await seen;
  });
});

describe('streams', () => {
  it('are bounded for each user, and a place is free again when one ends', async () => {
    const stops = Array.from({ length: 16 }, () => new AbortController());
    const all = stops.map((stop) => audit({ follow: true }, stop.signal).next());
    await until('all flow', () => reading === 16);
    for (const verb of ['audit', 'recordings', 'replay'] satisfies StreamVerb[])
      await expect(openStream(socketPath, verb, { id: 'x' } as never, never())).rejects.toThrow('too many are reading');
    for (const stop of stops) stop.abort();
    await Promise.all(all);
    await nothingRead();
    expect(await listed()).toEqual([]);
    for (let n = 0; n < 20; n++) await expect(bytesOf('zz')).rejects.toMatchObject({ code: 'not-found' });
  });

  it('that break off are not taken for whole', async () => {
    const id = record(`[0.1, "o", "${'x'.repeat(64_000)}"]\n`.repeat(3_000));
    still = async () => {
      throw new SallyportError('refused', 'no more');
    };
    const slowly = async () => {
      for await (const _ of await openStream(socketPath, 'replay', { id }, never())) await sleep(1_500);
    };
    await expect(slowly()).rejects.toThrow('broke off');
    await nothingRead();
  });
});
