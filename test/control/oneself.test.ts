import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Caller } from '../../src/control/admin-port.js';
import { KEY, openTestHome, ROOT, type TestHome } from './home.js';

let home: TestHome;
const ALICE: Caller = { uid: 1001, name: 'alice', by: 'self', user: 'alice' };

beforeEach(async () => {
  home = await openTestHome();
  for (const name of ['alice', 'bob'])
    await home.port['user.add']({ name, keys: [name === 'bob' ? KEY.replace('eRuW', 'eRuV') : KEY], roles: [] }, ROOT);
  for (const user of ['alice', 'bob'])
    await home.port.grant({ user, role: 'engineer', target: '*', forMs: 3_600_000, reason: `for ${user}` }, ROOT);
});
afterEach(() => home.close());

describe('one who may ask only for themselves', () => {
  it('sees their own grants, and is refused those of another', async () => {
    const { grants } = await home.port.grants({ all: false }, ALICE);
    expect(grants.map((g) => g.user)).toEqual(['alice']);
    expect((await home.port.grants({ all: true, user: 'alice' }, ALICE)).grants).toHaveLength(1);
    await expect(home.port.grants({ all: false, user: 'bob' }, ALICE)).rejects.toMatchObject({ code: 'refused' });
    await expect(home.port.grants({ all: true, user: 'nobody' }, ALICE)).rejects.toMatchObject({ code: 'refused' });
  });

  it('sees their own status, and nothing of the broker or of others', async () => {
    const own = await home.port.status({}, ALICE);
    expect(own).toEqual({
      user: 'alice',
      version: expect.any(String),
      locked: false,
      grants: 1,
      requests: 0,
      sessions: [],
    });
  });
});
