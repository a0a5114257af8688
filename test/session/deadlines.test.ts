import { describe, expect, it } from 'vitest';
import { startDeadlines } from '../../src/session/deadlines.js';
import type { Deadlines } from '../../src/wire/types.js';
import { FakeClock } from '../helpers/fake-clock.js';

const MIN = 60_000;

function start(clock: FakeClock, over: Partial<Deadlines> = {}) {
  const log: string[] = [];
  const deadlines: Deadlines = {
    idleMs: 15 * MIN,
    hardAt: clock.now() + 8 * 60 * MIN,
    hardCause: 'deadline',
    warnMs: [5 * MIN, MIN],
    recheckMs: 1000,
    ...over,
  };
  let rechecks = 0;
  const s = startDeadlines(clock, deadlines, {
    warn: (text) => log.push(text),
    end(cause) {
      log.push(`end ${cause}`);
      s.stop();
    },
    recheck: () => {
      rechecks += 1;
    },
  });
  return { log, s, deadlines, rechecks: () => rechecks };
}

describe('the hard deadline', () => {
  it('is warned of at five minutes and one, and falls to the ms', () => {
    const clock = new FakeClock();
    const { log } = start(clock, { hardAt: clock.now() + 10 * MIN, idleMs: 1000 * MIN });
    clock.advance(5 * MIN);
    expect(log).toEqual(['sallyport: this session closes in 5m (deadline)']);
    clock.advance(5 * MIN - 1);
    expect(log.at(-1)).toBe('sallyport: this session closes in 1m (deadline)');
    clock.advance(1);
    expect(log.at(-1)).toBe('end deadline');
    expect(clock.pending()).toBe(0);
  });

  it('falls when the wall clock jumps past it, within one re-check', () => {
    const clock = new FakeClock();
    const { log } = start(clock);
    clock.jumpWall(9 * 60 * MIN);
    clock.advance(1000);
    expect(log).toEqual(['end deadline']);
  });

  it('is not put off by a wall clock that is set back', () => {
    const clock = new FakeClock();
    const { log, s } = start(clock, { hardAt: clock.now() + 2 * MIN, warnMs: [] });
    clock.jumpWall(-60 * MIN);
    clock.advance(2 * MIN);
    expect(log).toEqual(['end deadline']);
    s.stop();
  });

  it('counts time asleep', () => {
    const clock = new FakeClock();
    const { log } = start(clock, { hardAt: clock.now() + 60 * MIN });
    clock.suspend(61 * MIN);
    clock.advance(1000);
    expect(log).toEqual(['end deadline']);
  });

  it('can move, and coming nearer than a warning is said at once', () => {
    const clock = new FakeClock();
    const { log, s, deadlines } = start(clock, { idleMs: 1000 * MIN });
    s.update({ ...deadlines, hardAt: clock.now() + 2 * MIN });
    expect(log).toEqual(['sallyport: this session closes in 2m (deadline)']);
    s.update({ ...deadlines, hardAt: clock.now() + 60 * MIN });
    clock.advance(2 * MIN);
    expect(log.filter((l) => l.startsWith('end'))).toEqual([]);
    s.stop();
  });

  it('beyond 24 days does not fire at once', () => {
    const clock = new FakeClock();
    const { log, s } = start(clock, { hardAt: clock.now() + 40 * 24 * 60 * MIN, idleMs: 1e12 });
    clock.advance(MIN);
    expect(log).toEqual([]);
    s.stop();
  });
});

describe('the idle limit', () => {
  it('is warned of once a silence, by the last warning that fits, and ends the session', () => {
    const clock = new FakeClock();
    const { log } = start(clock);
    clock.advance(14 * MIN);
    expect(log).toEqual(['sallyport: no input for 14m; this session closes in 1m']);
    clock.advance(MIN);
    expect(log.at(-1)).toBe('end idle');
  });

  it('begins anew with each input, and its warning with it', () => {
    const clock = new FakeClock();
    const { log, s } = start(clock);
    clock.advance(14 * MIN + 1000);
    s.touch();
    clock.advance(14 * MIN - 1000);
    expect(log).toHaveLength(1);
    clock.advance(1000);
    expect(log).toHaveLength(2);
    clock.advance(MIN);
    expect(log.at(-1)).toBe('end idle');
  });

  it('shorter than every warning has none', () => {
    const clock = new FakeClock();
    const { log } = start(clock, { idleMs: 30_000 });
    clock.advance(30_000);
    expect(log).toEqual(['end idle']);
  });

  it('is untouched by jumps of the wall clock', () => {
    const clock = new FakeClock();
    const { log, s } = start(clock);
    clock.jumpWall(60 * MIN);
    clock.advance(MIN);
    expect(log).toEqual([]);
    s.stop();
  });
});

it('re-checks on its period', () => {
  const clock = new FakeClock();
  const { rechecks, s } = start(clock);
  clock.advance(10_000);
  expect(rechecks()).toBe(10);
  s.stop();
  clock.advance(10_000);
  expect(rechecks()).toBe(10);
});
