import { describe, expect, it } from 'vitest';
import type { BaseFacts, Rights, RightsData } from '../../src/policy/types.js';
import { createRightsNews } from '../../src/session/rights-news.js';
import { FakeClock } from '../helpers/fake-clock.js';
import { FACTS, rights } from '../policy/helpers.js';

const POLICY = `
p, calm,  eng, *, touch **, risk.score < 50.0,                     allow, checked
p, risky, *,   *, rm **,    risk.score > 70.0,                     deny,  checked
p, day,   eng, *, make **,  time.hour >= 7 && time.hour < 20,      allow, checked
p, more,  sre, *, kubectl *, true,                                 allow, checked
p, fresh, eng, *, ln **,    session.age < duration('1h'),          allow, checked
`;
const ENG = { role: 'eng', target: '*', via: 'policy' };

/** Somebody whose rights a test replaces, and what they are told. */
async function person(policy = POLICY) {
  const clock = new FakeClock(Date.parse('2026-11-23T12:00:00Z'));
  const build = (facts: Partial<BaseFacts>, over: Partial<RightsData> = {}) =>
    rights(policy, { facts: { ...FACTS, startedAt: clock.now(), ...facts }, holdings: [ENG], ...over });
  let current: Rights = await build({ risk: { score: 10 } });
  const told: string[] = [];
  const news = createRightsNews(
    clock,
    () => current,
    (text) => told.push(text.replace('sallyport: your rights changed: ', '')),
  );
  const use = async (facts: Partial<BaseFacts>, over: Partial<RightsData> = {}) => {
    current = await build(facts, over);
    news.replaced(false);
  };
  return { clock, told, news, use };
}

describe('whoever is in a session', () => {
  it('is told which fact moved their rights, and nothing of facts that moved none', async () => {
    const p = await person();
    await p.use({ risk: { score: 40 } });
    await p.use({ risk: { score: 40 }, device: { managed: true } });
    expect(p.told).toEqual([]);
    await p.use({ risk: { score: 80 } });
    expect(p.told).toEqual(['risk.score is now 80']);
    p.news.close();
  });

  it('is told that a fact is gone, and of roles', async () => {
    const p = await person();
    await p.use({});
    p.clock.advance(5_000);
    await p.use({}, { holdings: [ENG, { role: 'sre', target: '*', via: 'grant' }] });
    p.clock.advance(5_000);
    await p.use({});
    expect(p.told).toEqual([
      'risk.score is not known any more',
      'you hold role sre now',
      'you do not hold role sre any more',
    ]);
    p.news.close();
  });

  it('is told once in five seconds, of where it ended, and of nothing when it came back', async () => {
    const p = await person();
    await p.use({ risk: { score: 60 } });
    for (const score of [10, 90, 10, 95]) await p.use({ risk: { score } });
    expect(p.told).toEqual(['risk.score is now 60']);
    p.clock.advance(5_000);
    expect(p.told).toEqual(['risk.score is now 60', 'risk.score is now 95']);
    await p.use({ risk: { score: 10 } });
    await p.use({ risk: { score: 95 } });
    p.clock.advance(60_000);
    expect(p.told).toHaveLength(2);
    p.news.close();
  });

  it('is told when the hour moves them, and their age', async () => {
    const p = await person();
    await p.use({ risk: { score: 10 }, startedAt: p.clock.now() });
    p.clock.advance(3_600_000);
    p.news.tick();
    expect(p.told).toEqual(['session.age is now 3600s']);
    p.clock.advance(7 * 3_600_000);
    p.news.tick();
    expect(p.told[1]).toBe('time.hour is now 20');
    p.news.close();
  });

  it('is told the time of day where a moment of the rules has come, and only the fact where one tells', async () => {
    const p = await person(`
p, until, eng, *, dd **, time.now < timestamp('2026-11-24T00:30:00Z'), allow, checked
p, both,  eng, *, cp **, time.now < timestamp('2026-11-25T00:00:00Z') && risk.score < 50.0, allow, checked
`);
    p.clock.advance(12 * 3_600_000 + 30 * 60_000);
    p.news.tick();
    expect(p.told).toEqual(['it is 2026-11-24 00:30 UTC now']);
    p.clock.advance(5_000);
    await p.use({ risk: { score: 75 } });
    expect(p.told.slice(1)).toEqual(['risk.score is now 75']);
    p.news.close();
  });

  it('is told nothing terrible by a fact that a feed made up', async () => {
    const p = await person();
    const bad = (team: string) => ({ user: { team } }) as Partial<BaseFacts>;
    const clock = new FakeClock(Date.parse('2026-11-23T12:00:00Z'));
    const text = "p, t, eng, *, touch **, user.team == 'a', allow, checked";
    let current = await rights(text, { facts: { ...FACTS, ...bad('a') } });
    const told: string[] = [];
    const news = createRightsNews(
      clock,
      () => current,
      (line) => told.push(line),
    );
    current = await rights(text, { facts: { ...FACTS, ...bad(`\u001b]0;x\u0007${'y'.repeat(500)}`) } });
    news.replaced(false);
    expect(told[0]).toMatch(/^sallyport: your rights changed: user.team is now \\e\]0;x\\x07y+…$/);
    expect(told[0]?.length).toBeLessThan(150);
    news.close();
    p.news.close();
  });
});
