import { afterEach, describe, expect, it } from 'vitest';
import { routeDoor, routeGuard } from '../../src/keeper/routes.js';
import {
  admit,
  KEEPER_POLICY,
  type KeeperScene,
  openKeeperScene,
  pairOf,
  pause,
  policyOf,
} from '../helpers/keeper-scene.js';

let scene: KeeperScene;
afterEach(() => scene.close());

/** Compiling so many rules takes turns of the event loop. */
const MANY = Array.from({ length: 1_000 }, (_, i) => `p, r${i}, engineer, *, prog-${i} **, true, allow, checked`).join(
  '\n',
);

async function settled(look: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !look(); i += 1) await pause(5);
}

const sessionOf = (sid: string) => scene.parts.registry.get(sid);

describe('a session that starts', () => {
  it('is not admitted on rights that went while they were compiled', async () => {
    scene = await openKeeperScene();
    const pair = pairOf(1);
    const login = (await scene.login(pair)) ?? '';
    await scene.authority.setPolicy(policyOf(`${KEEPER_POLICY}${MANY}`, scene.config));
    const answer = scene.say(admit(1, login), pair);
    // The compiler is at work by now.
    await scene.authority.setPolicy(policyOf('p, in, engineer, *, @login, true, allow, checked\n', scene.config));
    expect(await answer).toMatchObject({ refusal: 'denied: @session (no rule allows it)' });
    expect(scene.parts.registry.size()).toBe(0);
  });

  it('is not admitted for a connection that closed meanwhile', async () => {
    scene = await openKeeperScene();
    const pair = pairOf(1);
    const login = (await scene.login(pair)) ?? '';
    await scene.authority.setPolicy(policyOf(`${KEEPER_POLICY}${MANY}`, scene.config));
    const answer = scene.say(admit(1, login), pair);
    routeDoor({ type: 'closed', conn: 1 }, pair, scene.parts);
    expect(await answer).toMatchObject({ refusal: 'not logged in' });
  });

  it('gives its place back when its door never says go', async () => {
    scene = await openKeeperScene();
    const { id } = await scene.admitted(pairOf(1));
    await scene.clock.advanceAsync(32_000);
    await settled(() => sessionOf(id) === undefined);
    expect(sessionOf(id)).toBeUndefined();
    expect(scene.audited().at(-1)).toMatchObject({ event: 'session-end', session: id, cause: 'crashed' });
  });

  it('is over when the guard could not launch it, whether its door says so or not', async () => {
    scene = await openKeeperScene();
    const pair = pairOf(1);
    const { id } = await scene.admitted(pair);
    routeDoor({ type: 'go', sid: id }, pair, scene.parts);
    await settled(() => pair.ordered.length > 0);
    routeGuard({ type: 'failed', sid: id, message: 'no bwrap' }, pair, scene.parts);
    await settled(() => sessionOf(id) === undefined);
    expect(scene.audited().at(-1)).toMatchObject({ event: 'session-end', cause: 'crashed', reason: 'no bwrap' });
  });

  const CALM = 'p, calm, engineer, *, touch **, risk.score < 50.0, allow, checked\n';
  const risk = (score: number) =>
    scene.authority.setFacts({ changes: [{ subject: 'daemon', facts: { 'risk.score': score } }], by: 'test' });

  it('starts under the rights of now, which its door has first, however often they change meanwhile', async () => {
    scene = await openKeeperScene(`${KEEPER_POLICY}${CALM}`);
    const pair = pairOf(1);
    const { id } = await scene.admitted(pair);
    let changes = 0;
    const moved = () => {
      changes += 1;
      return risk(changes);
    };
    const { toDoor } = pair;
    pair.toDoor = (message) => {
      if (message.type === 'rights') {
        expect(pair.ordered).toEqual([]);
        const answer = { type: 'settled', sid: id, version: message.version, outcome: 'changed' } as const;
        // A door that answers, and facts that have moved on by then.
        void (changes < 10 ? moved() : Promise.resolve()).then(() => routeDoor(answer, pair, scene.parts));
      }
      return toDoor(message);
    };
    await moved();
    routeDoor({ type: 'go', sid: id }, pair, scene.parts);
    await settled(() => pair.ordered.length > 0);
    expect(pair.ordered).toMatchObject([{ type: 'launch', sid: id }]);
    const told = pair.said.flatMap((m) => (m.type === 'rights' ? [m.rights.facts.risk.score] : []));
    expect(told).toHaveLength(10);
    expect(told.at(-1)).toBe(10);
  });

  it('does not start when the rights of now do not let it, or its door will not have it', async () => {
    scene = await openKeeperScene(`${KEEPER_POLICY}${CALM}`);
    const pair = pairOf(1);
    const first = await scene.admitted(pair);
    await scene.authority.setPolicy(policyOf('p, in, engineer, *, @login, true, allow, checked\n', scene.config));
    routeDoor({ type: 'go', sid: first.id }, pair, scene.parts);
    await settled(() => pair.said.some((m) => m.type === 'end'));
    expect(pair.said.at(-1)).toMatchObject({ type: 'end', reason: 'denied: @session (no rule allows it)' });
    await scene.authority.setPolicy(policyOf(`${KEEPER_POLICY}${CALM}`, scene.config));
    const second = await scene.admitted(pair);
    await risk(10);
    routeDoor({ type: 'go', sid: second.id }, pair, scene.parts);
    await settled(() => pair.said.some((m) => m.type === 'rights'));
    await scene.clock.advanceAsync(1_200);
    await settled(() => pair.said.at(-1)?.type === 'end');
    expect(pair.said.at(-1)).toMatchObject({ type: 'end', sid: second.id });
    expect(pair.ordered).not.toContainEqual(expect.objectContaining({ type: 'launch' }));
  });

  it('leaves no mark of life when it ends before the mark is made', async () => {
    scene = await openKeeperScene();
    const pair = pairOf(1);
    const { id } = await scene.admitted(pair);
    let made = () => {};
    scene.markDelay = new Promise((resolve) => {
      made = resolve;
    });
    routeDoor({ type: 'go', sid: id }, pair, scene.parts);
    routeDoor({ type: 'ended', sid: id, cause: 'disconnected', status: '', commands: 0, denied: 0 }, pair, scene.parts);
    await pause(50);
    made();
    await settled(() => scene.marks.length === 2);
    expect(scene.marks).toEqual([`marked ${id}`, `cleared ${id}`]);
    expect(scene.audited().map((e) => e.event)).not.toContain('session-start');
    expect(pair.ordered).toEqual([]);
  });
});

describe('a session whose processes are gone', () => {
  it('is written down when its door does not say how it ended', async () => {
    scene = await openKeeperScene();
    const pair = pairOf(1);
    const { id } = await scene.admitted(pair);
    const session = sessionOf(id);
    if (session) session.state = 'live';
    routeGuard({ type: 'gone', sid: id }, pair, scene.parts);
    await scene.clock.advanceAsync(41_000);
    await settled(() => sessionOf(id) === undefined);
    expect(scene.audited().at(-1)).toMatchObject({ event: 'session-end', cause: 'crashed' });
  });
});
