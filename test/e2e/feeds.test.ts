import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Answering, answering, json, silent } from '../helpers/answering.js';
import { startBroker, type TestBroker } from '../helpers/broker.js';
import { waitUntil } from '../helpers/until.js';

const POLICY = `
p, login,   engineer, *, @login,     "!has(user.left) || !user.left",       allow, checked
p, session, engineer, *, @session,   "!has(risk.score) || risk.score < 90.0", allow, checked
p, exec,    engineer, *, @exec,      true,                                  allow, checked
p, look,    engineer, *, {id|ls|cat|echo|sleep|true|exit} **, true,         allow, checked
p, calm,    engineer, *, touch **,   risk.score < 50.0,                     allow, checked
p, device,  engineer, *, mkdir **,   device.managed,                        allow, checked
p, os,      engineer, *, rmdir **,   device.os == 'linux',                  allow, checked
p, abroad,  *,        *, stat **,    source.country != 'DE',                deny,  checked
p, stat,    engineer, *, stat **,    true,                                  allow, checked
p, test,    *,        *, [ **,       true,                                  allow, checked
`;

const DATABASE = new URL(
  '../../node_modules/@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb',
  import.meta.url,
);

interface Status {
  feeds: { feed: string; state: string; error?: string; refused?: string; subjects: number; okAt?: string }[];
}

describe('feeds', () => {
  let broker: TestBroker;
  let risk: Answering;
  let people: Answering;
  const score = (value: number) => risk.use(json({ users: { alice: { risk: { score: value } } } }));
  const feedOf = async (name: string) => (await broker.json<Status>('status')).feeds.find((f) => f.feed === name);
  const state = async (name: string) => (await feedOf(name))?.state;
  const devices = (text: string) => {
    const file = join(broker.dir, 'devices.yaml');
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
  };

  beforeAll(async () => {
    risk = await answering(json({ users: { alice: { risk: { score: 10 } } } }));
    people = await answering(json({ 'user.left': false }));
    const token = join(tmpdir(), `sallyport-token-${process.pid}`);
    writeFileSync(token, 'sesame\n', { mode: 0o600 });
    broker = await startBroker({
      policy: POLICY,
      config: {
        labels: { user: { left: 'bool' }, device: { managed: 'bool', os: 'string' } },
        context: {
          feeds: {
            risk: { url: `${risk.url}/scores`, gives: ['risk.score'], refresh: '1s', timeout: '1s', token },
            people: { url: `${people.url}/people/{user}`, gives: ['user.left'], refresh: '1s', timeout: '1s' },
            devices: { file: '../devices.yaml', gives: ['device.managed'], refresh: '1s', stale: { keep: '1h' } },
            edr: { push: true, gives: ['device.os'], refresh: '2s', timeout: '100ms' },
            country: { country: DATABASE.pathname },
          },
        },
      },
    });
  });
  afterAll(async () => {
    await broker.stop();
    await risk.close();
    await people.close();
  });
  /** What a test left behind would refuse the next one's login. */
  afterEach(async () => {
    score(10);
    await waitUntil(async () => /risk.score +10/.test((await broker.cli('context', 'show', 'alice')).stdout));
  });

  it('are asked before the first login, with the token, and are healthy in status', async () => {
    const { feeds } = await broker.json<Status>('status');
    expect(Object.fromEntries(feeds.map((f) => [f.feed, f.state]))).toEqual({
      ...{ risk: 'fresh', people: 'waiting', devices: 'waiting', edr: 'waiting', country: 'fresh' },
    });
    expect(feeds.find((f) => f.feed === 'devices')?.error).toMatch(/ENOENT/);
    let header: string | undefined;
    risk.use((req, res) => {
      header = req.headers.authorization;
      json({})(req, res);
    });
    await waitUntil(() => header !== undefined);
    expect(header).toBe('Bearer sesame');
    expect((await broker.cli('status')).stdout).toMatch(/^risk +poll +fresh/m);
  });

  it('one that is polled moves rights in a living session', async () => {
    await waitUntil(async () => /risk.score +10/.test((await broker.cli('context', 'show', 'alice')).stdout));
    const shell = await broker.shell();
    await shell.line('touch a && echo made-$((1+1))', 'made-2');
    score(80);
    await waitUntil(async () => /risk.score +80/.test((await broker.cli('context', 'show', 'alice')).stdout));
    await shell.line('touch b', 'sallyport: denied: touch b (no rule allows it)');
    score(95);
    expect(await shell.exit()).toBe(254);
    expect(shell.shown()).toContain('sallyport: session closed: context');
    const audit = await broker.cli('audit', '--text', 'feed risk');
    expect(audit.stdout).toContain('feed risk: facts of alice changed');
  });

  it('what hangs is stale in time, its facts are missing, and they come again', async () => {
    await waitUntil(async () => (await state('risk')) === 'fresh');
    const shell = await broker.shell();
    await shell.line('touch c && echo made-$((1+2))', 'made-3');
    risk.use(silent);
    await waitUntil(async () => (await state('risk')) === 'stale');
    await shell.line('touch d', 'sallyport: denied: touch d (no rule allows it)');
    expect((await feedOf('risk'))?.error).toMatch(/no whole answer in 1000 ms/);
    expect((await broker.cli('context', 'show', 'alice')).stdout).toMatch(/risk.score +- .*missing, feed risk stale/);
    const { stdout, code } = await broker.cli('explain', 'alice', 'local', '--', 'touch d');
    expect(stdout).toMatch(/fact risk.score is missing: feed risk stale: no whole answer in 1000 ms/);
    expect(stdout).toContain('calm would, with risk.score < 50.0');
    expect(code).toBe(4);
    score(10);
    await waitUntil(async () => (await state('risk')) === 'fresh');
    await shell.line('touch e && echo made-$((1+3))', 'made-4');
    shell.type('exit\r');
    await shell.exit();
  });

  it('one that is asked decides the login, is asked once for several, and no more when it is gone', async () => {
    const shell = await broker.shell();
    const before = people.asked.length;
    expect(people.asked.at(-1)).toBe('/people/alice');
    people.use(json({ user: { left: true } }));
    await waitUntil(() => people.asked.length > before);
    await waitUntil(async () => /user.left +true/.test((await broker.cli('context', 'show', 'alice')).stdout));
    expect((await broker.exec('id')).code).toBe(255);
    people.use(json({ user: { left: false } }));
    await waitUntil(async () => (await broker.exec('id')).code === 0);
    shell.type('exit\r');
    await shell.exit();
  });

  it('a file is felt when it is replaced, and what is rubbish does not replace what was good', async () => {
    devices('users:\n  alice: { device.managed: true }\n');
    const shell = await broker.shell();
    await waitUntil(async () => (await feedOf('devices'))?.subjects === 1);
    await shell.line('mkdir f && echo made-$((1+4))', 'made-5');
    devices('users: [alice');
    await waitUntil(async () => /neither JSON nor YAML/.test((await feedOf('devices'))?.error ?? ''));
    await shell.line('mkdir g && echo made-$((1+5))', 'made-6');
    devices('{"users": {"alice": {"device.managed": "yes", "risk.score": 1}}}');
    await waitUntil(async () => (await feedOf('devices'))?.error === undefined);
    expect((await feedOf('devices'))?.refused).toMatch(/device.managed is of type bool.*and 1 more/);
    await shell.line('mkdir h', 'sallyport: denied: mkdir h (no rule allows it)');
    shell.type('exit\r');
    await shell.exit();
  });

  it('one that pushes is stale when it stops to', async () => {
    const shell = await broker.shell();
    const file = join(broker.dir, 'push.json');
    writeFileSync(file, '{"users":{"alice":{"device.os":"linux"}}}');
    const pushed = await broker.cli('context', 'push', 'edr', file);
    expect(pushed).toMatchObject({ code: 0, stdout: expect.stringMatching(/session \S+ of alice has new rights/) });
    await shell.line('rmdir nothing', /rmdir: failed/);
    await waitUntil(async () => (await state('edr')) === 'stale');
    await shell.line('rmdir f', 'sallyport: denied: rmdir f (no rule allows it)');
    expect((await broker.cli('context', 'push', 'risk', file)).code).toBe(3);
    shell.type('exit\r');
    await shell.exit();
  });

  it('what is set by hand wins over feeds', async () => {
    await waitUntil(async () => (await state('risk')) === 'fresh');
    const set = await broker.cli('context', 'set', 'alice', 'risk.score=70', '--for', '1h');
    expect(set.code).toBe(0);
    expect((await broker.cli('context', 'show', 'alice')).stdout).toMatch(/risk.score +10 +feed risk .*hidden/);
    const shell = await broker.shell();
    await shell.line('touch i', 'sallyport: denied: touch i (no rule allows it)');
    await broker.cli('context', 'set', 'alice', 'risk.score=');
    await shell.line('touch i && echo made-$((1+6))', 'made-7');
    shell.type('exit\r');
    await shell.exit();
  });

  it('the feeder has no privilege, and is replaced when it is killed or stopped', async () => {
    const feeder = () => feederOf(broker.process.pid ?? 0);
    await waitUntil(() => feeder() !== undefined);
    const first = feeder() ?? 0;
    const status = readFileSync(`/proc/${first}/status`, 'utf8');
    expect(status).toMatch(/NoNewPrivs:\s+1/);
    if (process.getuid?.() === 0) {
      expect(statSync(`/proc/${first}/root`, { throwIfNoEntry: false })).toBeDefined();
      expect(status).not.toMatch(/^Uid:\s+0/m);
      expect(status).toMatch(/CapEff:\s+0+$/m);
    }
    process.kill(first, 'SIGKILL');
    await waitUntil(() => feeder() !== undefined && feeder() !== first);
    await waitUntil(async () => (await state('risk')) === 'fresh');
    const second = feeder() ?? 0;
    process.kill(second, 'SIGSTOP');
    await waitUntil(async () => (await state('risk')) === 'stale');
    await waitUntil(() => feeder() !== undefined && feeder() !== second, 30_000);
    await waitUntil(async () => (await state('risk')) === 'fresh');
  });

  it('a reload takes feeds away with what they told, and brings others, while sessions go on', async () => {
    await waitUntil(async () => (await state('risk')) === 'fresh');
    const shell = await broker.shell();
    await shell.line('touch j && echo made-$((1+7))', 'made-8');
    const yaml = join(broker.home, 'sallyport.yaml');
    const before = readFileSync(yaml, 'utf8');
    writeFileSync(yaml, before.replace(/ {4}risk:[\s\S]*?(?= {4}people:)/, ''));
    expect((await broker.cli('reload')).code).toBe(0);
    await shell.line('touch k', 'sallyport: denied: touch k (no rule allows it)');
    writeFileSync(yaml, before);
    expect((await broker.cli('reload')).code).toBe(0);
    await waitUntil(async () => (await state('risk')) === 'fresh');
    await shell.line('touch k && echo made-$((1+8))', 'made-9');
    shell.type('exit\r');
    await shell.exit();
  });
});

function feederOf(keeper: number): number | undefined {
  const children = readFileSync(`/proc/${keeper}/task/${keeper}/children`, 'utf8').trim().split(' ').filter(Boolean);
  return children.map(Number).find((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('feeds/main.js');
    } catch {
      return false;
    }
  });
}
