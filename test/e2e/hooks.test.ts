import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { json, silent } from '../helpers/answering.js';
import { OPEN_POLICY, startBroker, type TestBroker } from '../helpers/broker.js';
import { type Receiving, receiving } from '../helpers/receiving.js';
import { waitUntil } from '../helpers/until.js';

const SECRET = 'a secret of the test, long enough';

interface Status {
  hooks: { hook: string; state: string; waiting: number; failed: number; error?: string }[];
}

describe('hooks', () => {
  let broker: TestBroker;
  let all: Receiving;
  let some: Receiving;
  let dir: string;
  let syslog: Server;
  let logged = '';
  const hookOf = async (name: string) => (await broker.json<Status>('status')).hooks.find((h) => h.hook === name);
  const names = (from: Receiving) => from.told.map(({ event }) => event);
  /** What was told twice, because the messenger died before it could say so, counts once. */
  const count = (from: Receiving, name: string) =>
    new Set(from.told.filter(({ event }) => event === name).map(({ id }) => id)).size;

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'sallyport-hooks-'));
    // The command runs as the doors' account.
    chmodSync(dir, 0o777);
    writeFileSync(join(dir, 'key'), `${SECRET}\n`, { mode: 0o600 });
    all = await receiving(SECRET);
    some = await receiving(SECRET);
    syslog = createServer((socket) => {
      socket.on('error', () => {});
      socket.setEncoding('utf8').on('data', (text: string) => {
        logged += text;
      });
    });
    await new Promise<void>((resolve) => syslog.listen(0, '127.0.0.1', resolve));
    const { port } = syslog.address() as { port: number };
    const secretFile = join(dir, 'key');
    const script = 'cat >> "$0/told"; id -u > "$0/uid"; ls -l /proc/self/fd > "$0/fds"';
    broker = await startBroker({
      policy: OPEN_POLICY,
      config: {
        hooks: [
          { name: 'all', events: '*', webhook: { url: all.url, secretFile } },
          { name: 'some', events: ['command.refused'], timeout: '1s', webhook: { url: some.url, secretFile } },
          { name: 'program', events: ['session.start', 'lock'], command: ['/bin/sh', '-c', script, dir] },
          { events: ['session.end', 'lock'], syslog: { address: `tcp://127.0.0.1:${port}` } },
        ],
      },
    });
  });
  afterAll(async () => {
    await broker.stop();
    await all.close();
    await some.close();
    await new Promise((resolve) => syslog.close(resolve));
    rmSync(dir, { recursive: true, force: true });
  });
  afterEach(async () => {
    all.use(undefined);
    some.use(undefined);
  });

  it('are told of a session from its login to its end, of refusals, grants and locks, signed and in order', async () => {
    expect((await broker.exec('true')).code).toBe(0);
    expect((await broker.exec('rm -r nothing')).code).not.toBe(0);
    await broker.cli('grant', 'alice', '--role', 'sre', '--for', '2s', '--reason', 'INC-1');
    await waitUntil(() => count(all, 'grant.ended') === 1);
    const { id } = (await broker.json<{ lock: { id: string } }>('lock', '--user', 'alice', '--reason', 'a test')).lock;
    expect((await broker.exec('true')).code).toBe(255);
    await broker.cli('unlock', id, '--reason', 'tested');
    await waitUntil(() => count(all, 'unlock') === 1 && count(some, 'command.refused') === 1);
    const seen = names(all);
    expect(seen[0]).toBe('broker.start');
    expect(seen.filter((name) => name.startsWith('session.'))).toEqual(
      expect.arrayContaining(['session.start', 'session.end']),
    );
    const order = [
      'login',
      'session.start',
      'session.end',
      'command.refused',
      'grant',
      'grant.ended',
      'lock',
      'unlock',
    ];
    expect(order.map((name) => seen.indexOf(name))).toEqual(
      [...order.map((name) => seen.indexOf(name))].sort((a, b) => a - b),
    );
    expect(order.filter((name) => !seen.includes(name))).toEqual([]);
    const start = all.told.find(({ event }) => event === 'session.start');
    expect(start).toMatchObject({ user: 'alice', target: 'local', text: 'true', seq: expect.any(Number) });
    expect(some.told[0]).toMatchObject({
      event: 'command.refused',
      user: 'alice',
      text: expect.stringMatching(/^rm -r/),
    });
    expect(all.told.find(({ event }) => event === 'lock')).toMatchObject({ reason: 'a test', user: 'alice' });
    expect(new Set(all.told.map((event) => event.id)).size).toBe(all.told.length);
    expect([...all.wrong, ...some.wrong]).toEqual([]);
  });

  it('are told of what ends by itself: a lock, a key', async () => {
    await broker.cli('lock', '--target', 'elsewhere', '--for', '1s', '--reason', 'short');
    await broker.cli('user', 'key', 'add', 'alice', '--key', newKey(dir), '--for', '1s');
    await waitUntil(() => count(all, 'lock.ended') === 1 && count(all, 'key.expired') === 1);
    expect(all.told.find(({ event }) => event === 'lock.ended')).toMatchObject({ reason: 'short' });
    expect(all.told.find(({ event }) => event === 'key.expired')).toMatchObject({
      user: 'alice',
      key: expect.stringMatching(/^SHA256:/),
    });
    expect((await broker.cli('audit', '--event', 'lock-ended')).stdout).toMatch(/lock \w{26} ended/);
  });

  it('that are commands run as nobody special, one event each, with no descriptor of ours', async () => {
    await waitUntil(() => existsSync(join(dir, 'fds')) && readFileSync(join(dir, 'told'), 'utf8').includes('"lock"'));
    const told = readFileSync(join(dir, 'told'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(told.find(({ event }) => event === 'lock')).toMatchObject({ user: 'alice', reason: 'a test' });
    expect(new Set(told.map(({ event }) => event))).toEqual(new Set(['session.start', 'lock']));
    const uid = Number(readFileSync(join(dir, 'uid'), 'utf8'));
    if (process.getuid?.() === 0) expect(uid).toBeGreaterThan(0);
    else expect(uid).toBe(process.getuid?.());
    expect(readFileSync(join(dir, 'fds'), 'utf8')).not.toMatch(/ (?:[3-9]|\d{2,}) -> socket:/);
  });

  it('that are syslog get RFC 5424 with octets counted', async () => {
    await waitUntil(() => /lock alice/.test(logged));
    const [message] = messagesIn(logged).filter((m) => m.includes(' session.end '));
    expect(message).toMatch(
      /^<86>1 \d{4}-\d\d-\d\dT[\d:.]+Z \S+ sallyport \d+ session\.end \[sallyport@32473 id="\w{26}" seq="\d+" user="alice"/,
    );
    expect(message).toContain(` ${hostname()} sallyport ${broker.process.pid} `);
  });

  it('that hang, fail and cannot start delay no session, are seen in status, and get what waited once they are well', async () => {
    const before = all.told.length;
    all.use(silent);
    some.use(json({}, 500));
    await waitUntil(async () => {
      await broker.exec('rm -r nothing');
      return (await hookOf('some'))?.state === 'failing';
    });
    const shell = await broker.shell();
    for (let i = 0; i < 20; i += 1) await shell.line(`echo made-$((${i}+100))`, `made-${i + 100}`);
    await shell.line('rm -r x', 'sallyport: denied: rm -r x (no-rm: denied by rule)');
    shell.type('exit\r');
    expect(await shell.exit()).not.toBe(255);
    expect(all.told.length).toBe(before);
    expect(await hookOf('some')).toMatchObject({ error: 'it answers 500', waiting: expect.any(Number) });
    expect((await hookOf('all'))?.waiting).toBeGreaterThan(0);
    expect((await broker.cli('status')).stdout).toMatch(/^some +http:\/\/127.0.0.1:\d+ +failing .*it answers 500/m);
    expect((await broker.cli('audit', '--event', 'hook')).stdout).toMatch(/hook some fails: it answers 500/);
    all.use(undefined);
    some.use(undefined);
    await waitUntil(async () => {
      const [a, s] = [await hookOf('all'), await hookOf('some')];
      return a?.waiting === 0 && s?.waiting === 0 && s.state === 'ok';
    }, 60_000);
    const seqs = all.told.map(({ seq }) => seq ?? 0);
    expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
    expect(count(some, 'command.refused')).toBe(count(all, 'command.refused'));
  });

  it('that point elsewhere are not followed', async () => {
    const posts = all.posts();
    some.use((_q, res) => void res.writeHead(307, { location: all.url }).end());
    await broker.exec('rm -r nothing');
    await waitUntil(async () => /redirects are not followed/.test((await hookOf('some'))?.error ?? ''));
    expect((await hookOf('some'))?.failed).toBeGreaterThan(0);
    await waitUntil(() => all.posts() > posts);
    expect(all.wrong).toEqual([]);
  });

  it('are carried by a process without privilege that is replaced when it is killed or stopped, and nothing is lost', async () => {
    const messenger = () => messengerOf(broker.process.pid ?? 0);
    const first = messenger() ?? 0;
    const status = readFileSync(`/proc/${first}/status`, 'utf8');
    expect(status).toMatch(/NoNewPrivs:\s+1/);
    if (process.getuid?.() === 0) {
      expect(status).not.toMatch(/^Uid:\s+0/m);
      expect(status).toMatch(/CapEff:\s+0+$/m);
    }
    process.kill(first, 'SIGKILL');
    const before = count(some, 'command.refused');
    await broker.exec('rm -r nothing');
    await waitUntil(() => count(some, 'command.refused') === before + 1);
    const second = messenger() ?? 0;
    expect(second).not.toBe(first);
    process.kill(second, 'SIGSTOP');
    await broker.exec('rm -r nothing');
    await waitUntil(() => count(some, 'command.refused') === before + 2, 40_000);
    expect(messenger()).not.toBe(second);
  });

  it('change with a reload: those that stay keep what waits, and others come', async () => {
    const yaml = join(broker.home, 'sallyport.yaml');
    const before = readFileSync(yaml, 'utf8');
    await waitUntil(async () => (await hookOf('all'))?.waiting === 0);
    const [refusals, reloads] = [count(all, 'command.refused'), count(all, 'reload')];
    all.use(silent);
    await broker.exec('rm -r nothing');
    await waitUntil(async () => ((await hookOf('all'))?.waiting ?? 0) > 0);
    writeFileSync(yaml, before.replace('- command.refused', '- reload.refused'));
    expect((await broker.cli('reload')).code).toBe(0);
    expect((await hookOf('all'))?.waiting).toBeGreaterThan(0);
    all.use(undefined);
    await waitUntil(() => count(all, 'command.refused') === refusals + 1 && count(all, 'reload') === reloads + 1);
    writeFileSync(yaml, before.replace('session.end', 'session.ended'));
    const refused = await broker.cli('reload');
    expect(refused).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/"session.ended" is no event: did you mean session.end/),
    });
    await waitUntil(() => count(all, 'reload.refused') > 0 && count(some, 'reload.refused') > 0);
    writeFileSync(yaml, before);
    expect((await broker.cli('reload')).code).toBe(0);
  });

  it('hear the last of it when the broker stops, and one that hangs holds it up for a moment only', async () => {
    some.use(silent);
    await broker.exec('rm -r nothing');
    const shell = await broker.shell();
    await broker.restart();
    await shell.exit();
    await waitUntil(() => count(all, 'broker.start') === 2);
    expect(names(all).slice(-6)).toEqual(expect.arrayContaining(['session.end', 'broker.stop', 'broker.start']));
  });
});

/** Where the public part of a new key is. */
function newKey(dir: string): string {
  const file = join(dir, 'other');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file]);
  return `${file}.pub`;
}

/** The messages in an octet-counted stream. */
function messagesIn(stream: string): string[] {
  const bytes = Buffer.from(stream);
  const found: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(' ', at);
    const length = Number(bytes.toString('utf8', at, space));
    found.push(bytes.toString('utf8', space + 1, space + 1 + length));
    at = space + 1 + length;
  }
  return found;
}

function messengerOf(keeper: number): number | undefined {
  const children = readFileSync(`/proc/${keeper}/task/${keeper}/children`, 'utf8').trim().split(' ').filter(Boolean);
  return children.map(Number).find((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('hooks/main.js');
    } catch {
      return false;
    }
  });
}
