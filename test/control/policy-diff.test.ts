import { afterEach, describe, expect, it } from 'vitest';
import type { SessionInfo } from '../../src/wire/types.js';
import { KEY, openTestHome, POLICY, ROOT, type TestHome } from './home.js';

let home: TestHome;
afterEach(() => home.close());

async function withSession() {
  const info = { id: 's1', user: 'alice', target: 'local' } as SessionInfo;
  const rights = () =>
    home.authority.rightsFor({
      ...{ user: 'alice', target: 'local', source: { ip: '127.0.0.1' }, auth: { method: 'publickey' } },
      startedAt: home.clock.now(),
    });
  const detail = () => ({ info, rights: rights(), deadlines: {} as never, gate: 'exec' as const, version: 1 });
  home = await openTestHome({ live: { sessions: () => [info], session: detail } });
  await home.port['user.add']({ name: 'alice', keys: [KEY], roles: ['engineer'] }, ROOT);
}

const diff = (text: string) => home.port['policy.diff']({ text, file: 'next.csv' }, ROOT);

describe('policy diff, of live sessions', () => {
  it('says which would end', async () => {
    await withSession();
    const { sessions, users } = await diff(POLICY.replace(/^p, session,.*\n/m, ''));
    expect(sessions).toMatchObject([{ id: 's1', ends: true, loses: [{ id: 'session', change: 'gone' }] }]);
    expect(users).toMatchObject([{ user: 'alice', target: 'local', loses: [{ id: 'session' }] }]);
  });

  it('says which would go on with other rights, gained or lost', async () => {
    await withSession();
    const { sessions } = await diff(
      `${POLICY}p, halt, engineer, *, halt, true, deny, checked\n`.replace(/^p, no-wipe,.*\n/m, ''),
    );
    expect(sessions).toMatchObject([
      { ends: false, gains: [{ id: 'no-wipe', change: 'gone' }], loses: [{ id: 'halt', change: 'new' }] },
    ]);
  });

  it('leaves out those it would not touch, and changes nothing', async () => {
    await withSession();
    const before = home.authority.version();
    const { sessions, users } = await diff(`${POLICY}p, x, nobody, *, halt, true, deny, checked\n`);
    expect({ sessions, users }).toEqual({ sessions: [], users: [] });
    expect(home.authority.version()).toBe(before);
  });
});
