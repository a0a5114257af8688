import { describe, expect, it } from 'vitest';
import { approvedUntil, remedyFor } from '../../src/policy/index.js';
import type { BaseFacts, CommandQuestion } from '../../src/policy/types.js';
import { FACTS, NOON, rights, run } from './helpers.js';

async function remedy(rows: string, line: string, facts: Partial<BaseFacts> = {}, over: Partial<CommandQuestion> = {}) {
  const held = await rights(rows, { facts: { ...FACTS, ...facts } });
  const question = run(line, over);
  return remedyFor(held, question, held.decide(question, NOON), NOON);
}
const allow = (when: string, id = 'r') => `p, ${id}, eng, *, deploy **, "${when}", allow, checked\n`;

describe('what would change a refusal', () => {
  it.each([
    ['a second factor', "mfa.age < duration('15m')", 'a fresh second factor would allow it'],
    ['an approval', "approval.by != ''", "another person's approval would allow it"],
    ['that of some people', "approval.by in ['bob', 'carol']", "another person's approval would allow it"],
    [
      'both',
      "mfa.age < duration('15m') && approval.by != ''",
      "a fresh second factor and another person's approval would allow it",
    ],
    ["not the user's own approval", "approval.by == 'alice'", "r would, with approval.by == 'alice'"],
    ['a second factor long ago', "mfa.age > duration('1h')", 'r would, with mfa.age > 1h'],
    [
      'what of a condition is missing, and no more',
      "cidr(source.ip, '10.0.0.0/8') && risk.score < 50",
      'r would, with risk.score < 50',
    ],
    ['all that is', "mfa.age < duration('15m') && risk.score < 50", 'r would, with mfa.age < 15m and risk.score < 50'],
    ['a choice whole', "risk.score < 50 || user.team == 'red'", "r would, with risk.score < 50 || user.team == 'red'"],
    ['an hour of today', 'time.hour >= 18', 'r would, from 18:00 UTC'],
    ['an hour of tomorrow', 'time.hour >= 7 && time.hour < 9', 'r would, from 07:00 UTC'],
    ['a day of the week', 'time.weekday == 6', 'r would, from Sat 00:00 UTC'],
    ['an hour, and more', 'time.hour >= 18 && risk.score < 5', 'r would, with time.hour >= 18 and risk.score < 5'],
    ['an hour that never comes as what it is', 'time.hour > 23', 'r would, with time.hour > 23'],
  ])('%s', async (_what, when, expected) => {
    expect(await remedy(allow(when), 'deploy x')).toBe(expected);
  });

  it('of several rows, the one that lacks least', async () => {
    const rows = allow("risk.score < 1 && mfa.age < duration('1m')", 'far') + allow('risk.score < 50', 'near');
    expect(await remedy(rows, 'deploy x')).toBe('near would, with risk.score < 50');
  });

  it('in the zone of the configuration', async () => {
    expect(await remedy(allow('time.hour >= 18'), 'deploy x', { timezone: 'Asia/Kolkata' })).toBe(
      'r would, from 18:00 Asia/Kolkata',
    );
  });

  it('a deny that hangs on a fact, where nothing else is in the way', async () => {
    const rows = `${allow('true')}p, frozen, *, *, deploy **, risk.score >= 50, deny, checked\n`;
    expect(await remedy(rows, 'deploy x', { risk: { score: 70 } })).toBe('frozen does so while risk.score >= 50');
    const locked = `${rows}p, never, *, *, deploy prod, true, deny, checked\n`;
    expect(await remedy(locked, 'deploy prod', { risk: { score: 70 } })).toBeUndefined();
  });

  it('a deny that a second factor lifts', async () => {
    const rows = `${allow('true')}p, proved, *, *, deploy **, mfa.age > duration('1h'), deny, checked\n`;
    expect(await remedy(rows, 'deploy x')).toBe('a fresh second factor would allow it');
  });

  it.each([
    ['another command', 'restart x', {}],
    ['a parent that may start nothing', 'deploy x', { children: 'none' as const }],
  ])('nothing for %s', async (_what, line, over) => {
    expect(await remedy(allow('risk.score < 50'), line, {}, over)).toBeUndefined();
  });

  it('nothing of the rows of a role that is not held, and no value of a fact', async () => {
    const rows = 'p, ops, ops, *, deploy **, risk.score < 50, allow, checked\n';
    expect(await remedy(rows, 'deploy x')).toBeUndefined();
    expect(await remedy(allow('risk.score < 50'), 'deploy x', { risk: { score: 71 } })).not.toContain('71');
  });

  it('in words that are safe to show, and short', async () => {
    const text = await remedy(allow(`user.team == '${'x'.repeat(900)}'`), 'deploy x');
    expect(text?.length).toBeLessThan(200);
  });
});

describe('an approval', () => {
  const HOUR = 3_600_000;
  const until = async (when: string, by?: string, lines = ['deploy x']) =>
    approvedUntil(
      await rights(allow(when)),
      lines.map((line) => run(line)),
      NOON,
      NOON + 12 * HOUR,
      by,
    );

  it('would allow until the hour that ends it, or for as long as is asked', async () => {
    expect(await until("approval.by != ''")).toBe(NOON + 12 * HOUR);
    expect(await until("approval.by != '' && time.hour < 18")).toBe(NOON + 6 * HOUR);
    expect(await until("approval.by != '' && time.hour < 9")).toBeUndefined();
  });

  it('is that of those whom the condition takes', async () => {
    const when = "approval.by in ['bob', 'carol']";
    expect(await until(when)).toBeDefined();
    expect(await until(when, 'bob')).toBeDefined();
    expect(await until(when, 'dave')).toBeUndefined();
  });

  it('counts where a second factor may come besides, and where nothing else is in the way', async () => {
    expect(await until("approval.by != '' && mfa.age < duration('15m')", 'bob')).toBeDefined();
    expect(await until("approval.by != '' && risk.score < 5", 'bob')).toBeUndefined();
  });

  it('is of all commands or of none', async () => {
    expect(await until("approval.by != ''", undefined, ['deploy x', 'deploy y'])).toBeDefined();
    expect(await until("approval.by != ''", undefined, ['deploy x', 'rm y'])).toBeUndefined();
  });
});
