import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import type { Config } from '../../src/config/index.js';
import { openTestHome, POLICY, ROOT, type TestHome, wholeStatus } from './home.js';

let home: TestHome;
afterEach(() => home.close());

const BROKER = { pid: 1, startedAt: 0, listen: 'x:1', isolation: 'account', limits: 'rlimit', gate: 'exec' } as const;

/** A home of a running broker, which takes configurations over. */
async function running(): Promise<Config[]> {
  const used: Config[] = [];
  const more = { broker: { ...BROKER, useConfig: (config: Config) => void used.push(config) } };
  home = await openTestHome({ more });
  return used;
}
const write = (file: string, text: string) => writeFileSync(join(home.dir, file), text);
const rules = (n: number, id: string) =>
  Array.from({ length: n }, (_, i) => `p, ${id}${i}, engineer, *, prog-${i} **, true, allow, checked`).join('\n');

it('configuration and policy come into force in one change: nobody is decided under half of them', async () => {
  const used = await running();
  write('sallyport.yaml', 'labels: { target: { tier: int } }\ntargets: { local: { tier: 1 } }\n');
  write('policies/policy.csv', `${POLICY}\np, tiers, engineer, *, ls, target.tier < 2, deny, checked\n`);
  expect(await home.port.reload({}, ROOT)).toMatchObject({ ok: true, changed: true });
  expect(home.settled.map((c) => c.kind)).toEqual(['policy']);
  expect(used).toHaveLength(1);
});

it('what only a start can change stays as it is until then, and is named', async () => {
  const used = await running();
  write('sallyport.yaml', 'gate: line-only\nlisten: 127.0.0.1:1\nsession: { idle: 1m }\n');
  const reply = await home.port.reload({}, ROOT);
  expect(reply).toMatchObject({ ok: true, changed: true });
  expect(reply.problems).toMatchObject([
    { severity: 'warning', message: expect.stringMatching(/^listen, gate: .*start/) },
  ]);
  expect(used).toMatchObject([{ gate: 'exec', session: { idleMs: 60_000 } }]);
});

it('a big policy is compiled in pieces, with the event loop running between them', async () => {
  await running();
  write('policies/policy.csv', `${POLICY}\n${rules(20_000, 'big')}\n`);
  let over = false;
  const done = home.port.reload({}, ROOT).then((reply) => {
    over = true;
    return reply;
  });
  let turns = 0;
  for (; !over; turns += 1) await setImmediate();
  expect(await done).toMatchObject({ ok: true, changed: true });
  expect(turns).toBeGreaterThan(20);
});

it('of several reloads at once the last wins', async () => {
  await running();
  write('policies/policy.csv', `${POLICY}\n${rules(20_000, 'old')}\n`);
  const first = home.port.reload({}, ROOT);
  for (let i = 0; i < 3; i += 1) await setImmediate();
  write('policies/policy.csv', `${POLICY}\n${rules(1, 'new')}\n`);
  const second = home.port.reload({}, ROOT);
  await Promise.all([first, second]);
  const { policy } = await wholeStatus(home);
  expect(policy.digest).toBe((await second).digest);
});
