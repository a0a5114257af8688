import { describe, expect, it } from 'vitest';
import { createWheel } from '../../src/session/index.js';
import { FakeClock } from '../helpers/fake-clock.js';

const DAY = 24 * 3_600_000;

describe('a moment of wall time', () => {
  it('is met to the ms, each once and in order, by one timer for all', () => {
    const clock = new FakeClock();
    const wheel = createWheel(clock);
    const start = clock.now();
    const met: [string, number][] = [];
    const note = (name: string) => () => met.push([name, clock.now() - start]);
    wheel.at(start + 3_600_000, note('hour'));
    wheel.at(start + 20, note('soon'));
    wheel.at(start + 20, note('too'));
    wheel.at(start + 50, note('never')).cancel();
    // One for the soonest, one that looks at the wall clock.
    expect(clock.pending()).toBe(2);
    clock.advance(4_000_000);
    expect(met).toEqual([
      ['soon', 20],
      ['too', 20],
      ['hour', 3_600_000],
    ]);
    expect(clock.pending()).toBe(0);
  });

  it('40 days ahead is not now', () => {
    const clock = new FakeClock();
    let met = false;
    createWheel(clock).at(clock.now() + 40 * DAY, () => {
      met = true;
    });
    clock.advance(60_000);
    expect(met).toBe(false);
    clock.advance(40 * DAY);
    expect(met).toBe(true);
  });

  it('is met within a second when the clock is set past it or the machine slept, and not before it when set back', () => {
    const clock = new FakeClock();
    const wheel = createWheel(clock);
    let met = 0;
    const meet = () => {
      met += 1;
    };
    wheel.at(clock.now() + 3_600_000, meet);
    clock.jumpWall(3_600_000);
    clock.advance(1_000);
    expect(met).toBe(1);
    wheel.at(clock.now() + 3_600_000, meet);
    clock.suspend(3_600_000);
    clock.advance(1_000);
    expect(met).toBe(2);
    wheel.at(clock.now() + 10_000, meet);
    clock.jumpWall(-5_000);
    clock.advance(14_999);
    expect(met).toBe(2);
    clock.advance(1);
    expect(met).toBe(3);
  });

  it('that a thousand wait for leaves others their turns in between', () => {
    const clock = new FakeClock();
    const wheel = createWheel(clock);
    const met = { before: 0, all: 0 };
    for (let i = 0; i < 1_000; i += 1)
      wheel.at(clock.now() + 10, () => {
        met.all += 1;
      });
    clock.advance(10);
    met.before = met.all;
    clock.advance(30);
    expect(met.before).toBeLessThan(100);
    expect(met.all).toBe(1_000);
  });

  it('may set and cancel others, and what was cancelled takes no room', () => {
    const clock = new FakeClock();
    const wheel = createWheel(clock);
    const met: string[] = [];
    const other = wheel.at(clock.now() + 20, () => met.push('cancelled'));
    wheel.at(clock.now() + 10, () => {
      other.cancel();
      wheel.at(clock.now() + 5, () => met.push('set'));
    });
    clock.advance(100);
    expect(met).toEqual(['set']);
    for (let i = 0; i < 10_000; i += 1) wheel.at(clock.now() + 1e9 + i, () => {}).cancel();
    wheel.at(clock.now() + 7, () => met.push('after'));
    clock.advance(7);
    expect(met).toEqual(['set', 'after']);
  });
});

it('all re-checks of one period are one timer, and one of them may end another', () => {
  const clock = new FakeClock();
  const wheel = createWheel(clock);
  const ticks = { a: 0, b: 0 };
  const timers = [
    wheel.every(1_000, () => {
      ticks.a += 1;
      if (ticks.a === 2) timers[1]?.cancel();
    }),
    wheel.every(1_000, () => {
      ticks.b += 1;
    }),
    wheel.every(30_000, () => {}),
  ];
  expect(clock.pending()).toBe(2);
  clock.advance(5_000);
  expect(ticks).toEqual({ a: 5, b: 1 });
  for (const timer of timers) timer.cancel();
  expect(clock.pending()).toBe(0);
});
