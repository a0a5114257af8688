import { expect, it } from 'vitest';
import type { RightsData } from '../../src/policy/types.js';
import { createLiveRights, SESSION_QUESTION } from '../../src/session/index.js';
import { FACTS, NOON, rightsData } from '../policy/helpers.js';

const IN = 'p, in, eng, *, @session, risk.score < 50.0, allow, checked\n';
const MANY = Array.from({ length: 1_000 }, (_, i) => `p, m${i}, eng, *, many-${i} **, true, allow, checked`).join('\n');
const OUT = `p, out, eng, *, @session, risk.score > 50.0, allow, checked\n${MANY}`;

const facts = (score: number) => ({ facts: { ...FACTS, risk: { score } } });
const withoutRules = ({ rows: _, model: _m, labels: _l, ...rest }: RightsData) => rest;

it('new facts without rules go by the rules that came before them, in force yet or not', async () => {
  const live = await createLiveRights(rightsData(IN, facts(10)), 1);
  const allowed = () => live.decide(SESSION_QUESTION, NOON).allow;
  expect(allowed()).toBe(true);
  expect(await live.replace(withoutRules(rightsData(IN, facts(60))), 2)).toBe(true);
  expect(allowed()).toBe(false);
  // Many rules take turns of the event loop to compile; the facts that follow them take none.
  const rules = live.replace(rightsData(OUT, facts(10)), 3);
  const after = live.replace(withoutRules(rightsData(OUT, facts(60))), 4);
  expect([await rules, await after]).toContain(true);
  expect(allowed()).toBe(true);
  expect(live.current().data.rows).toHaveLength(1_001);
  expect(live.current().data.facts.risk.score).toBe(60);
});
