import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { routeDoor } from '../../../src/keeper/routes.js';
import type { Question } from '../../../src/policy/types.js';
import type { FromDoor, ToDoor } from '../../../src/wire/door.js';
import { fromDoor, toDoor } from '../../../src/wire/door.js';
import {
  KEEPER_POLICY,
  type KeeperScene,
  openKeeperScene,
  pairOf,
  pause,
  policyOf,
  type TestPair,
} from '../../helpers/keeper-scene.js';

const POLICY = `${KEEPER_POLICY}
p, deploy,  engineer, *, deploy **, "approval.by != '' && approval.by != 'mallory'", allow, checked
p, hour,    engineer, *, hourly **, "approval.by != '' && time.hour < 10", allow, checked
p, both,    engineer, *, wipe **, "approval.by != '' && mfa.age < duration('5m')", allow, checked
p, free,    engineer, *, free **, true, allow, checked
`;

let scene: KeeperScene;
let pair: TestPair;
let sid: string;
beforeEach(async () => {
  scene = await openKeeperScene(POLICY);
  pair = pairOf(1);
  sid = (await scene.admitted(pair)).id;
  session().state = 'live';
  scene.parts.watchdog.forget(session());
});
afterEach(() => scene.close());

function session() {
  const found = scene.parts.registry.get(sid);
  if (!found) throw new Error('no session');
  return found;
}

const run = (line: string): Question => ({
  kind: 'command',
  words: line.split(' ').map((text) => ({ text })),
  program: {
    path: `/usr/bin/${line.split(' ')[0]}`,
    names: [line.split(' ')[0] ?? ''],
    trustedNames: [line.split(' ')[0] ?? ''],
  },
});

let q = 100;
type Ask = Extract<FromDoor, { type: 'ask' }>;
const asking = (line: string, over: Partial<Ask> = {}): Ask => {
  q += 1;
  return {
    type: 'ask',
    q,
    sid,
    gate: 'line',
    text: line,
    remedies: ['approval'],
    questions: [run(line)],
    ...over,
  };
};
type Asked = Extract<ToDoor, { type: 'asked' }>;
async function ask(line: string, over = {}, by = pair): Promise<Asked> {
  const message = asking(line, over);
  expect(fromDoor.safeParse(message).success).toBe(true);
  routeDoor(message, by, scene.parts);
  const found = () => by.said.find((m): m is Asked => m.type === 'asked' && m.re === message.q);
  for (let i = 0; i < 400 && !found(); i += 1) await pause(5);
  const answer = found();
  if (!answer) throw new Error('no answer');
  return answer;
}
async function waiting(line = 'deploy x'): Promise<string> {
  const { id, refusal } = await ask(line);
  if (id === undefined) throw new Error(refusal);
  return id;
}
const answers = () => pair.said.filter((m) => m.type === 'answered');
const reviews = () => scene.parts.reviews;
async function answered(): Promise<Extract<ToDoor, { type: 'answered' }>> {
  for (let i = 0; i < 400 && answers().length === 0; i += 1) await pause(5);
  const [answer] = answers();
  if (answer?.type !== 'answered') throw new Error('nothing was answered');
  expect(toDoor.safeParse(answer).success).toBe(true);
  return answer;
}
const still = () => {};
async function approve(id: string, by = 'carol') {
  const taken = reviews().take(id, by);
  try {
    await taken.approve(still);
  } finally {
    taken.giveBack();
  }
}
const stateOf = (id: string) =>
  reviews()
    .list(true)
    .find((r) => r.id === id)?.state;
const audited = (event: string) => scene.audited().filter((e) => e.event === event);

describe('asking for an approval', () => {
  it('is written down before anybody can answer, and answered once', async () => {
    const id = await waiting();
    expect(audited('request')).toMatchObject([
      { session: sid, user: 'daemon', text: 'deploy x', data: { request: id } },
    ]);
    expect(reviews().list(false)).toMatchObject([{ id, text: 'deploy x', state: 'waiting' }]);
    await approve(id);
    expect(await answered()).toEqual({ type: 'answered', sid, id, ok: true, by: 'carol' });
    expect(() => reviews().take(id, 'bob')).toThrow(/was approved by carol at/);
    expect(answers()).toHaveLength(1);
  });

  it('is refused by the keeper’s own copy of the rights, whatever the door says', async () => {
    expect((await ask('rm x')).refusal).toContain('an approval would not allow it');
    expect((await ask('free x')).refusal).toContain('allowed without an approval now');
    // One of several that no approval helps is enough.
    expect((await ask('deploy x', { questions: [run('deploy x'), run('rm x')] })).refusal).toContain('would not allow');
    expect(reviews().list(true)).toEqual([]);
    expect(audited('request')).toEqual([]);
  });

  it('takes no question about a session of another door, none that is over, and none that is too big', async () => {
    expect((await ask('deploy x', {}, pairOf(2))).refusal).toBe('no such session');
    expect((await ask('deploy x', { sid: '01k00000000000000000000000' })).refusal).toBe('no such session');
    const words = Array.from({ length: 900 }, () => ({ text: 'x'.repeat(100) }));
    expect(fromDoor.safeParse(asking('x', { questions: [{ kind: 'command', words }] })).success).toBe(false);
    expect(fromDoor.safeParse(asking('x'.repeat(1_101))).success).toBe(false);
  });

  it('is bounded for a session', async () => {
    for (let i = 0; i < 4; i += 1) await waiting(`deploy ${i}`);
    expect((await ask('deploy more')).refusal).toContain('the most at once');
  });

  it('helps where a second factor is needed besides: the door sees to that one', async () => {
    const id = await waiting('wipe x');
    await approve(id);
    expect(await answered()).toMatchObject({ ok: true, by: 'carol' });
  });
});

describe('an approval', () => {
  it('of a person whom the condition refuses does not count, and another’s does', async () => {
    const id = await waiting();
    await expect(approve(id, 'mallory')).rejects.toThrow('the rules do not take an approval by mallory');
    expect(stateOf(id)).toBe('waiting');
    await approve(id, 'carol');
    expect(await answered()).toMatchObject({ ok: true, by: 'carol' });
  });

  it('is one person’s at a time', async () => {
    const id = await waiting();
    const taken = reviews().take(id, 'carol');
    expect(() => reviews().take(id, 'bob')).toThrow(/being answered by carol just now/);
    taken.giveBack();
    await approve(id, 'bob');
    await expect(taken.approve(still)).rejects.toThrow(/was approved by bob at/);
    expect(answers()).toHaveLength(1);
  });

  it('comes too late when the person has withdrawn, the session has ended, or time is up', async () => {
    const first = await waiting('deploy 1');
    const taken = reviews().take(first, 'carol');
    routeDoor({ type: 'withdraw', sid, id: first }, pair, scene.parts);
    await expect(taken.approve(still)).rejects.toThrow(/was withdrawn at .*: nothing to decide/);
    const second = await waiting('deploy 2');
    const late = reviews().take(second, 'carol');
    scene.clock.advance(600_000);
    await expect(late.approve(still)).rejects.toThrow(/expired at/);
    const third = await waiting('deploy 3');
    const dead = reviews().take(third, 'carol');
    await scene.endings.finish(session(), { cause: 'exit' });
    await expect(dead.approve(still)).rejects.toThrow(/session has ended/);
    expect([first, second, third].map(stateOf)).toEqual(['withdrawn', 'expired', 'withdrawn']);
    expect(answers().some((m) => m.type === 'answered' && m.ok)).toBe(false);
  });

  it('is no other door’s to withdraw', async () => {
    const id = await waiting();
    routeDoor({ type: 'withdraw', sid, id }, pairOf(2), scene.parts);
    await pause(20);
    expect(stateOf(id)).toBe('waiting');
  });
});

describe('what waits', () => {
  it('ends by itself after the configured time, in the audit log before the door hears of it', async () => {
    const id = await waiting();
    scene.clock.advance(599_999);
    await pause(20);
    expect(stateOf(id)).toBe('waiting');
    scene.clock.advance(1);
    expect(await answered()).toMatchObject({ id, ok: false, why: 'nobody answered in time' });
    expect(audited('request-expired')).toMatchObject([{ data: { request: id } }]);
  });

  it('is refused when a change of rules makes an approval useless', async () => {
    const id = await waiting();
    const deny = 'p, frozen, *, *, deploy **, true, deny, checked\n';
    await scene.authority.setPolicy(policyOf(POLICY + deny, scene.config));
    expect(await answered()).toMatchObject({ id, ok: false, why: 'an approval would not allow it' });
    expect(audited('refuse')).toMatchObject([{ data: { request: id } }]);
  });

  it('is refused when it is allowed without an approval', async () => {
    await waiting();
    const allow = 'p, now, engineer, *, deploy **, true, allow, checked\n';
    await scene.authority.setPolicy(policyOf(POLICY + allow, scene.config));
    expect(await answered()).toMatchObject({ ok: false, why: expect.stringContaining('run it again') });
  });

  it('is refused when its user is locked, and is nobody’s to approve', async () => {
    const id = await waiting();
    session().state = 'reserved';
    await scene.authority.lock({ kind: 'user', subject: 'daemon', reason: 'lost laptop', by: 'carol' });
    await expect(async () => approve(id)).rejects.toThrow(/locked: lost laptop|was refused/);
    expect(await answered()).toMatchObject({ ok: false, why: 'daemon: locked: lost laptop' });
  });

  it('is refused at the hour from which an approval would not help', async () => {
    scene.authority.setConfig({ ...scene.config });
    // It is nine; the rule holds until ten.
    const parts = scene.parts.reviews;
    const id = await waiting('hourly x');
    expect(parts.list(false)[0]?.expiresAt).toBe(scene.clock.now() + 600_000);
    scene.clock.jumpWall(3_600_000 - 300_000);
    await scene.authority.setConfig({ ...scene.config });
    await pause(50);
    expect(stateOf(id)).toBe('expired');
    const again = await waiting('hourly y');
    scene.clock.advance(299_000);
    await pause(20);
    expect(stateOf(again)).toBe('waiting');
    scene.clock.advance(1_000);
    for (let i = 0; i < 200 && stateOf(again) === 'waiting'; i += 1) await pause(5);
    expect(stateOf(again)).toBe('refused');
  });

  it('keeps a reservation from being given up while a person is waited for', async () => {
    session().state = 'reserved';
    const id = await waiting();
    scene.clock.advance(300_000);
    await pause(20);
    expect(session().ordered).toBeUndefined();
    await approve(id);
    scene.clock.advance(31_000);
    for (let i = 0; i < 200 && session().ordered === undefined; i += 1) await pause(5);
    expect(session().ordered).toMatchObject({ cause: 'crashed' });
    await scene.clock.advanceAsync(2_000);
  });

  it('is decided anew once however many changes come at once', async () => {
    const ids = [await waiting('deploy 1'), await waiting('deploy 2')];
    for (let i = 0; i < 50; i += 1) await scene.authority.setConfig({ ...scene.config });
    await scene.authority.setPolicy(policyOf(KEEPER_POLICY, scene.config));
    for (let i = 0; i < 400 && answers().length < 2; i += 1) await pause(5);
    expect(ids.map(stateOf)).toEqual(['refused', 'refused']);
    expect(answers()).toHaveLength(2);
  });
});

/** What is asked, and then this: so that each was there. */
const after = (what: string) =>
  ['ask', 'rules', what, 'rules'].map((each) => ({ what: each, who: 'bob', which: each === 'rules' ? 1 : 0 }));

it('whatever happens and in whatever order, a door hears one answer at most, and a yes only of what waited', async () => {
  const step = fc.record({
    what: fc.constantFrom<string>('ask', 'approve', 'refuse', 'withdraw', 'wait', 'rules', 'lock'),
    who: fc.constantFrom<string>('bob', 'carol'),
    which: fc.nat(3),
  });
  const became: Record<string, number> = {};
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 25 }), async (steps) => {
      const ids: string[] = [];
      sid = (await scene.admitted(pair)).id;
      session().state = 'live';
      scene.parts.watchdog.forget(session());
      const frozen = `${POLICY}p, frozen, *, *, deploy **, true, deny, checked\n`;
      const acts: Record<string, (id: string, who: string, which: number) => Promise<unknown>> = {
        ask: async (_id, _who, which) => ids.push(await waiting(`deploy ${which}`)),
        approve: (id, who) => approve(id, who),
        refuse: async (id, who) => reviews().take(id, who).refuse('no'),
        withdraw: async (id) => routeDoor({ type: 'withdraw', sid, id }, pair, scene.parts),
        wait: async () => scene.clock.advance(300_000),
        rules: (_id, _who, which) => scene.authority.setPolicy(policyOf(which === 0 ? frozen : POLICY, scene.config)),
        lock: async (_id, _who, which) => {
          if (which > 0) return;
          const { lock } = await scene.authority.lock({ kind: 'everyone', reason: 'x', by: 'root' });
          await scene.authority.unlock(lock.id, 'root');
        },
      };
      // Two at a time, so that they meet.
      for (let at = 0; at < steps.length; at += 2)
        await Promise.allSettled(
          steps
            .slice(at, at + 2)
            .map(async ({ what, who, which }) => acts[what]?.(ids.at(-1 - which) ?? '', who, which)),
        );
      scene.clock.advance(600_000);
      for (let i = 0; i < 400 && reviews().list(false).length > 0; i += 1) await pause(2);
      for (const id of ids) {
        const heard = answers().filter((m) => m.type === 'answered' && m.id === id);
        expect(heard.length).toBeLessThanOrEqual(1);
        const yes = heard.some((m) => m.type === 'answered' && m.ok);
        expect(yes).toBe(stateOf(id) === 'approved');
        became[stateOf(id) ?? ''] = (became[stateOf(id) ?? ''] ?? 0) + 1;
      }
      await scene.authority.setPolicy(policyOf(POLICY, scene.config));
      const left = scene.parts.registry.get(sid);
      if (left) await scene.endings.finish(left, { cause: 'exit' });
    }),
    { numRuns: 40, examples: ['approve', 'withdraw'].map((what) => [after(what)]) },
  );
  expect(Object.keys(became)).toEqual(expect.arrayContaining(['approved', 'withdrawn']));
}, 120_000);
