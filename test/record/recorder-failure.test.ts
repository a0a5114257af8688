import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Clock } from '../../src/core/clock.js';
import { systemClock } from '../../src/core/clock.js';
import { createRecorder, type Recorder } from '../../src/record/index.js';
import { FakeClock } from '../helpers/fake-clock.js';
import { eventsOf, header, jsonLines, start, tempDir } from './helpers.js';

const root = process.getuid?.() === 0;

/** A real file system of `kib` KiB. */
function smallDisk(kib: number): string {
  const path = join(tempDir(), 'disk');
  mkdirSync(path);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kib}k`, 'sallyport-test', path]);
  onTestFinished(() => void execFileSync('umount', [path]));
  return path;
}

/** Writes until the recorder says no; how many chunks it took. */
async function fill(recorder: Recorder, chunk: Buffer): Promise<number> {
  for (let taken = 0; taken < 100_000; taken++) {
    try {
      await recorder.output(chunk, 'out');
    } catch {
      return taken;
    }
  }
  throw new Error('the disk never filled');
}

/** A clock by which each write takes that many ms. */
function slowClock(ms: () => number): Clock {
  const clock = new FakeClock();
  let passed = 0;
  return {
    now: () => clock.now(),
    mono() {
      passed += ms();
      return passed;
    },
    boot: () => clock.boot(),
    after: (delay, fn) => clock.after(delay, fn),
    every: (period, fn) => clock.every(period, fn),
  };
}

describe('a recorder that cannot write', () => {
  it.skipIf(!root)('on a full disk fails once, refuses all further output, and leaves whole lines', async () => {
    const { recorder, path, failures } = start({ path: join(smallDisk(64), 'a.cast') });
    const taken = await fill(recorder, Buffer.alloc(3000, 'x')); // leaves more than the end marker needs
    expect(taken).toBe(21);
    await expect(recorder.output(Buffer.from('y'), 'out')).rejects.toThrow(/recording cannot be written: ENOSPC/);
    await expect(recorder.marker('line: rm')).rejects.toThrow('ENOSPC');
    expect(failures.map((error) => error.message)).toEqual([expect.stringContaining('ENOSPC')]);
    expect(recorder.failure).toBe(failures[0]);
    await recorder.close({ cause: 'recording', status: 254 });
    jsonLines(path);
    const events = await eventsOf(path);
    expect(events.filter((event) => event.kind === 'output')).toHaveLength(taken);
    expect(events.at(-1)).toMatchObject({ kind: 'marker', data: { type: 'end', cause: 'recording' } });
  });

  it.skipIf(!root)('fails the same way while its writes are asynchronous', async () => {
    const disk = smallDisk(64);
    const { recorder, path, failures } = start({ path: join(disk, 'a.cast'), clock: slowClock(() => 6) });
    const taken = await fill(recorder, Buffer.alloc(1000, 'x'));
    expect(failures).toHaveLength(1);
    await recorder.close({ cause: 'recording' });
    const events = await eventsOf(path);
    expect(events.filter((event) => event.kind === 'output')).toHaveLength(taken);
  });

  it('says so when not even the header can be written', async () => {
    const failures: Error[] = [];
    const recorder = createRecorder({
      fd: openSync('/dev/full', 'w'),
      header: header(),
      clock: systemClock(),
      onFailure: (error) => failures.push(error),
    });
    expect(recorder.failure?.message).toContain('ENOSPC');
    await expect(recorder.output(Buffer.from('x'), 'out')).rejects.toThrow('ENOSPC');
    await recorder.close({ cause: 'recording' });
    expect(failures).toHaveLength(1);
  });

  it('may be ignored without an unhandled rejection', async () => {
    const fd = openSync('/dev/full', 'w');
    const recorder = createRecorder({ fd, header: header(), clock: systemClock(), onFailure: () => {} });
    void recorder.output(Buffer.from('x'), 'out');
    void recorder.marker('x');
    await new Promise((resolve) => setImmediate(resolve));
    await recorder.close({ cause: 'recording' });
  });
});

describe('a recorder on a slow disk', () => {
  it('goes to asynchronous writes, keeps the order, and comes back when writes are quick', async () => {
    let took = 0;
    const { recorder, path } = start({ clock: slowClock(() => took) });
    expect(recorder.output(Buffer.from('quick'), 'out')).toBe(true);
    took = 6;
    expect(recorder.output(Buffer.from('slow'), 'out')).toBe(true);
    const first = recorder.output(Buffer.from('1'), 'out');
    const second = recorder.marker('2');
    const third = recorder.output(Buffer.from('3'), 'err');
    expect([first, second, third]).toEqual([expect.any(Promise), expect.any(Promise), expect.any(Promise)]);
    await first;
    expect(readFileSync(path, 'utf8')).toContain('"o","1"');
    await Promise.all([second, third]);
    took = 0;
    for (let i = 0; i < 8; i++) await recorder.output(Buffer.from('.'), 'out');
    expect(recorder.output(Buffer.from('back'), 'out')).toBe(true);
    await recorder.close({ cause: 'exit' });
    const shown = (await eventsOf(path)).map((e) =>
      e.kind === 'output' ? e.text : e.kind === 'marker' ? e.label : '',
    );
    expect(shown).toEqual(['quick', 'slow', '1', '2', '3', ...'........', 'back', 'end: exit']);
  });

  it('writes everything that waits before it closes', async () => {
    const { recorder, path } = start({ clock: slowClock(() => 6) });
    recorder.output(Buffer.from('x'), 'out');
    for (let i = 0; i < 100; i++) void recorder.output(Buffer.from(String(i % 10)), 'out');
    await recorder.close({ cause: 'exit' });
    const outputs = (await eventsOf(path)).filter((event) => event.kind === 'output');
    expect(outputs.map((event) => event.text).join('')).toBe(`x${'0123456789'.repeat(10)}`);
  });

  it('fails rather than hold more than its bound', async () => {
    const { recorder, path, failures } = start({ clock: slowClock(() => 6), limits: { maxQueuedBytes: 10_000 } });
    recorder.output(Buffer.from('x'), 'out');
    const waits = Array.from({ length: 20 }, () => recorder.output(Buffer.alloc(1000, 'y'), 'out'));
    expect(failures.map((error) => error.message)).toEqual([expect.stringContaining('more than 10000 bytes')]);
    const results = await Promise.allSettled(waits);
    expect(results.at(-1)?.status).toBe('rejected');
    await recorder.close({ cause: 'recording' });
    expect((await eventsOf(path)).at(-1)).toMatchObject({ label: 'end: recording' });
  });
});

describe('a disk that never answers', () => {
  it('does not count as stalled for a pause of the whole process', async () => {
    const clock = new FakeClock();
    const { recorder, failures } = start({ clock });
    recorder.output(Buffer.from('x'), 'out');
    clock.advance(3_600_000);
    await recorder.close({ cause: 'exit' });
    expect(failures).toEqual([]);
  });
});

describe('the pieces a crash leaves', () => {
  it('are read up to the torn line, wherever it was torn', async () => {
    const { recorder, path } = start();
    recorder.output(Buffer.from('one'), 'out');
    recorder.output(Buffer.from([0xff, 0x00]), 'err');
    await recorder.close({ cause: 'exit' });
    const whole = readFileSync(path);
    const headerEnd = whole.indexOf(0x0a) + 1;
    for (let end = headerEnd; end < whole.length; end++) {
      const torn = join(tempDir(), 'torn.cast');
      const fd = openSync(torn, 'w');
      writeSync(fd, whole, 0, end);
      closeSync(fd);
      const bytes = (await eventsOf(torn)).filter((e) => e.kind === 'output').map((e) => [e.stream, e.bytes]);
      const all = [
        ['out', Buffer.from('one')],
        ['err', Buffer.from([0xff, 0x00])],
      ];
      expect(all.slice(0, bytes.length)).toEqual(bytes);
    }
  });
});
