import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  fstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { sleep, systemClock } from '../../src/core/clock.js';
import { openLineGate } from '../../src/gate/index.js';
import { ANSWER_SIZE } from '../../src/gate/protocol.js';

const RW = constants.O_RDWR | constants.O_NONBLOCK;
const clock = systemClock();
const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0)) clean();
});

function open(onDecide = () => {}) {
  const dir = mkdtempSync(join(tmpdir(), 'fifo-'));
  const [q, a] = [join(dir, 'q'), join(dir, 'a')];
  execFileSync('mkfifo', [q, a]);
  const fds = { qFd: openSync(q, RW), aFd: openSync(a, RW) };
  const lines: string[] = [];
  const gate = openLineGate({
    ...fds,
    clock,
    gate: 'exec',
    decide: () => {
      onDecide();
      return { allow: true };
    },
    onLine: ({ text }) => lines.push(text),
    onRefused: () => {},
  });
  const mine = { q: openSync(q, RW), a: openSync(a, RW) };
  cleanups.push(() => {
    gate.close();
    closeSync(mine.q);
    closeSync(mine.a);
    rmSync(dir, { recursive: true });
  });
  return { gate, fds, lines, ...mine };
}

const question = (id: number, text: string) => ['SP1', 'line', '7', id, id, 0, '/', '/bin', `${text}\n`].join('\0');

async function answer(fd: number): Promise<string> {
  const buffer = Buffer.alloc(ANSWER_SIZE);
  for (let tries = 0; tries < 200; tries++) {
    try {
      return buffer.toString('latin1', 0, readSync(fd, buffer)).trimEnd();
    } catch {
      await sleep(clock, 5);
    }
  }
  return 'none';
}

/** Writes what the FIFO takes now. */
function pour(fd: number, bytes: Buffer): number {
  try {
    return writeSync(fd, bytes);
  } catch {
    return 0;
  }
}

test('answers go to the FIFO of answers, under the id of their question', async () => {
  const { q, a, lines } = open();
  writeSync(q, question(1, 'ls'));
  expect(await answer(a)).toBe('SP1 7.1 ok');
  writeSync(q, `rubbish\n\n\0\0\n${question(2, 'ls -l')}`);
  expect(await answer(a)).toBe('SP1 7.2 ok');
  expect(lines).toEqual(['ls', 'ls -l']);
});

test('a flood of rubbish or of questions leaves the loop its time, and the gate answers again afterwards', {
  timeout: 30_000,
}, async () => {
  const { q, a } = open();
  const rubbish = Buffer.alloc(64 * 1024, 'x\n');
  const questions = Buffer.from(question(5, 'ls').repeat(500));
  for (const flood of [rubbish, questions]) {
    const until = clock.mono() + 700;
    let taken = 0;
    let longest = 0;
    for (let at = clock.mono(); at < until; ) {
      taken += pour(q, flood);
      await sleep(clock, 0);
      const now = clock.mono();
      longest = Math.max(longest, now - at);
      at = now;
    }
    expect(longest).toBeLessThan(500);
    expect(taken).toBeLessThan(16 * 1024 * 1024);
  }
  await sleep(clock, 200);
  const drain = Buffer.alloc(1 << 20);
  for (let empty = 0; empty < 20; ) {
    try {
      readSync(a, drain);
      empty = 0;
    } catch {
      empty += 1;
      await sleep(clock, 5);
    }
  }
  const last = Buffer.from(`\n${question(9, 'ls')}`);
  while (pour(q, last) === 0) await sleep(clock, 20);
  for (let tries = 0; tries < 9_000; tries++) if ((await answer(a)) === 'SP1 7.9 ok') return;
  expect.unreachable('the gate never answered again');
});

test('questions that are slow to answer take no more than a part of the time', async () => {
  const { q, lines } = open(() => {
    for (const until = clock.mono() + 20; clock.mono() < until; );
  });
  for (let id = 0; id < 100; id++) writeSync(q, question(id, `line ${id}`));
  const began = clock.mono();
  await sleep(clock, 1_000);
  expect(lines.length).toBeGreaterThan(0);
  expect(lines.length * 20).toBeLessThan(450 + (clock.mono() - began) / 4);
});

test('answers that nobody reads are bounded', async () => {
  const { q } = open();
  for (let id = 1; id <= 300; id++) {
    writeSync(q, question(id, 'ls'));
    if (id % 20 === 0) await sleep(clock, 5);
  }
  const before = process.memoryUsage().external;
  for (let id = 300; id <= 900; id++) {
    pour(q, Buffer.from(question(id, 'ls')));
    if (id % 20 === 0) await sleep(clock, 5);
  }
  expect(process.memoryUsage().external - before).toBeLessThan(8 * 1024 * 1024);
});

test('closing gives back both descriptors, and twice is as good as once', async () => {
  const before = readdirSync('/proc/self/fd').length;
  for (let i = 0; i < 20; i++) {
    const { gate, fds, q } = open();
    writeSync(q, question(i, 'ls'));
    gate.close();
    gate.close();
    await sleep(clock, 5);
    expect(() => fstatSync(fds.aFd)).toThrow();
    for (const clean of cleanups.splice(0)) clean();
  }
  expect(readdirSync('/proc/self/fd').length).toBeLessThanOrEqual(before + 2);
});
