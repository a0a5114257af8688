import { expect, it } from 'vitest';
import { sleep, within } from '../../src/core/clock.js';
import { FakeClock } from '../helpers/fake-clock.js';

it('a wait that is over leaves no timer to keep the process alive, however it went', async () => {
  const clock = new FakeClock();
  expect(await within(clock, Promise.resolve(), 2_000)).toBe(true);
  await expect(within(clock, Promise.reject(new Error('no')), 2_000)).rejects.toThrow('no');
  expect(clock.pending()).toBe(0);
  const late = within(clock, new Promise(() => {}), 2_000);
  clock.advance(2_000);
  expect(await late).toBe(false);
  expect(clock.pending()).toBe(0);
});

it('a sleep that is cut short leaves none either', async () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  const asleep = sleep(clock, 2_000, stop.signal);
  expect(clock.pending()).toBe(1);
  stop.abort();
  await asleep;
  expect(clock.pending()).toBe(0);
  await sleep(clock, 2_000, stop.signal);
  expect(clock.pending()).toBe(0);
});
