import { expect, test } from 'vitest';
import type { Message } from '../../src/gate/protocol.js';
import { createReminder } from '../../src/gate/reminder.js';
import { FakeClock } from '../helpers/fake-clock.js';

const line = (shell: 'bash' | 'fish', pid: string, id: string): Message => ({
  ...{ kind: 'line', shell: pid, id, counter: 0, fresh: true, cwd: '/', path: '', text: 'ls' },
  syntax: { shell, comments: false, complete: false },
});
const heard = (shell: string, id: string): Message => ({ kind: 'heard', shell, id });

function start() {
  const clock = new FakeClock();
  const said: string[] = [];
  return { clock, said, reminder: createReminder(clock, (bytes) => said.push(bytes)) };
}

test('an answer is said again until it is heard, and a few times at most', () => {
  const { clock, said, reminder } = start();
  reminder.expect(line('fish', '7', '1'), 'one');
  clock.advance(1_500);
  expect(said).toEqual(['one', 'one']);
  reminder.heard(heard('7', '2'));
  clock.advance(700);
  expect(said).toHaveLength(3);
  reminder.heard(heard('7', '1'));
  clock.advance(60_000);
  expect(said).toHaveLength(3);
  reminder.expect(line('fish', '7', '2'), 'two');
  clock.advance(60_000);
  expect(said.filter((s) => s === 'two')).toHaveLength(4);
});

test('only fish is waited for, a new answer takes the place of the last, and stopping ends it', () => {
  const { clock, said, reminder } = start();
  expect(reminder.awaits(line('bash', '7', '1'))).toBe(false);
  expect(reminder.awaits(line('fish', '7', '1'))).toBe(true);
  reminder.expect(line('fish', '7', '1'), 'types');
  expect(reminder.awaits({ kind: 'types', shell: '7', id: '1', names: [] })).toBe(true);
  reminder.expect({ kind: 'types', shell: '7', id: '1', names: [] }, 'ok');
  clock.advance(700);
  expect(said).toEqual(['ok']);
  reminder.stop();
  clock.advance(60_000);
  expect(said).toEqual(['ok']);
});

test('shells beyond the bound are answered once', () => {
  const { clock, said, reminder } = start();
  for (let n = 0; n < 100; n++) reminder.expect(line('fish', String(n), '1'), String(n));
  clock.advance(700);
  expect(said).toHaveLength(32);
});
