import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newId } from '../../src/core/ids.js';
import { routeDoor, routeDown } from '../../src/keeper/routes.js';
import { fromDoor } from '../../src/wire/door.js';
import {
  admit,
  identity,
  type KeeperScene,
  openKeeperScene,
  pairOf,
  pause,
  policyOf,
} from '../helpers/keeper-scene.js';

let scene: KeeperScene;
beforeEach(async () => {
  scene = await openKeeperScene();
});
afterEach(() => scene.close());

describe('a door that lies', () => {
  it('logs nobody in without a signature of theirs over a request of theirs', async () => {
    const pair = pairOf(1);
    const stranger = identity();
    expect(await scene.login(pair, stranger.proof(1, 'daemon'))).toBeUndefined();
    const other = scene.daemon.proof(1, 'daemon');
    expect(await scene.login(pair, { ...other, name: 'root' })).toBeUndefined();
    expect(await scene.login(pair, { ...other, signature: stranger.proof(1, 'daemon').signature })).toBeUndefined();
    expect(await scene.login(pair, other)).toMatch(/^[0-9a-z]{26}$/);
  });

  it('cannot use a signature twice', async () => {
    const proof = scene.daemon.proof(1, 'daemon');
    expect(await scene.login(pairOf(1), proof)).toBeTruthy();
    expect(await scene.login(pairOf(1), proof)).toBeUndefined();
  });

  it('cannot use a login of another door, of another connection, or one that it made up', async () => {
    const [one, two] = [pairOf(1), pairOf(2)];
    const id = (await scene.login(one)) ?? '';
    expect(await scene.say(admit(1, id), two)).toMatchObject({ type: 'admitted', refusal: 'not logged in' });
    expect(await scene.say(admit(2, id), one)).toMatchObject({ type: 'admitted', refusal: 'not logged in' });
    expect(await scene.say(admit(1, newId()), one)).toMatchObject({ type: 'admitted', refusal: 'not logged in' });
    expect(scene.parts.registry.size()).toBe(0);
  });

  it('cannot answer for what runs in a session of another door; and one that says nothing is waited for a moment only', async () => {
    const [one, two] = [pairOf(1), pairOf(2)];
    const answer = await scene.say(admit(1, (await scene.login(one)) ?? ''), one);
    const sid = answer?.type === 'admitted' ? (answer.session?.id ?? '') : '';
    const session = scene.parts.registry.get(sid);
    if (!session) throw new Error('no session');
    const ask = () => {
      const tree = scene.parts.trees.of(session);
      const asked = one.said.at(-1);
      return { tree, re: asked?.type === 'tree' ? asked.q : -1 };
    };
    const first = ask();
    routeDoor({ type: 'tree', re: first.re, processes: [], more: 7 }, two, scene.parts);
    routeDoor({ type: 'tree', re: first.re, processes: [], more: 1 }, one, scene.parts);
    expect(await first.tree).toEqual({ processes: [], more: 1 });
    const second = ask();
    scene.clock.advance(1_500);
    expect(await second.tree).toBeUndefined();
    routeDoor({ type: 'tree', re: second.re, processes: [], more: 1 }, one, scene.parts);
  });

  it('cannot launch, end or write decisions for a session of another door', async () => {
    const [one, two] = [pairOf(1), pairOf(2)];
    const answer = await scene.say(admit(1, (await scene.login(one)) ?? ''), one);
    const session = answer?.type === 'admitted' ? answer.session : undefined;
    const sid = session?.id ?? '';
    expect(sid).not.toBe('');
    routeDoor({ type: 'go', sid }, two, scene.parts);
    routeDoor({ type: 'ended', sid, cause: 'exit', status: '0', commands: 0, denied: 0 }, two, scene.parts);
    const event = { n: 1, at: 0, gate: 'exec', command: 'x', allow: true, why: 'rule' } as const;
    routeDoor({ type: 'decisions', sid, events: [event] }, two, scene.parts);
    await new Promise((r) => setTimeout(r, 50));
    expect(two.ordered).toEqual([]);
    expect(scene.parts.registry.get(sid)).toMatchObject({ state: 'reserved', commands: 0 });
  });

  it('has the account, the recording and the deadline chosen for it', async () => {
    const pair = pairOf(1);
    const lie = { ...admit(1, (await scene.login(pair)) ?? ''), account: 'root', deadline: 1e15 } as ReturnType<
      typeof admit
    >;
    const answer = await scene.say(lie, pair);
    const sid = (answer?.type === 'admitted' && answer.session?.id) || '';
    routeDoor({ type: 'go', sid }, pair, scene.parts);
    routeDoor({ type: 'go', sid }, pair, scene.parts);
    for (let i = 0; i < 200 && pair.ordered.length === 0; i += 1) await new Promise((r) => setTimeout(r, 5));
    const [order] = pair.ordered;
    expect(order).toMatchObject({ type: 'launch', sid, account: { name: 'daemon', uid: 1 } });
    expect(order?.type === 'launch' && order.recording.startsWith(join(scene.dir, 'recordings'))).toBe(true);
    // Once is enough: a second go launches nothing.
    routeDoor({ type: 'go', sid }, pair, scene.parts);
    await new Promise((r) => setTimeout(r, 50));
    expect(pair.ordered).toHaveLength(1);
  });

  it('cannot forget connections and logins of another door, nor count them in', async () => {
    const [one, two] = [pairOf(1), pairOf(2)];
    const id = (await scene.login(one)) ?? '';
    routeDoor({ type: 'closed', conn: 1 }, two, scene.parts);
    routeDoor({ type: 'authenticated', conn: 1 }, two, scene.parts);
    expect(scene.connections.get(1)?.authenticated).toBe(false);
    expect(await scene.say(admit(1, id), one)).toHaveProperty('session');
  });

  it('leaves no login behind when it dies: the next door in its place has none of its clients', async () => {
    const one = pairOf(1);
    const id = (await scene.login(one)) ?? '';
    routeDown(one, 'door ended', scene.parts);
    scene.connections.set(1, { id: 1, ip: '192.0.2.1', port: 1, authenticated: true, pair: 1 });
    expect(await scene.say(admit(1, id), pairOf(1))).toMatchObject({ refusal: 'not logged in' });
  });

  it('has no login on a connection that closed while it was written down', async () => {
    const one = pairOf(1);
    const { audit } = scene.parts;
    const durable = audit.durable.bind(audit);
    audit.durable = async () => {
      routeDoor({ type: 'closed', conn: 1 }, one, scene.parts);
      await durable();
    };
    const answer = scene.login(one);
    expect(await answer).toBeUndefined();
  });

  it('cannot put a person’s last input into the future, nor break the list of sessions', async () => {
    const one = pairOf(1);
    const { id } = await scene.admitted(one);
    const session = scene.parts.registry.get(id);
    if (session) session.state = 'live';
    routeDoor({ type: 'beat', inputs: [[id, 8e15]] }, one, scene.parts);
    expect(session?.lastInputAt).toBe(scene.clock.now());
    expect(scene.live.sessions()).toHaveLength(1);
    expect(fromDoor.safeParse({ type: 'beat', inputs: [[id, 1e300]] }).success).toBe(false);
  });

  it('cannot pass a change of rights off as known before the launch', async () => {
    const one = pairOf(1);
    const { id } = await scene.admitted(one);
    await scene.authority.setPolicy(policyOf('p, in, engineer, *, @login, true, allow, checked\n', scene.config));
    const version = scene.authority.version();
    routeDoor({ type: 'settled', sid: id, version, outcome: 'changed' }, one, scene.parts);
    routeDoor({ type: 'go', sid: id }, one, scene.parts);
    for (let i = 0; i < 100 && !one.said.some((m) => m.type === 'end'); i += 1) await pause(5);
    expect(one.ordered.filter((m) => m.type === 'launch')).toEqual([]);
    expect(one.said).toContainEqual(expect.objectContaining({ type: 'end', sid: id, cause: 'revoked' }));
    await scene.clock.advanceAsync(1_200);
  });
});
