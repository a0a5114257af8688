import { describe, expect, it } from 'vitest';
import type { BaseFacts, Rights, RightsData } from '../../src/policy/types.js';
import { createWheel } from '../../src/session/index.js';
import { createTimeEdges, whatEnded } from '../../src/session/time-edges.js';
import { FakeClock } from '../helpers/fake-clock.js';
import { FACTS, NOON, rights } from '../policy/helpers.js';

const HOUR = 3_600_000;
const MIN = 60_000;

/** Rights under these conditions, and when they were looked at, ms from the start. */
async function watch(when: string, facts: Partial<BaseFacts> = {}, over: Partial<RightsData> = {}) {
  const clock = new FakeClock(NOON);
  const build = (condition: string, more: Partial<RightsData> = {}) =>
    rights(`p, a, eng, *, make **, "${condition}", allow, checked`, {
      facts: { ...FACTS, startedAt: NOON, ...facts },
      ...more,
    });
  let current: Rights = await build(when, over);
  const looks: number[] = [];
  const spans: [number, number][] = [];
  const edges = createTimeEdges({
    ...{ clock, wheel: createWheel(clock), rights: () => current },
    look(from, to) {
      looks.push(clock.now() - NOON);
      spans.push([from - NOON, to - NOON]);
    },
  });
  clock.every(30_000, edges.tick);
  const replace = async (condition: string, more: Partial<RightsData> = {}) => {
    current = await build(condition, more);
    edges.replaced();
  };
  return { clock, edges, looks, spans, replace };
}

describe('time edges of what may run', () => {
  it.each<[string, Partial<BaseFacts>, number[]]>([
    ['time.hour < 15', {}, [HOUR, 2 * HOUR, 3 * HOUR]],
    ['time.hour < 15', { timezone: 'Asia/Kathmandu' }, [15 * MIN, HOUR + 15 * MIN, 2 * HOUR + 15 * MIN]],
    ["session.age < duration('10m')", {}, [10 * MIN, 10 * MIN + 1]],
    ["mfa.age <= duration('15m')", { mfaAt: NOON - 5 * MIN }, [10 * MIN, 10 * MIN + 1]],
    ["time.now < timestamp('2026-11-23T12:00:07.123Z')", {}, [7_123, 7_124]],
    ['risk.score < 50.0', {}, []],
  ])('%s %j is looked at to the ms, and at no other time', async (when, facts, expected) => {
    const { clock, looks } = await watch(when, facts);
    clock.advance(3 * HOUR + 20 * MIN - 1);
    expect(looks.slice(0, 3)).toEqual(expected);
  });

  it('the beginning and the end of a grant, and what is told of it', async () => {
    const grant = { role: 'eng', target: '*', via: 'g1', from: NOON + 500, until: NOON + 70_007 };
    const { clock, looks, spans } = await watch('true', {}, { holdings: [grant] });
    clock.advance(100_000);
    expect(looks).toEqual([500, 70_007]);
    const said = spans.map(([from, to]) => whatEnded({ holdings: [grant] }, NOON + from, NOON + to));
    expect(said).toEqual(['its time is over', 'grant g1 ended']);
  });

  it('what reckons with time is looked at with every whole second', async () => {
    const { clock, looks } = await watch('time.now.getMinutes() < 1');
    clock.advance(3_500);
    expect(looks).toEqual([1_000, 2_000, 3_000]);
  });

  it('a clock that is set is noticed by the next re-check, in both directions', async () => {
    const { clock, looks } = await watch('time.hour < 15');
    clock.jumpWall(5 * HOUR);
    clock.advance(1_000);
    expect(looks).toHaveLength(1);
    clock.jumpWall(-5 * HOUR);
    clock.advance(30_000);
    expect(looks).toHaveLength(2);
    clock.advance(30_000);
    expect(looks).toHaveLength(2);
  });

  it('new rights bring their own moments, and the old ones are forgotten', async () => {
    const { clock, looks, replace, edges } = await watch("session.age < duration('10m')");
    await replace("session.age < duration('20m')");
    clock.advance(20 * MIN);
    expect(looks).toEqual([20 * MIN]);
    edges.stop();
    clock.advance(1);
    expect(looks).toEqual([20 * MIN]);
  });
});
