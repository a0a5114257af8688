import { describe, expect, it } from 'vitest';
import {
  type BaseFacts,
  type Decision,
  explainDecision,
  phraseDenied,
  type Question,
  renderExplanation,
} from '../../src/policy/index.js';
import { FACTS, NOON, policy, rights, run } from './helpers.js';

const text = `p, eng, eng, *, ls **, true, allow, checked
p, sre, sre, *, restart *, true, allow, checked
p, web, eng, web*, restart *, true, allow, checked
p, two, sre, web*, restart *, true, allow, checked
p, risk, eng, *, restart *, has(risk.score) && risk.score < 50.0, allow, trusted
p, wipe, *, *, rm **, true, deny, checked
p, night, *, *, ls **, time.hour < 6, deny, checked
p, in, eng, *, @session, true, allow, checked
`;

async function explain(question: Question) {
  return explainDecision({ policy: policy(text), rights: await rights(text), question, atMs: NOON });
}

describe('explain', () => {
  it('names the rule, and the rules that fail in exactly one column', async () => {
    const { decision, near, subject } = await explain(run('restart x'));
    expect(subject).toBe('restart x');
    expect(decision).toMatchObject({ allow: false, why: 'no-rule' });
    expect(near.map(({ id, fails }) => `${id} ${fails}`)).toEqual([
      'sre role',
      'web target',
      'risk when',
      'eng command',
      'wipe command',
    ]);
  });

  it('says what would change it', async () => {
    const { near } = await explain(run('restart x'));
    const change = (id: string) => near.find((rule) => rule.id === id)?.change;
    expect(change('sre')).toBe('a grant of role sre would');
    expect(change('web')).toBe('it is for targets web*');
    expect(change('risk')).toContain('risk.score unknown');
    expect(near.find((rule) => rule.id === 'sre')).toMatchObject({ file: 'p.csv', line: 2, effect: 'allow' });
  });

  it('of what is allowed tells what nearly forbids it, with the facts of now', async () => {
    const { near } = await explain(run('ls'));
    expect(near[0]).toMatchObject({
      id: 'night',
      effect: 'deny',
      fails: 'when',
      change: 'its condition is false: time.hour < 6 (time.hour 12)',
    });
  });

  it('does not show people the rules about other programs, which are most of them', async () => {
    const text = renderExplanation(await explain(run('restart x')));
    expect(text).toContain('sre (p.csv:2');
    expect(text).not.toMatch(/wipe|eng \(/);
  });

  it('keeps actions and commands apart', async () => {
    const { near } = await explain({ kind: 'action', action: '@login' });
    expect(near.map(({ id }) => id)).toEqual(['in']);
  });

  it('reads well, and survives JSON', async () => {
    const explanation = await explain(run('rm x'));
    expect(renderExplanation(explanation).split('\n').slice(0, 2)).toEqual([
      'deny: alice on db1: rm x',
      '  denied by rule wipe (p.csv:6)',
    ]);
    expect(JSON.parse(JSON.stringify(explanation))).toEqual(explanation);
  });
});

const changes = `p, sre, sre, *, restart *, true, allow, checked
p, dba, dba, *, restart *, true, allow, checked
p, no-dba, dba, *, restart *, true, deny, checked
p, risk, eng, *, restart *, risk.score < 50.0, allow, trusted
p, night, eng, *, restart *, time.hour >= 18, allow, checked
p, own, eng, *, restart *, device.managed && time.hour < 24, allow, checked
p, ls, eng, *, ls, true, allow, checked
p, abroad, *, *, ls, source.country != 'DE', deny, checked
p, in, eng, *, id, has(risk.score) || target.sensitivity == 2, allow, checked
`;

describe('what would change an answer', () => {
  const explained = async (command: string, facts: Partial<BaseFacts> = {}) =>
    explainDecision({
      policy: policy(changes),
      rights: await rights(changes, { facts: { ...FACTS, ...facts } }),
      question: run(command),
      atMs: NOON,
      whyMissing: (fact) => (fact === 'risk.score' ? 'feed \u001brisk stale' : undefined),
    });

  it('is a grant, a fact and an hour, each with what to do', async () => {
    expect((await explained('restart x')).changes).toEqual([
      {
        by: 'grant',
        words: 'a grant of role sre would allow it: sallyport grant alice --role sre --target db1 --for 1h --reason …',
      },
      { by: 'facts', words: 'risk would, with risk.score < 50.0' },
      { by: 'hour', words: 'night would, from 18:00 UTC' },
      { by: 'facts', words: 'own would, with device.managed' },
    ]);
  });

  it('names the facts that are missing, and why nobody knows them', async () => {
    const explanation = await explained('restart x');
    expect(explanation.missing).toEqual([
      { fact: 'device.managed' },
      { fact: 'risk.score', why: 'feed \\erisk stale' },
    ]);
    const text = renderExplanation(explanation);
    expect(text).toContain('\n  fact device.managed is missing\n  fact risk.score is missing: feed \\erisk stale\n');
    expect(text).toContain('risk (p.csv:4, allow) fails on when: its condition cannot be told: risk.score < 50.0');
    expect((await explained('restart x', { risk: { score: 80 } })).missing).toEqual([{ fact: 'device.managed' }]);
  });

  it('of a deny that holds because a fact is missing says so', async () => {
    const explanation = await explained('ls');
    expect(explanation.missing).toEqual([{ fact: 'source.country' }]);
    expect(renderExplanation(explanation).split('\n').slice(0, 5)).toEqual([
      'deny: alice on db1: ls',
      '  denied by rule abroad (p.csv:8)',
      "  its condition cannot be told: source.country != 'DE' (source.country unknown)",
      "  abroad does so while source.country != 'DE'",
      '  fact source.country is missing',
    ]);
  });

  it('is no grant where a rule denies', async () => {
    expect((await explained('ls')).changes.map(({ by }) => by)).toEqual(['lapse']);
  });

  it('is nothing of what is allowed, with the facts it hangs on', async () => {
    const explanation = await explained('id');
    expect(explanation).toMatchObject({ changes: [], decision: { allow: true } });
    expect(renderExplanation(explanation).split('\n')[2]).toBe(
      '  its condition holds: has(risk.score) || target.sensitivity == 2 (risk.score unknown, target.sensitivity 2)',
    );
  });
});

describe('the words of a refusal', () => {
  const rule = { id: 'no-wipe', effect: 'deny' as const, file: 'p', line: 1 };
  const denied = (why: Decision['why'], more: Partial<Decision> = {}): Decision => ({
    allow: false,
    why,
    children: 'none',
    ...more,
  });
  it.each([
    [phraseDenied('rm -r x', denied('rule', { rule })), 'sallyport: denied: rm -r x (no-wipe: denied by rule)'],
    [phraseDenied('id', denied('no-rule')), 'sallyport: denied: id (no rule allows it)'],
    [
      phraseDenied('rm x', denied('rule', { rule }), 'make all'),
      'sallyport: denied: rm x, started by make all (no-wipe: denied by rule)',
    ],
    [
      phraseDenied('id', denied('children')),
      'sallyport: denied: id (no rule allows it: its parent may start no program)',
    ],
    [phraseDenied('id', denied('error', { detail: 'secret' })), 'sallyport: denied: id (no decision could be reached)'],
  ])('%s', (line, expected) => expect(line).toBe(expected));

  it('are one safe line, cut at 200 characters', () => {
    const line = phraseDenied(`a\u001b[2J\n${'x'.repeat(1000)}`, denied('no-rule'), `b\r${'y'.repeat(1000)}`);
    expect(line).not.toMatch(/[\u0000-\u001f]/);
    expect(line.length).toBeLessThan(500);
    expect(line).toContain('a\\e[2J\\n');
  });
});

describe('what a person can bring', () => {
  const rules = `p, mfa, eng, *, restart *, mfa.age < duration('15m'), allow, checked
p, four, eng, *, drop *, approval.by != '', allow, checked
p, both, eng, *, wipe *, "mfa.age < duration('15m') && approval.by != ''", allow, checked
p, stale, *, *, purge *, mfa.age > duration('1h'), deny, checked
p, purge, eng, *, purge *, true, allow, checked
`;
  it.each([
    ['restart x', 'a fresh second factor would allow it'],
    ['drop x', "another person's approval would allow it"],
    ['wipe x', "a fresh second factor and another person's approval would allow it"],
    ['purge x', 'a fresh second factor would allow it'],
  ])('%s: %s', async (command, words) => {
    const input = { policy: policy(rules), rights: await rights(rules), question: run(command), atMs: NOON };
    expect(renderExplanation(explainDecision(input))).toContain(words);
  });

  it('is said only where it would do', async () => {
    const input = { policy: policy(rules), rights: await rights(rules), question: run('other x'), atMs: NOON };
    expect(explainDecision(input).remedies).toBeUndefined();
  });
});
