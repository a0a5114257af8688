import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parsePublicKey } from '../../src/authority/index.js';
import { type Home, home, MINUTE, query } from './scene.js';

const KEY = parsePublicKey(
  'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIcBQq4RCMnO2jmUcTQ2CrdTaMhqSjN2ldOpUjOfeRuW alice@desk',
);
const YAML = 'labels: { user: { team: string, level: int }, device: { managed: bool, os: string } }\n';

let h: Home;
beforeEach(async () => {
  h = await home({ yaml: YAML });
  await h.authority.addUser({ name: 'alice', keys: [KEY], labels: { team: 'blue' }, by: 'test' });
  await h.authority.addUser({ name: 'bob', by: 'test' });
});
afterEach(() => h.close());

const set = (subject: string, facts: Record<string, string | number | boolean | null>, until?: number) =>
  h.authority.setFacts({ changes: [{ subject, facts }], by: 'root', ...(until === undefined ? {} : { until }) });
const facts = (user = 'alice', key?: string) =>
  h.authority.rightsFor({ ...query(user), auth: { method: 'publickey', ...(key === undefined ? {} : { key }) } }).facts;
const last = () => h.changes.at(-1);

describe('a fact set by hand', () => {
  it('is in the rights of its user at once, as one change with cause context', async () => {
    const before = h.changes.length;
    await set('alice', { 'risk.score': 80, 'device.managed': true });
    expect(h.changes.length).toBe(before + 1);
    expect(last()).toMatchObject({ kind: 'context', cause: 'context', users: new Set(['alice']) });
    expect(facts()).toMatchObject({ risk: { score: 80 }, device: { managed: true } });
    expect(facts('bob')).toMatchObject({ risk: {}, device: {} });
  });

  it('is unset by null, and only if it was set', async () => {
    await set('alice', { 'risk.score': 80 });
    await set('alice', { 'risk.score': null });
    expect(facts().risk).toEqual({});
    await expect(set('alice', { 'risk.score': null })).rejects.toThrow(/is not set by hand/);
  });

  it('ends by itself, as a change', async () => {
    await set('alice', { 'risk.score': 80 }, h.clock.now() + 10 * MINUTE);
    h.clock.advance(9 * MINUTE);
    expect(facts().risk).toEqual({ score: 80 });
    const before = h.changes.length;
    h.clock.advance(MINUTE);
    expect(h.changes.slice(before)).toMatchObject([{ kind: 'context', users: new Set(['alice']) }]);
    expect(facts().risk).toEqual({});
  });

  it('set anew has a new end, or none', async () => {
    await set('alice', { 'risk.score': 80 }, h.clock.now() + MINUTE);
    await set('alice', { 'risk.score': 81 });
    h.clock.advance(2 * MINUTE);
    expect(facts().risk).toEqual({ score: 81 });
  });

  it('survives a restart with its time and its end', async () => {
    await set('alice', { 'risk.score': 80 }, h.clock.now() + 10 * MINUTE);
    const { dir, clock } = h;
    await h.close();
    clock.advance(5 * MINUTE);
    h = await home({ yaml: YAML, dir, clock });
    expect(facts().risk).toEqual({ score: 80 });
    expect(h.authority.knownFacts({ user: 'alice' })).toMatchObject([{ at: clock.now() - 5 * MINUTE, by: 'root' }]);
    clock.advance(5 * MINUTE);
    expect(facts().risk).toEqual({});
  });

  it('of a key is known of whoever logged in with it, before what is known of the user', async () => {
    await set('alice', { 'device.os': 'any', 'device.managed': false });
    await set(KEY.fp, { 'device.managed': true });
    expect(last()?.users).toEqual(new Set(['alice']));
    expect(facts('alice', KEY.fp).device).toEqual({ os: 'any', managed: true });
    expect(facts('alice').device).toEqual({ os: 'any', managed: false });
  });

  it('goes with its user and its key: whoever is given the name later starts with nothing', async () => {
    await set('alice', { 'risk.score': 1 });
    await set(KEY.fp, { 'device.managed': true });
    await h.authority.removeUser({ user: 'alice', by: 'test' });
    expect(h.store.data.facts).toEqual([]);
    await h.authority.addUser({ name: 'alice', keys: [KEY], by: 'test' });
    expect(facts('alice', KEY.fp)).toMatchObject({ risk: {}, device: {} });
  });

  it.each([
    [{ 'risk.score': 'high' }, /risk.score is of type double, not "high"/],
    [{ 'risk.score': Number.NaN }, /risk.score is of type double/],
    [{ 'risk.scor': 3 }, /risk.scor is no fact: did you mean risk.score\?/],
    [{ 'device.jailbroken': true }, /device.jailbroken is not declared: .* under labels.device/],
    [{ 'device.managed': 'yes' }, /device.managed is of type bool, not "yes"/],
    [{ 'device.os': 12 }, /put text that looks like a number in quotes/],
    [{ 'mfa.age': 3 }, /mfa.age cannot be set: it counts from the last second factor/],
    [{ 'source.country': 'DE' }, /source.country cannot be set: .* country database/],
    [{ 'target.sensitivity': 1 }, /target.sensitivity cannot be set: .* under targets/],
    [{ 'user.team': 'red' }, /user.team is a label: set it with `sallyport user label alice team=…`/],
    [{ constructor: 1 }, /constructor is no fact: there are risk.score, device.managed/],
    [{ 'device.__proto__': true }, /is not declared/],
  ])('%j is refused whole, and says why', async (bad, message) => {
    const before = h.changes.length;
    await expect(set('alice', { 'device.managed': true, ...bad })).rejects.toThrow(message);
    expect(h.changes.length).toBe(before);
    expect(facts()).toMatchObject({ risk: {}, device: {} });
  });

  it('of someone who is not there is refused', async () => {
    await expect(set('carol', { 'risk.score': 1 })).rejects.toThrow(/no user carol/);
    await expect(set(`SHA256:${'a'.repeat(43)}`, { 'risk.score': 1 })).rejects.toThrow(/no user has the key/);
  });

  it('whose declaration has changed is a missing fact, not a wrong one', async () => {
    await set('alice', { 'device.os': 'linux' });
    const { config } = await home({ yaml: 'labels: { device: { os: int } }\n' });
    await h.authority.setConfig(config);
    expect(facts().device).toEqual({});
  });
});

describe('a label of a user', () => {
  it('is set, changed and taken away, and felt as a change', async () => {
    await h.authority.labelUser({ user: 'alice', labels: { level: 3, team: null }, by: 'root' });
    expect(facts().user).toEqual({ level: 3 });
    expect(last()).toMatchObject({ kind: 'context', users: new Set(['alice']) });
    await expect(h.authority.labelUser({ user: 'alice', labels: { team: null }, by: 'root' })).rejects.toThrow(
      /no label/,
    );
    await expect(h.authority.labelUser({ user: 'alice', labels: { level: 'x' }, by: 'root' })).rejects.toThrow(
      /of type int/,
    );
    await expect(h.authority.labelUser({ user: 'alice', labels: { x: 1 }, by: 'root' })).rejects.toThrow(/labels.user/);
  });
});
