import { rmSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkFiles } from '../../src/control/policy-operations.js';
import { KEY, makeHomeDirectory, openTestHome, ROOT, type TestHome } from './home.js';

let home: TestHome;
beforeEach(async () => {
  home = await openTestHome({ config: 'labels: { user: { team: string } }\n' });
  await home.port['user.add']({ name: 'alice', keys: [KEY], roles: ['engineer'] }, ROOT);
});
afterEach(() => home.close());

const set = (facts: Record<string, string | number | boolean | null>, more: object = {}) =>
  home.port['context.set']({ changes: [{ subject: 'alice', facts }], ...more }, ROOT);
const shown = async () => (await home.port['context.show']({ of: 'alice' }, ROOT)).facts;

describe('context set', () => {
  it('is in the audit log with its values, before it is followed into live sessions', async () => {
    await set({ 'risk.score': 80, 'device.managed': true }, { forMs: 600_000 });
    expect((await home.events()).at(-1)).toMatchObject({
      event: 'admin',
      by: 'root',
      user: 'alice',
      text: 'set alice risk.score=80, alice device.managed=true',
      data: {
        verb: 'context.set',
        changes: [{ subject: 'alice', facts: { 'risk.score': 80, 'device.managed': true } }],
      },
    });
    expect(home.settled.at(-1)).toMatchObject({ kind: 'context', cause: 'context' });
  });

  it('is what explain decides by', async () => {
    const ask = { user: 'alice', target: 'local', words: ['reboot'] };
    expect((await home.port.explain(ask, ROOT)).allow).toBe(true);
    await set({ 'risk.score': 80 });
    expect(await home.port.explain(ask, ROOT)).toMatchObject({ allow: false, text: expect.stringContaining('risky') });
  });

  it('many users are one change', async () => {
    await home.port['user.add']({ name: 'bob', keys: [], roles: [] }, ROOT);
    const changes = ['alice', 'bob'].map((subject) => ({ subject, facts: { 'risk.score': 7 } }));
    await home.port['context.set']({ changes }, ROOT);
    expect(home.settled.at(-1)?.users).toEqual(new Set(['alice', 'bob']));
  });
});

describe('context show', () => {
  it('names value, source, age and end of what is known, and what is missing', async () => {
    await home.port['user.label']({ name: 'alice', labels: { team: 'blue' } }, ROOT);
    await set({ 'risk.score': 80 }, { forMs: 600_000 });
    const at = new Date(home.clock.now()).toISOString();
    home.clock.advance(60_000);
    expect(await shown()).toEqual([
      { name: 'device.managed', state: 'missing' },
      {
        ...{ name: 'risk.score', value: 80, source: 'set by root', subject: 'alice', at, state: 'in force' },
        until: new Date(home.clock.now() + 540_000).toISOString(),
      },
      { name: 'user.team', value: 'blue', source: 'label', state: 'in force' },
    ]);
  });

  it('of nobody is not found', async () => {
    await expect(home.port['context.show']({ of: 'zed' }, ROOT)).rejects.toThrow(/no user or live session zed/);
  });
});

describe('policy check', () => {
  const POLICY = "p, abroad, *, *, @login, source.country != 'DE', deny, checked\n";
  it.each([
    ['', ['abroad speaks of source.country, which nobody tells']],
    ['context: { feeds: { geo: { country: /x.mmdb } } }\n', []],
  ])('warns of a rule about countries where no database is named: %j', async (config, expected) => {
    const dir = makeHomeDirectory(config, POLICY);
    const { ok, problems } = await checkFiles(dir);
    expect(ok).toBe(true);
    expect(problems.map((p) => p.message.split(':')[0])).toEqual(expected);
    rmSync(dir, { recursive: true, force: true });
  });
});
