import { describe, expect, it } from 'vitest';
import { watchStall } from '../../src/record/stall.js';
import { FakeClock } from '../helpers/fake-clock.js';

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('a write that does not return', () => {
  it('is noticed after its time', async () => {
    const clock = new FakeClock();
    let stalled = 0;
    watchStall(clock, 1_000, () => stalled++);
    await clock.advanceAsync(999, 1);
    expect(stalled).toBe(0);
    await clock.advanceAsync(10, 1);
    expect(stalled).toBe(1);
    expect(clock.pending()).toBe(0);
  });

  it('is not when it returned in either half, or while the whole process stood still', async () => {
    const clock = new FakeClock();
    let stalled = 0;
    const early = watchStall(clock, 1_000, () => stalled++);
    early.cancel();
    const late = watchStall(clock, 1_000, () => stalled++);
    clock.advance(60_000);
    await turn();
    late.cancel();
    await clock.advanceAsync(60_000, 1_000);
    expect(stalled).toBe(0);
    expect(clock.pending()).toBe(0);
  });
});
