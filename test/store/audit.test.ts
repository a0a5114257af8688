import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type AuditEvent,
  type AuditLog,
  type AuditProblem,
  openAuditLog,
  openStore,
  type ReadAuditOptions,
  readAudit,
  type Store,
} from '../../src/store/index.js';
import { FakeClock } from '../helpers/fake-clock.js';

let dir: string;
let store: Store;
let clock: FakeClock;
let log: AuditLog;

beforeEach(async () => {
  dir = join(mkdtempSync(join(tmpdir(), 'sp-audit-')), 'state');
  store = await openStore(dir, { create: true });
  clock = new FakeClock();
  log = openAuditLog(dir, clock);
});
afterEach(async () => {
  await log.close();
  await store.close();
});

const file = () => join(dir, 'audit.log');

async function read(options: ReadAuditOptions = {}): Promise<AuditEvent[]> {
  const events: AuditEvent[] = [];
  for await (const event of readAudit(dir, options)) events.push(event);
  return events;
}

async function reopen(change: () => void = () => undefined): Promise<void> {
  await log.close();
  change();
  log = openAuditLog(dir, clock);
}

describe('the audit log', () => {
  test('numbers events from 1 without a gap, over restarts too', async () => {
    expect(log.append({ event: 'keeper-start' })).toBe(1);
    expect(log.append({ event: 'login', user: 'alice', source: '10.0.0.1' })).toBe(2);
    await reopen();
    expect(log.append({ event: 'keeper-start' })).toBe(3);
    expect((await read()).map((e) => e.seq)).toEqual([1, 2, 3]);
  });

  test('is written when append returns, private, and stamped with the clock’s time', () => {
    log.append({ event: 'admin', by: 'root', text: 'grant alice sre' });
    const line = readFileSync(file(), 'utf8');
    expect(JSON.parse(line)).toEqual({
      seq: 1,
      at: '2026-01-05T09:00:00.000Z',
      event: 'admin',
      by: 'root',
      text: 'grant alice sre',
    });
    expect(statSync(file()).mode & 0o777).toBe(0o600);
  });

  test('keeps what somebody typed on one line, whatever it is', async () => {
    const text = '\u001b]0;x\u0007\n{"seq":9}\n\u2028';
    log.append({ event: 'decision', text });
    expect(readFileSync(file(), 'utf8').split('\n')).toHaveLength(2);
    expect((await read())[0]?.text).toBe(text);
  });

  test('syncs once for all who wait together', async () => {
    for (let i = 0; i < 100; i++) log.append({ event: 'decision', n: i });
    await Promise.all(Array.from({ length: 50 }, () => log.durable()));
    expect(log.healthy()).toBe(true);
  });

  test('is synced within a second when nobody asks', () => {
    log.append({ event: 'decision' });
    expect(clock.pending()).toBe(1);
    clock.advance(1000);
    expect(clock.pending()).toBe(0);
  });

  test('is opened only by the holder of the home’s lock', async () => {
    await log.close();
    await store.close();
    expect(() => openAuditLog(dir, clock)).toThrow(/only by the holder/);
    store = await openStore(dir);
    log = openAuditLog(dir, clock);
  });

  test('fails when it is removed while in use, and stays failed', async () => {
    const failures: string[] = [];
    log.onFailure((error) => failures.push(error.message));
    log.append({ event: 'keeper-start' });
    unlinkSync(file());
    await expect(log.durable()).rejects.toThrow(/removed while in use/);
    expect(() => log.append({ event: 'login' })).toThrow(/removed while in use/);
    expect(failures).toHaveLength(1);
    log.onFailure((error) => failures.push(error.message));
    expect(failures).toHaveLength(2);
  });

  test('is never a link', async () => {
    await log.close();
    unlinkSync(file());
    symlinkSync('/dev/null', file());
    expect(() => openAuditLog(dir, clock)).toThrow(/symbolic link/);
    unlinkSync(file());
    log = openAuditLog(dir, clock);
  });
});

describe('a line cut short by a crash', () => {
  test('stays in the file, is noted, and leaves no gap', async () => {
    log.append({ event: 'keeper-start' });
    log.append({ event: 'login', user: 'alice' });
    await reopen(() => truncateSync(file(), statSync(file()).size - 7));
    log.append({ event: 'keeper-start' });
    const problems: AuditProblem[] = [];
    const events = await read({ onProblem: (p) => problems.push(p) });
    expect(events.map((e) => [e.seq, e.event])).toEqual([
      [1, 'keeper-start'],
      [2, 'audit-torn'],
      [3, 'keeper-start'],
    ]);
    expect(problems).toEqual([]);
    expect(readFileSync(file(), 'utf8')).toContain('"user":"a\n');
    expect(JSON.stringify(events[1]?.data)).toContain('login');
  });

  test('does no harm when it was the only one', async () => {
    await reopen(() => writeFileSync(file(), '{"seq":1,"at":"20'));
    log.append({ event: 'keeper-start' });
    expect((await read()).map((e) => [e.seq, e.event])).toEqual([
      [1, 'audit-torn'],
      [2, 'keeper-start'],
    ]);
  });

  test('is no event yet to a reader while the log is open', async () => {
    log.append({ event: 'keeper-start' });
    appendFileSync(file(), '{"seq":2,"at":"2026-01-05T09:00:00.000Z","event":"login"}');
    expect((await read()).map((e) => e.seq)).toEqual([1]);
  });

  test('a file that is no log at all is refused and kept', async () => {
    await log.close();
    writeFileSync(file(), 'hello\nworld\n');
    expect(() => openAuditLog(dir, clock)).toThrow(/no readable line/);
    expect(readFileSync(file(), 'utf8')).toBe('hello\nworld\n');
    unlinkSync(file());
    log = openAuditLog(dir, clock);
  });
});

describe('reading', () => {
  test('finds by user, session, event, time and text', async () => {
    log.append({ event: 'login', user: 'alice' });
    clock.advance(60_000);
    log.append({ event: 'decision', user: 'bob', session: 's1', text: 'rm -rf /Srv', rule: 'no-wipe' });
    clock.advance(60_000);
    log.append({ event: 'session-end', user: 'bob', session: 's1', cause: 'idle' });
    const seqs = async (options: ReadAuditOptions) => (await read(options)).map((e) => e.seq);
    expect(await seqs({ user: 'bob' })).toEqual([2, 3]);
    expect(await seqs({ session: 's1', event: 'session-end' })).toEqual([3]);
    expect(await seqs({ text: '/srv' })).toEqual([2]);
    expect(await seqs({ text: 'no-wipe' })).toEqual([2]);
    expect(await seqs({ text: 'seq' })).toEqual([]);
    expect(await seqs({ since: Date.UTC(2026, 0, 5, 9, 1) })).toEqual([2, 3]);
    expect(await seqs({ until: Date.UTC(2026, 0, 5, 9, 1) })).toEqual([1]);
  });

  test('finds by text what is printed, and what printing cuts', async () => {
    const data = { gate: 'exec', ended: 'risk.score is now 80' };
    log.append({ event: 'decision', session: 's1', n: 1, text: `make ${'x'.repeat(500)} clean`, allow: true });
    log.append({ event: 'decision', session: 's1', n: 2, text: 'psql \u0007', allow: false, data });
    log.append({ event: 'decision', session: 's1', n: 3, text: 'rm x', allow: false, rule: 'no-rm' });
    const seqs = async (text: string) => (await read({ session: 's1', text })).map((e) => e.seq);
    expect(await seqs('ended')).toEqual([2]);
    expect(await seqs('Denied #3: rm x (no-rm)')).toEqual([3]);
    expect(await seqs('psql \\x07')).toEqual([2]);
    expect(await seqs('psql \u0007')).toEqual([2]);
    expect(await seqs('x clean')).toEqual([1]);
    expect(await seqs('allow:')).toEqual([]);
  });

  test('reports a removed line and an altered one', async () => {
    for (let i = 0; i < 5; i++) log.append({ event: 'notice', n: i });
    const lines = readFileSync(file(), 'utf8').split('\n');
    lines.splice(1, 1);
    lines[2] = 'garbage';
    writeFileSync(file(), lines.join('\n'));
    const problems: AuditProblem[] = [];
    await read({ onProblem: (p) => problems.push(p) });
    expect(problems.map((p) => [p.line, p.kind])).toEqual([
      [2, 'gap'],
      [3, 'unreadable'],
      [4, 'gap'],
    ]);
  });

  test('streams a large log in little memory', async () => {
    const line = (seq: number) =>
      `${JSON.stringify({ seq, at: '2026-01-05T09:00:00.000Z', event: 'notice', text: 'z'.repeat(400) })}\n`;
    const total = 60_000;
    for (let i = 0; i < total; i += 10_000)
      appendFileSync(file(), Array.from({ length: 10_000 }, (_, k) => line(i + k + 1)).join(''));
    let count = 0;
    for await (const event of readAudit(dir)) count = event.seq;
    expect(count).toBe(total);
    await reopen();
    expect(log.append({ event: 'notice' })).toBe(total + 1);
  });

  test('follows what is appended until told to stop', async () => {
    const stop = new AbortController();
    log.append({ event: 'login', user: 'alice' });
    const seen: number[] = [];
    const done = (async () => {
      for await (const event of readAudit(dir, { follow: { clock, signal: stop.signal } })) seen.push(event.seq);
    })();
    const until = async (n: number) => {
      for (let i = 0; i < 200 && seen.length < n; i++) {
        clock.advance(200);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    await until(1);
    log.append({ event: 'login', user: 'bob' });
    await until(2);
    stop.abort();
    await done;
    expect(seen).toEqual([1, 2]);
  });
});
