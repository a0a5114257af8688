import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { routeDoor } from '../../src/keeper/routes.js';
import {
  KEEPER_POLICY,
  type KeeperScene,
  openKeeperScene,
  pairOf,
  pause,
  policyOf,
  type TestPair,
} from '../helpers/keeper-scene.js';

const MANY = Array.from({ length: 1_000 }, (_, i) => `p, m${i}, engineer, *, many-${i} **, true, allow, checked`).join(
  '\n',
);
const FEW = 'p, few, engineer, *, few **, true, allow, checked\n';

let scene: KeeperScene;
let pair: TestPair;
let sid: string;
beforeEach(async () => {
  scene = await openKeeperScene();
  pair = pairOf(1);
  sid = (await scene.admitted(pair)).id;
  const session = scene.parts.registry.get(sid);
  if (session) session.state = 'live';
});
afterEach(() => scene.close());

const told = () => pair.said.filter((m) => m.type === 'rights');
async function until(look: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !look(); i += 1) await pause(5);
  expect(look()).toBe(true);
}
const answer = (version: number, outcome: 'changed' | 'ended') =>
  routeDoor({ type: 'settled', sid, version, outcome, cause: 'revoked' }, pair, scene.parts);

describe('changes of rights', () => {
  it('that take long to compile never replace later ones', async () => {
    const first = await scene.authority.setPolicy(policyOf(`${KEEPER_POLICY}${MANY}`, scene.config));
    const second = await scene.authority.setPolicy(policyOf(`${KEEPER_POLICY}${FEW}`, scene.config));
    await until(() => told().length > 0);
    await pause(100);
    expect(told()).toHaveLength(1);
    expect(scene.parts.registry.get(sid)?.rights.rows.map((r) => r.id)).toContain('few');
    const effects = Promise.all([first, second].map((done) => scene.live.settle(done.change)));
    answer(second.change.version, 'changed');
    // Whoever asked for the earlier one hears of the session as well.
    expect(await effects).toMatchObject([[{ id: sid, outcome: 'changed' }], [{ id: sid, outcome: 'changed' }]]);
  });

  it('carry rules to the door only where those are others than it has', async () => {
    const risk = (score: number) =>
      scene.authority.setFacts({ changes: [{ subject: 'daemon', facts: { 'risk.score': score } }], by: 'test' });
    const shown = () => told().map(({ rights }) => [rights.rows?.length, rights.facts.risk.score]);
    const settle = async () => {
      const count = told().length + 1;
      await until(() => told().length === count);
      answer(told().at(-1)?.version ?? 0, 'changed');
    };
    for (const change of [
      () => risk(1),
      () => scene.authority.setPolicy(policyOf(`${KEEPER_POLICY}${FEW}`, scene.config)),
      () => risk(2),
    ]) {
      const settled = settle();
      await change();
      await settled;
    }
    expect(shown()).toEqual([
      [undefined, 1],
      [3, 1],
      [undefined, 2],
    ]);
  });

  it('that ended a session are said to have ended it', async () => {
    const { change } = await scene.authority.setPolicy(policyOf(`${KEEPER_POLICY}${FEW}`, scene.config));
    await until(() => told().length > 0);
    const effects = scene.live.settle(change);
    routeDoor({ type: 'ended', sid, cause: 'revoked', status: '', commands: 0, denied: 0 }, pair, scene.parts);
    answer(change.version, 'ended');
    expect(await effects).toMatchObject([{ id: sid, outcome: 'ended', cause: 'revoked' }]);
  });

  it('are not believed to have ended what goes on', async () => {
    const { change } = await scene.authority.setPolicy(policyOf(`${KEEPER_POLICY}${FEW}`, scene.config));
    await until(() => told().length > 0);
    const effects = scene.live.settle(change);
    answer(change.version, 'ended');
    await scene.clock.advanceAsync(1_200);
    expect(await effects).toMatchObject([{ id: sid, outcome: 'ended' }]);
    // No descriptor of a process here: the guard is told to end it.
    expect(pair.ordered).toContainEqual({ type: 'end', sid });
  });

  it('that cannot be handed over end the session, and the keeper goes on', async () => {
    pair.toDoor = (message) => {
      if (message.type === 'rights') throw new RangeError('message of 20000000 bytes, at most 16777216');
      return pair.said.push(message) > 0;
    };
    const { change } = await scene.authority.setPolicy(policyOf(`${KEEPER_POLICY}${FEW}`, scene.config));
    await until(() => pair.said.some((m) => m.type === 'end'));
    await scene.clock.advanceAsync(1_200);
    expect(await scene.live.settle(change)).toMatchObject([{ id: sid, outcome: 'ended', cause: 'crashed' }]);
  });
});
