import { describe, expect, it } from 'vitest';
import { FACTS, NOON, problemsOf, rights } from './helpers.js';

const row = (when: string, effect = 'allow') => `p, r, eng, *, @session, "${when}", ${effect}, checked`;
const SESSION = { kind: 'action', action: '@session' } as const;
const KNOWN = {
  ...FACTS,
  source: { ip: '10.1.2.3', country: 'DE' },
  device: { managed: true },
  risk: { score: 30 },
  approval: { by: 'carol' },
  mfaAt: NOON - 60_000,
  startedAt: NOON - 3_600_000,
};

/** One condition for each name of the context: true of KNOWN. */
const CONDITIONS = [
  "user.team == 'blue'",
  'target.sensitivity < 3',
  'target.weight < 1.5',
  "cidr(source.ip, '10.0.0.0/8')",
  "source.country == 'DE'",
  "time.now < timestamp('2027-01-01T00:00:00Z')",
  'time.hour >= 7 && time.hour < 20',
  'time.weekday in [1, 2, 3, 4, 5]',
  "auth.method == 'publickey'",
  "auth.key == 'SHA256:x'",
  "mfa.age < duration('15m')",
  'device.managed',
  'risk.score < 50',
  'risk.score < 50.0',
  "session.age < duration('2h30m')",
  "approval.by != ''",
  "mfa.age < duration('15m') && risk.score < 50",
];

describe('every name of the context', () => {
  it.each(CONDITIONS)('checks and holds: %s', async (when) => {
    expect(problemsOf(row(when))).toEqual([]);
    expect((await rights(row(when), { facts: KNOWN })).decide(SESSION, NOON).allow).toBe(true);
  });

  it.each(CONDITIONS.filter((c) => /country|mfa|device|risk|approval/.test(c)))(
    'that is not known fails an allow row and holds a deny row: %s',
    async (when) => {
      const without = { ...KNOWN, source: { ip: '10.1.2.3' }, device: {}, risk: {}, approval: {} };
      const { mfaAt: _, ...facts } = without;
      expect((await rights(row(when), { facts })).decide(SESSION, NOON).allow).toBe(false);
      const denied = `${row('true')}\n${row(when, 'deny').replace('p, r,', 'p, no,')}`;
      expect((await rights(denied, { facts })).decide(SESSION, NOON)).toMatchObject({
        allow: false,
        rule: { id: 'no' },
      });
    },
  );

  it.each([
    ['risk.scor < 50.0', /risk.scor/],
    ['rsk.score < 50.0', /rsk/],
    ['device.jailbroken', /device.jailbroken/],
    ['has(device.jailbroken)', /device.jailbroken/],
    ["user.tem == 'blue'", /user.tem/],
    ['source.country < 3', /string|overload|int/],
    ["risk.score == 'high'", /string|overload|double/],
    ['mfa.age < 15', /duration|overload|int/i],
    ["mfa.age < duration('15x')", /not a CEL duration/],
    ["session.age < duration('30d')", /write duration\('720h'\)/],
    ["time.now < timestamp('tomorrow')", /no moment/],
    ["cidr(source.ip, '10.0.0.0/64')", /prefix length/],
    ['cidr(source.ip)', /cidr/],
    ['risk.score', /must be true or false/],
    ["device.managed == 'yes'", /bool|overload|string/],
    ['approval.by', /must be true or false/],
  ])('misspelt or of another type is an error with its line: %s', (when, message) => {
    const problems = problemsOf(row(when));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/^p.csv:1: /);
    expect(problems[0]).toMatch(message);
  });
});
