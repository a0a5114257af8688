import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type BaseFacts,
  mayChange,
  nextEdge,
  nextMoment,
  type Question,
  type RightsData,
} from '../../src/policy/index.js';
import { FACTS, NOON, rights } from './helpers.js';

const SESSION: Question = { kind: 'action', action: '@session' };
const HOUR = 3_600_000;
const at = (text: string) => Date.parse(text);

async function edge(when: string, facts: Partial<BaseFacts> = {}, over: Partial<RightsData> = {}, horizon = 8 * HOUR) {
  const r = await rights(`p, a, eng, *, @session, "${when}", allow, checked\n`, {
    facts: { ...FACTS, ...facts },
    ...over,
  });
  const found = nextEdge(r, SESSION, NOON, horizon);
  if (found !== undefined) {
    expect(r.decide(SESSION, found).allow).toBe(false);
    if (found > NOON + 1) expect(r.decide(SESSION, found - 1).allow).toBe(true);
  }
  return found;
}

describe('the next time edge', () => {
  it.each([
    ['time.hour < 15', at('2026-11-23T15:00:00Z')],
    ['time.hour >= 7 && time.hour < 20', at('2026-11-23T20:00:00Z')],
    ['time.hour != 13', at('2026-11-23T13:00:00Z')],
    ["time.now < timestamp('2026-11-23T13:14:15.167Z')", at('2026-11-23T13:14:15.167Z')],
    ["time.now <= timestamp('2026-11-23T13:14:15.167Z')", at('2026-11-23T13:14:15.168Z')],
    ["timestamp('2026-11-23T13:00:00+01:00') > time.now || time.hour == 12", at('2026-11-23T13:00:00Z')],
    ["session.age < duration('5h30m')", at('2026-11-23T13:30:00Z')],
    ["session.age <= duration('5h30m')", at('2026-11-23T13:30:00.001Z')],
    ["mfa.age < duration('15m')", NOON + 10 * 60_000],
    ["has(mfa.age) && mfa.age < duration('900s')", NOON + 10 * 60_000],
    ["time.now + duration('1h') < timestamp('2026-11-23T14:00:00.007Z')", at('2026-11-23T13:00:00.007Z')],
    ['time.now.getMinutes() != 30', at('2026-11-23T12:30:00Z')],
    ["session.age + mfa.age < duration('5h')", at('2026-11-23T12:27:30Z')],
  ])('%s', async (when, expected) => {
    expect(await edge(when, { mfaAt: NOON - 5 * 60_000 })).toBe(expected);
  });

  it('is the end of the day at midnight of the zone', async () => {
    expect(await edge('time.weekday == 1', { timezone: 'Asia/Kathmandu' })).toBe(at('2026-11-23T18:15:00Z'));
    expect(await edge('time.hour < 19', { timezone: 'Europe/Berlin' })).toBe(at('2026-11-23T18:00:00Z'));
  });

  it('follows the clocks when they change', async () => {
    const r = await rights('p, a, eng, *, @session, time.hour < 3, allow, checked\n', {
      facts: { ...FACTS, timezone: 'Europe/Berlin' },
    });
    expect(nextEdge(r, SESSION, at('2026-03-29T00:30:00Z'), 8 * HOUR)).toBe(at('2026-03-29T01:00:00Z'));
  });

  it('is none when nothing ends within the horizon', async () => {
    expect(await edge('true')).toBeUndefined();
    expect(await edge('time.hour < 21')).toBeUndefined();
    expect(await edge('time.hour < 15', {}, {}, 2 * HOUR)).toBeUndefined();
    expect(await edge('time.hour < 15', {}, {}, 3 * HOUR)).toBe(NOON + 3 * HOUR);
  });

  it('is the end of the holding, unless another takes over', async () => {
    const role = { role: 'eng', target: '*', via: 'g' };
    expect(await edge('true', {}, { holdings: [{ ...role, until: NOON + 5 }] })).toBe(NOON + 5);
    const two = [
      { ...role, until: NOON + 5 },
      { ...role, from: NOON + 5, until: NOON + 9 },
    ];
    expect(await edge('true', {}, { holdings: two })).toBe(NOON + 9);
  });

  it('is the beginning of a deny', async () => {
    const r = await rights(
      'p, a, eng, *, @session, true, allow, checked\np, d, *, *, @session, time.hour >= 14, deny, checked\n',
    );
    expect(nextEdge(r, SESSION, NOON, 8 * HOUR)).toBe(NOON + 2 * HOUR);
  });

  it('is at once when it is refused already', async () => {
    expect(await edge('time.hour < 3')).toBe(NOON + 1);
  });

  it('is found whatever is compared, to the ms', async () => {
    const comparison = fc.record({
      fact: fc.constantFrom('session.age', 'mfa.age', 'time.now'),
      op: fc.constantFrom('<', '<=', '>', '>=', '=='),
      ms: fc.integer({ min: 1, max: 60 }),
    });
    const facts = { ...FACTS, startedAt: NOON - 10, mfaAt: NOON - 20 };
    await fc.assert(
      fc.asyncProperty(
        fc.array(comparison, { minLength: 1, maxLength: 3 }),
        fc.constantFrom(' && ', ' || '),
        async (parts, glue) => {
          const when = parts
            .map(({ fact, op, ms }) =>
              fact === 'time.now'
                ? `time.now ${op} timestamp('${new Date(NOON + ms).toISOString()}')`
                : `${fact} ${op} duration('${ms}ms')`,
            )
            .join(glue);
          const r = await rights(`p, a, eng, *, @session, "${when}", allow, checked\n`, { facts });
          let slow: number | undefined;
          for (let t = NOON + 1; t <= NOON + 100 && slow === undefined; t++) if (!r.decide(SESSION, t).allow) slow = t;
          expect(nextEdge(r, SESSION, NOON, 100)).toBe(slow);
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('whether time alone may change an answer', () => {
  const role = { role: 'eng', target: '*', via: 'g' };
  it.each([
    ['true', {}, 9 * HOUR, false],
    ['risk.score < 50', {}, 9 * HOUR, false],
    ['time.hour < 15', {}, 10 * 60_000, false],
    ['time.hour < 15', {}, HOUR, true],
    ["time.now < timestamp('2026-11-23T12:00:05Z')", {}, 4_999, false],
    ["time.now < timestamp('2026-11-23T12:00:05Z')", {}, 5_000, true],
    ['time.now.getSeconds() != 30', {}, 1, true],
    ['true', { holdings: [{ ...role, until: NOON + 500 }] }, 499, false],
    ['true', { holdings: [{ ...role, until: NOON + 500 }] }, 500, true],
    ['true', { holdings: [role, { ...role, from: NOON + 500 }] }, 500, false],
  ])('%s, %o, %d ms: %s', async (when, over, ms, expected) => {
    const r = await rights(`p, a, eng, *, psql **, "${when}", allow, checked\n`, over);
    expect(mayChange(r, NOON, NOON + ms)).toBe(expected);
    expect(mayChange(r, NOON, NOON - 1)).toBe(true);
  });

  it('is never denied where an answer is another one', async () => {
    const condition = fc.constantFrom(
      "session.age < duration('3h59m59s')",
      "session.age >= duration('4h0m1s')",
      'time.hour == 12',
      "time.weekday == 1 && time.now <= timestamp('2026-11-23T12:00:01Z')",
      'time.now.getSeconds() < 2',
    );
    const span = fc.tuple(fc.integer({ min: -4_000, max: 4_000 }), fc.integer({ min: 0, max: 7_200_000 }));
    await fc.assert(
      fc.asyncProperty(condition, condition, span, async (one, two, [from, length]) => {
        const r = await rights(
          `p, a, eng, *, @session, "${one}", allow, checked\np, d, *, *, @session, "${two}", deny, checked\n`,
        );
        const [a, b] = [NOON + from, NOON + from + length];
        const same = r.decide(SESSION, a).allow === r.decide(SESSION, b).allow;
        expect(same || mayChange(r, a, b)).toBe(true);
        expect(same || nextMoment(r, a) <= b).toBe(true);
        expect(nextMoment(r, a)).toBeGreaterThan(a);
      }),
      { numRuns: 300 },
    );
  });
});
