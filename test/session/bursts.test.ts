import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createBursts } from '../../src/session/bursts.js';
import { FakeClock } from '../helpers/fake-clock.js';

function scene() {
  const clock = new FakeClock();
  const told: string[] = [];
  const bursts = createBursts(clock, (...texts) => void told.push(...texts));
  const refuse = (what: string) => bursts.refused(`sallyport: denied: ${what} (no rule allows it)`);
  return { clock, told, bursts, refuse };
}

/** How many refusals a told line stands for. */
const countOf = (line: string) => Number(/^sallyport: denied: (\d+) more programs, the last: /.exec(line)?.[1] ?? 1);

it('the first refusal is told at once', () => {
  const { told, refuse } = scene();
  refuse('cc a.c');
  expect(told).toEqual(['sallyport: denied: cc a.c (no rule allows it)']);
});

it('a few that follow in the same breath are told one by one when it is over', () => {
  const { clock, told, refuse } = scene();
  for (const name of ['a', 'b', 'c']) refuse(name);
  expect(told).toHaveLength(1);
  clock.advance(400);
  expect(told.map((t) => t.split(' ')[2])).toEqual(['a', 'b', 'c']);
});

it('a burst is one line with a count and the last of them', () => {
  const { clock, told, refuse } = scene();
  for (let i = 0; i < 213; i += 1) refuse(`cc ${i}.c, started by make`);
  clock.advance(400);
  expect(told).toEqual([
    'sallyport: denied: cc 0.c, started by make (no rule allows it)',
    'sallyport: denied: 212 more programs, the last: cc 212.c, started by make (no rule allows it)',
  ]);
  clock.advance(10_000);
  refuse('later');
  expect(told.at(-1)).toContain('denied: later');
});

it('a burst that does not end is counted now and then, ever more seldom', () => {
  const { clock, told, refuse } = scene();
  for (let i = 0; i < 6_000; i += 1) {
    refuse(`${i}`);
    clock.advance(10);
  }
  expect(told.length).toBeGreaterThan(4);
  expect(told.length).toBeLessThan(10);
});

it('the next line an engineer enters has its first refusal told at once, after what was held', () => {
  const { told, bursts, refuse } = scene();
  refuse('a');
  refuse('b');
  bursts.flush();
  refuse('c');
  expect(told.map((t) => t.split(' ')[2])).toEqual(['a', 'b', 'c']);
});

it('every refusal is told or counted, once and in order, and no timer stays', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.constant('refuse'), fc.constant('flush'), fc.nat(2_500))), (steps) => {
      const { clock, told, bursts, refuse } = scene();
      let n = 0;
      for (const step of steps) {
        if (typeof step === 'number') clock.advance(step);
        else if (step === 'flush') bursts.flush();
        else refuse(`${n++}`);
      }
      bursts.flush();
      expect(told.reduce((sum, line) => sum + countOf(line), 0)).toBe(n);
      const last = told.map((t) => Number(/(\d+) \(no rule/.exec(t)?.[1]));
      expect(last).toEqual([...last].sort((a, b) => a - b));
      expect(clock.pending()).toBe(0);
    }),
  );
});
