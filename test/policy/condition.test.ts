import { describe, expect, it } from 'vitest';
import { cidr } from '../../src/policy/cel/cidr.js';
import { compileCondition } from '../../src/policy/cel/condition.js';
import { factsAt } from '../../src/policy/index.js';
import { FACTS, LABELS, NOON } from './helpers.js';

const check = (when: string) => compileCondition(when, LABELS);
const holds = (when: string, facts = FACTS) => check(when).evaluate(factsAt(facts, NOON, LABELS));

describe('conditions', () => {
  it.each([
    "user.team == 'blue' && target.sensitivity == 2 && target.weight < 1.5",
    'time.hour == 12 && time.weekday == 1',
    "session.age == duration('4h')",
    "source.ip == '10.1.2.3' && auth.method == 'publickey' && auth.key.startsWith('SHA256:')",
    "time.now == timestamp('2026-11-23T12:00:00Z')",
    '!has(mfa.age) && !has(risk.score) && !has(device.managed) && !has(approval.by)',
    "user.team in ['blue', 'red'] && [1, 2, 3].exists(x, x == target.sensitivity)",
    "user.team.matches('^bl[a-z]+$')",
  ])('%s', (when) => expect(holds(when)).toBe(true));

  it('tell hours and weekdays in the zone, Sunday being 0', () => {
    expect(holds('time.hour == 1 && time.weekday == 2', { ...FACTS, timezone: 'Pacific/Auckland' })).toBe(true);
    const sunday = factsAt({ ...FACTS, timezone: 'UTC' }, Date.parse('2026-11-22T00:00:00Z'), LABELS);
    expect(check('time.hour == 0 && time.weekday == 0').evaluate(sunday)).toBe(true);
  });

  it.each([
    ['risk', /not a condition|risk/],
    ['time.hour', /time\.hour is int, not a condition/],
    ['has(risk.scroe)', /risk\.scroe is not a known fact/],
    ['user.taem == "x"', /taem is not a known fact or declared label/],
    ['foo == 1', /Unknown variable: foo/],
    ['risk.score == 10', /write 10\.0/],
    ["mfa.age < duration('30d')", /longest unit is the hour; write duration\('720h'\)/],
    ["mfa.age < duration('soon')", /write one as duration\('1h30m'\)/],
    ["time.now < timestamp('tomorrow')", /no moment/],
    ["duration('2000000h') > mfa.age", /1ms to 1000000h/],
    ["time.now < timestamp('9999-01-01T00:00:00Z')", /1970 to 2999/],
    ["time.now.getHours('Mars/Olympus') > 3", /no time zone/],
    ['dyn(1) == 1', /no uint, bytes, dyn/],
    ['1u == 1u', /no uint, bytes, dyn/],
    ["cidr(source.ip, '10.0.0.0/33')", /prefix length/],
    ["cidr(source.ip, 'office')", /not a network/],
    ["user.team.matches('(a+)+$')", /for ever/],
    ['user.team.matches(source.ip)', /literal string/],
    ['true &&', /in: true &&/],
    ['cidr(source.ip', /double quotes/],
    ['x'.repeat(5000), /./],
    [`${'('.repeat(500)}true${')'.repeat(500)}`, /./],
  ])('with a mistake say which: %s', (when, message) => expect(() => check(when)).toThrow(message));

  it('without declared labels still decide', () => {
    const facts = factsAt(FACTS, NOON);
    expect(compileCondition("user.team == 'blue' && target.sensitivity >= 2", undefined).evaluate(facts)).toBe(true);
    expect(() => compileCondition('device.managed', undefined).evaluate(facts)).toThrow();
  });
});

describe('cidr', () => {
  it.each([
    ['10.1.2.3', '10.0.0.0/8', true],
    ['11.1.2.3', '10.0.0.0/8', false],
    ['::ffff:10.1.2.3', '10.0.0.0/8', true],
    ['10.1.2.3', '::ffff:10.0.0.0/104', true],
    ['10.1.2.3', '10.1.2.3', true],
    ['10.1.2.3', '0.0.0.0/0', true],
    ['fd00::1', 'fd00::/8', true],
    ['fe80::1', 'fd00::/8', false],
    ['10.1.2.3', 'fd00::/8', false],
    ['fd00::1', '10.0.0.0/8', false],
  ])('%s in %s: %s', (ip, net, expected) => expect(cidr(ip, net)).toBe(expected));

  it.each([
    ['', '10.0.0.0/8'],
    ['x', '10.0.0.0/8'],
    ['10.1.2.3', '10.0.0.0/'],
    ['10.1.2.3', '10.0.0.0/-1'],
    ['10.1.2.3', '10.0/8'],
  ])('throws on %j in %j', (ip, net) => expect(() => cidr(ip, net)).toThrow());
});
