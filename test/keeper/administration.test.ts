import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Asker } from '../../src/control/asker.js';
import type { Refused } from '../../src/control/caller.js';
import { createAdministration } from '../../src/keeper/administration.js';
import type { LiveSession } from '../../src/keeper/registry.js';
import { admit, KEEPER_POLICY, type KeeperScene, openKeeperScene, pairOf } from '../helpers/keeper-scene.js';

const POLICY = `${KEEPER_POLICY}
p, near,  engineer, *, @admin:lock,  "source.ip == '192.0.2.1' && auth.method == 'publickey'", allow, checked
p, far,   engineer, *, @admin:kill,  "source.ip == '10.0.0.1'",                                allow, checked
p, fresh, engineer, *, @admin:grant, mfa.age < duration('1h'),                                 allow, checked
p, risky, engineer, *, @admin:revoke, "!has(risk.score) || risk.score < 50.0",                 allow, checked
p, keys,  engineer, *, @admin:backup, true,                                                    allow, checked
`;

let scene: KeeperScene;
let session: LiveSession;
let asker: Asker;
let sockets: Socket[];
let refused: [Refused, string, string][];

beforeEach(async () => {
  scene = await openKeeperScene(POLICY);
  const pair = pairOf(1);
  const { id } = await scene.admitted(pair);
  const found = scene.parts.registry.get(id);
  if (!found) throw new Error('no session');
  session = found;
  session.state = 'live';
  sockets = [];
  refused = [];
  const { authority, clock } = scene;
  const administration = createAdministration({
    ...{ authority, clock },
    onRefused: (who, verb, why) => refused.push([who, verb, why]),
    adopt(socket, who) {
      sockets.push(socket);
      asker = who;
    },
  });
  administration.connect(session, () => {});
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await scene.close();
});

describe('what is asked from a session', () => {
  it('is asked by its user, decided with the facts of its login', async () => {
    expect(await asker.identify('lock')).toMatchObject({
      name: 'daemon',
      user: 'daemon',
      by: 'policy',
      session: session.id,
    });
    await expect(asker.identify('kill')).rejects.toMatchObject({ code: 'refused' });
    await expect(asker.identify('grant')).rejects.toMatchObject({ code: 'refused' });
    session.rights.facts.mfaAt = scene.clock.now();
    expect(await asker.identify('grant')).toMatchObject({ by: 'policy' });
    expect(await asker.identify('whoami')).toMatchObject({ by: 'self' });
    expect(refused.map(([who, verb]) => `${who.user} ${who.session} ${verb}`)).toEqual([
      `daemon ${session.id} kill`,
      `daemon ${session.id} grant`,
    ]);
  });

  it('is decided anew each time', async () => {
    await asker.stillMay('revoke');
    const changes = [{ subject: 'daemon', facts: { 'risk.score': 80 } }];
    await scene.authority.setFacts({ changes, by: 'test' });
    await expect(asker.stillMay('revoke')).rejects.toThrow('no rule allows it');
  });

  it('is never a secret, whoever may', async () => {
    for (const verb of ['backup', 'user.mfa-enroll'] as const)
      await expect(asker.identify(verb)).rejects.toMatchObject({ code: 'usage' });
  });

  it('is refused from the moment the session is ordered to end, also what was let in before', async () => {
    const caller = await asker.identify('lock');
    caller.stands?.();
    session.ordered = { cause: 'killed' };
    await expect(asker.identify('whoami')).rejects.toThrow('this session has ended: killed');
    expect(() => caller.stands?.()).toThrow('this session has ended');
  });

  it('is refused once the key is locked', async () => {
    await scene.authority.lock({ kind: 'key', subject: session.key, reason: 'r', by: 'test' });
    await expect(asker.identify('whoami')).rejects.toThrow('locked');
  });

  it('is refused once the user is gone', async () => {
    await scene.authority.removeUser({ user: 'daemon', by: 'test' });
    await expect(asker.identify('whoami')).rejects.toThrow('this session has ended: revoked');
  });

  it('goes over connections that are closed with the session', async () => {
    expect(sockets).toHaveLength(4);
    session.state = 'over';
    session.settleOver();
    await session.over;
    await new Promise((resolve) => setImmediate(resolve));
    expect(sockets.every((socket) => socket.destroyed)).toBe(true);
    await expect(asker.identify('whoami')).rejects.toMatchObject({ code: 'refused' });
  });
});

describe('an exec', () => {
  const conn = 2;
  const ask = async (command: string) => {
    const pair = pairOf(conn);
    const login = (await scene.login(pair)) ?? '';
    return await scene.say({ ...admit(conn, login), kind: 'exec', command }, pair);
  };

  it('of sallyport needs no @exec, and is not the command of its words', async () => {
    expect(await ask('sallyport whoami')).toMatchObject({ session: { administration: true, kind: 'exec' } });
  });

  it.each(['sallyport whoami; id', 'id', 'sallyport $x', 'SALLYPORT whoami'])(
    '%s is any other command',
    async (command) => {
      expect(await ask(command)).toMatchObject({ refusal: expect.stringContaining('denied: @exec') });
    },
  );
});
