import { Secret, TOTP } from 'otpauth';
import { afterEach, describe, expect, it } from 'vitest';
import { type KeeperScene, openKeeperScene, pairOf, pause } from '../helpers/keeper-scene.js';

let scene: KeeperScene | undefined;
afterEach(() => scene?.close());

/** A session that runs, and the authenticator of its user. */
async function running() {
  const s = await openKeeperScene();
  scene = s;
  const pair = pairOf(1);
  const { uri } = await s.authority.enrolFactor({ user: 'daemon', issuer: 'test' });
  const totp = new TOTP({ secret: Secret.fromBase32(new URL(uri).searchParams.get('secret') ?? '') });
  const { id } = await s.admitted(pair);
  const session = s.parts.registry.get(id);
  if (!session) throw new Error('no session');
  session.state = 'live';
  const prove = async (code?: string, from = pair, sid = id) => {
    const before = from.said.length;
    const answer = s.say({ type: 'prove', q: 9, sid, ...(code === undefined ? {} : { code }) }, from);
    // The door has taken whatever rights it is told.
    for (let i = 0; i < 40; i += 1) {
      await pause(5);
      for (const m of from.said.slice(before))
        if (m.type === 'rights') s.live.settled(id, m.version, { outcome: 'changed', programs: 0 });
    }
    await answer;
    return from.said.slice(before).find((m) => m.type === 'proved');
  };
  const code = () => totp.generate({ timestamp: s.clock.now() });
  return { ...s, pair, session, prove, code };
}

describe('a second factor typed in a session', () => {
  it('counts for it and for later sessions on the connection; its door has the rights before the answer', async () => {
    const s = await running();
    expect(await s.prove()).toMatchObject({ ok: true, left: 5 });
    expect(s.session.rights.facts.mfaAt).toBeUndefined();
    expect(await s.prove(s.code())).toMatchObject({ ok: true });
    const kinds = s.pair.said.map((m) => m.type);
    expect(kinds.lastIndexOf('rights')).toBeLessThan(kinds.lastIndexOf('proved'));
    expect(s.session.rights.facts.mfaAt).toBe(s.clock.now());
    expect([...s.parts.logins.all()].map((login) => login.mfaAt)).toEqual([s.clock.now()]);
    expect(s.audited().filter((e) => e.event === 'factor')).toHaveLength(1);
  });

  it('is guessed five times at most, and the records say that it was', async () => {
    const s = await running();
    for (const left of [4, 3, 2, 1, 0])
      expect(await s.prove('000000')).toMatchObject({ ok: false, why: 'wrong', left });
    expect(await s.prove(s.code())).toMatchObject({ ok: false, why: 'wait' });
    expect(s.audited().filter((e) => e.event === 'factor')).toHaveLength(5);
  });

  it('is taken for no session of another door', async () => {
    const s = await running();
    expect(await s.prove(s.code(), pairOf(2))).toMatchObject({ ok: false });
    expect(s.session.rights.facts.mfaAt).toBeUndefined();
  });
});
