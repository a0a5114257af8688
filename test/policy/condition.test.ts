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
    ['user.taem == "x"', /user\.taem is not a known fact or declared label: did you mean user\.team\?/],
    ['foo == 1', /foo is not a known fact .*text stands in quotes, as in 'foo'/],
    ['risk.score == 10', /write 10\.0/],
    ["mfa.age < duration('30d')", /longest unit is the hour: write duration\('720h'\)/],
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

  it.each([
    ["cidr(source.ip, '10.0.0/8')", 'cidr: 10.0.0/8 is not a network; write one as 10.0.0.0/8 or fd00::/8'],
    ["cidr('10.0.0.0/8', source.ip)", "cidr() takes the address first: cidr(source.ip, '10.0.0.0/8')"],
    ["cidr(source.ip, ['10.0.0.0/8'])", 'one network a call: '],
    ["source.ip == '10.0.0.0/8'", "write cidr(source.ip, '10.0.0.0/8')"],
    ["'10.0.0.0/8' != source.ip", "write !cidr(source.ip, '10.0.0.0/8')"],
    ["source.ip in '10.0.0.0/8'", "an address in a network is cidr(source.ip, '10.0.0.0/8')"],
    ["mfa.age < duration('15 m')", "write duration('15m')"],
    ["mfa.age < duration('1 hour and 30 mins')", "write duration('1h30m')"],
    ["mfa.age < duration('1d12h')", "write duration('36h')"],
    ["mfa.age < duration('15')", "it needs a unit, as in duration('15s'), duration('15m') or duration('15h')"],
    ['mfa.age < duration(15)', "write it as duration('15m')"],
    ['mfa.age < 15m', "a length of time is written duration('15m')"],
    ["mfa.age < '15m'", "a length of time is written duration('15m')"],
    ['mfa.age < 900', "a length of time is written duration('15m')"],
    [
      "time.now < timestamp('2026-12-31T18:00')",
      "says no zone: write timestamp('2026-12-31T18:00:00Z') for UTC, or +01:00 in place of the Z",
    ],
    ["time.now < timestamp('2026-12-31')", "write timestamp('2026-12-31T00:00:00Z')"],
    ["time.now < timestamp('2027-02-29T00:00:00Z')", '2027-02 has 28 days'],
    ["time.now < '2026-12-31T18:00:00Z'", "a moment is written timestamp('2026-12-31T18:00:00Z')"],
    ['time.hour >= 7:30', 'hours are whole'],
    ["time.weekday == 'Monday'", 'weekdays are 0, Sunday, to 6'],
    ['tim.hour > 7', 'did you mean time.hour?'],
    ['score < 50', 'did you mean risk.score?'],
    ['approved.by == "x"', 'did you mean approval.by?'],
    ["user['taem'] == 'x'", 'did you mean user.team?'],
    ['device.jailbroken', 'declare it under labels.device in sallyport.yaml'],
    ['mfa.enrolled', 'there is mfa.age'],
    ["cdir(source.ip, '10.0.0.0/8')", 'did you mean cidr'],
    ["user.team.startWith('a')", 'did you mean startsWith'],
    ['user.team == blue', "text stands in quotes, as in 'blue'"],
    ['device.managed and risk.score < 50', 'CEL writes && for and'],
    ['not device.managed', '! for not'],
    ['risk.score = 50', '== compares'],
    ["device.managed == 'true'", 'true and false stand without quotes'],
    ["target.sensitivity < '3'", 'numbers stand without quotes'],
    ['approval.by && device.managed', "compare it with something, as in approval.by != ''"],
    ['risk < 50', 'name one of its facts, as in risk.…'],
  ])('that people write say what was meant: %s', (when, hint) => {
    expect(() => check(when)).toThrow(hint);
  });

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
