import { expect, test } from 'vitest';
import { because, homesOf, MINUTE, policyOf } from './scene.js';

const DAY = 24 * 60 * MINUTE;
const start = homesOf();

test('what ended longer ago than the retention leaves the store with the next act, and nothing else does', async () => {
  const h = await start({ policy: policyOf([]), yaml: 'retention: 30d' });
  const a = h.authority;
  await a.addUser({ name: 'alice', by: 'root' });
  const give = async (role: string, forMs?: number) => {
    const until = forMs === undefined ? {} : { until: h.clock.now() + forMs };
    return (await a.grant({ user: 'alice', role, ...until, ...because })).grant.id;
  };
  const [short, long, endless, taken] = [
    await give('a', DAY),
    await give('b', 20 * DAY),
    await give('c'),
    await give('d'),
  ];
  await a.revoke({ grant: taken }, 'root');
  const { lock } = await a.lock({ kind: 'user', subject: 'alice', until: h.clock.now() + DAY, ...because });
  const { lock: standing } = await a.lock({ kind: 'target', subject: 'db1', ...because });
  const all = () => a.grants({ all: true }).map(({ id }) => id);

  h.clock.advance(30 * DAY - MINUTE);
  await give('e');
  expect(all()).toEqual(expect.arrayContaining([short, long, endless, taken]));

  h.clock.advance(2 * DAY);
  const versions = a.version();
  const last = await give('f', DAY);
  expect(all()).toEqual(expect.not.arrayContaining([short, taken]));
  expect(all()).toEqual(expect.arrayContaining([long, endless, last]));
  expect(a.locks(true).map(({ id }) => id)).toEqual([standing.id]);
  expect(lock.id).not.toBe(standing.id);
  // It was over long before: nobody is told of it again.
  expect(a.version()).toBe(versions + 1);
  await expect(a.revoke({ grant: short }, 'root')).rejects.toThrow(/no grant/);
});
