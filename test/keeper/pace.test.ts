import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPace } from '../../src/keeper/pace.js';
import { admit, type KeeperScene, openKeeperScene, pairOf, pause, type TestPair } from '../helpers/keeper-scene.js';

describe('a door is told', () => {
  it('no more than it may leave unanswered; the rest in turn, and doors do not wait for each other', async () => {
    const pace = createPace(2);
    const [a, b] = [{}, {}];
    const order: string[] = [];
    expect([pace.enter(a), pace.enter(a), pace.enter(b)]).toEqual([undefined, undefined, undefined]);
    const third = pace.enter(a)?.then(() => order.push('third'));
    const fourth = pace.enter(a)?.then(() => order.push('fourth'));
    pace.leave(b);
    pace.leave(a);
    await third;
    expect(order).toEqual(['third']);
    pace.leave(a);
    await fourth;
    pace.leave(a);
    pace.leave(a);
    expect(pace.enter(a)).toBeUndefined();
  });
});

describe('changes that come faster than a door answers', () => {
  let k: KeeperScene;
  let pair: TestPair;
  const RISKY = `
p, in,      engineer, *, @login,   true, allow, checked
p, session, engineer, *, @session, "!has(risk.score) || risk.score < 95.0", allow, checked
g, daemon, engineer
`;
  beforeEach(async () => {
    k = await openKeeperScene(RISKY, 1);
    pair = pairOf(1);
  });
  afterEach(() => k.close());

  const told = () => pair.said.filter((m) => m.type === 'rights');
  const set = (score: number) =>
    k.authority.setFacts({ changes: [{ subject: 'daemon', facts: { 'risk.score': score } }], by: 'test' });
  const answer = (at: number) => {
    const m = told()[at];
    if (m?.type === 'rights') k.live.settled(m.sid, m.version, { outcome: 'changed', programs: 0 });
  };

  it('are one more message where its place was taken, with what is true then, and every change is settled', async () => {
    const login = (await k.login(pair)) ?? '';
    const sessions: string[] = [];
    for (let i = 0; i < 3; i += 1) {
      const answered = await k.say(admit(1, login), pair);
      if (answered?.type === 'admitted' && answered.session) sessions.push(answered.session.id);
    }
    for (const sid of sessions) {
      const session = k.parts.registry.get(sid);
      if (session) session.state = 'live';
    }
    const changes = [];
    for (const score of [10, 20, 30]) changes.push((await set(score)).change);
    await pause(20);
    expect(told()).toHaveLength(1);
    for (let at = 0; at < 4; at += 1) {
      answer(at);
      await pause(20);
    }
    const scores = told().map((m) => (m.type === 'rights' ? [sessions.indexOf(m.sid), m.rights.facts.risk.score] : []));
    expect(scores).toEqual([
      [0, 10],
      [1, 30],
      [2, 30],
      [0, 30],
    ]);
    for (const change of changes)
      expect((await k.live.settle(change)).map((e) => e.outcome)).toEqual(['changed', 'changed', 'changed']);
  });
});
