import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../src/core/ids.js';
import { recordingPath } from '../../src/record/index.js';
import { startBroker, type TestBroker } from '../helpers/broker.js';
import { type OtherUid, otherUid } from '../helpers/other-uid.js';
import { statusOf, until } from '../helpers/processes.js';

const SHIPPED = readFileSync(new URL('../../policies/policy.csv', import.meta.url), 'utf8');
const POLICY = `${SHIPPED}\np, no-replay, trainee, *, @admin:replay, true, deny, checked\n`;
const [CAROL, DAVE, ERIN, NOBODY_KNOWN] = [31_001, 31_002, 31_003, 31_004];
const ADMINS = [
  { uid: CAROL, user: 'carol' },
  { uid: DAVE, user: 'dave' },
  { uid: ERIN, user: 'erin' },
];
const FAST = ['--speed', '100000', '--idle-limit', '0.001'];

const isRoot = process.getuid?.() === 0;

describe.skipIf(!isRoot)('an auditor who is neither root nor the owner (needs root, to become another uid)', () => {
  let broker: TestBroker;
  let carol: OtherUid;
  let id: string;
  beforeAll(async () => {
    broker = await startBroker({ policy: POLICY, config: { admins: ADMINS } });
    await addUser('carol', 'auditor');
    await addUser('dave');
    await addUser('erin', 'auditor', 'trainee');
    carol = otherUid(broker, CAROL);
    const ran = await broker.exec("echo shown; c=rm; $c -r nothing; printf '\\302\\23331mC1\\n'; echo done");
    expect(ran.stderr).toContain('denied: rm -r nothing');
    await broker.exec('echo other');
    const [, first] = await broker.json<{ id: string }[]>('recordings');
    id = first?.id ?? '';
  });
  afterAll(() => broker?.stop());

  async function addUser(name: string, ...roles: string[]): Promise<void> {
    const key = join(broker.dir, `key-${name}`);
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    const added = await broker.cli('user', 'add', name, '--key', `${key}.pub`, ...roles.flatMap((r) => ['--role', r]));
    expect(added.stderr).toBe('');
  }

  it('cannot read the files', () => {
    for (const path of ['recordings', 'state/audit.log'])
      expect(() =>
        execFileSync('setpriv', [`--reuid=${CAROL}`, '--clear-groups', 'ls', join(broker.home, path)], {
          stdio: 'ignore',
        }),
      ).toThrow();
  });

  it.each([
    ['recordings', []],
    ['recordings --json', ['--json', 'recordings']],
    ['recordings by user', ['recordings', '--user', 'alice', '--since', '1h']],
    ['recordings by command', ['--json', 'recordings', '--command', 'echo other']],
    ['recordings of nobody', ['recordings', '--user', 'nobody-here']],
    ['audit of logins', ['audit', '--event', 'login']],
    ['audit --json', ['--json', 'audit', '--event', 'decision', '--text', 'rm -r']],
    ['audit by time', ['--json', 'audit', '--until', '2020-01-01']],
  ])('sees what root sees: %s', async (_name, args) => {
    const words = args.length > 0 ? args : ['recordings'];
    const [theirs, roots] = [await carol.cli(...words), await broker.cli(...words)];
    expect(theirs).toEqual(roots);
    expect(theirs.code).toBe(0);
  });

  it('replays what root replays, from where and how they like', async () => {
    for (const args of [
      [id, ...FAST],
      [id.slice(0, 24), ...FAST, '--markers'],
      [id, ...FAST, '--at', 'rm -r'],
      ['--json', id],
    ]) {
      const [theirs, roots] = [await carol.cli('replay', ...args), await broker.cli('replay', ...args)];
      expect(theirs).toEqual(roots);
      expect(theirs).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('shown') });
      expect(theirs.stdout).not.toContain('\u009b');
    }
    expect((await carol.cli('replay', id, ...FAST, '--markers')).stdout).toContain('denied: rm -r nothing');
    expect((await carol.cli('replay', id, ...FAST, '--at', 'never typed')).code).toBe(3);
  });

  it('is named in the audit log for each recording looked at, and so is root', async () => {
    await carol.cli('replay', id, ...FAST);
    await broker.cli('replay', id, ...FAST);
    const { stdout } = await broker.cli('--json', 'audit', '--session', id, '--event', 'admin');
    const seen = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(seen.slice(-2)).toMatchObject([
      { by: 'carol', user: 'alice', data: { verb: 'replay', uid: CAROL } },
      { by: 'root', user: 'alice', data: { verb: 'replay', uid: 0 } },
    ]);
  });

  it('follows the audit log as it is written, until interrupted', async () => {
    const following = carol.start('audit', '--follow', '--event', 'login');
    let text = '';
    following.stdout.on('data', (chunk) => {
      text += chunk;
    });
    await until('what was is shown', () => text.includes('alice'));
    const before = text.length;
    await broker.exec('true');
    await until('what happens is shown', () => text.slice(before).includes('alice'));
    const ended = new Promise((resolve) => following.once('close', resolve));
    following.kill('SIGINT');
    expect(await ended).toBe(0);
  });

  it('follows no longer than the right to lasts', async () => {
    const granted = await broker.cli('grant', 'dave', '--role', 'auditor', '--for', '1h', '--reason', 'a look');
    const following = otherUid(broker, DAVE).start('audit', '--follow');
    let said = '';
    following.stderr.on('data', (chunk) => {
      said += chunk;
    });
    await new Promise((resolve) => following.stdout.once('data', resolve));
    const ended = new Promise((resolve) => following.once('close', resolve));
    expect((await broker.cli('revoke', granted.stdout.split('\n')[0] ?? '')).code).toBe(0);
    expect(await ended).toBe(4);
    expect(said).toBe('sallyport: audit: refused for dave: no rule allows it\n');
  });

  it('is refused what no rule grants, what a rule denies, and everything when unknown', async () => {
    const [dave, erin, nobody] = [DAVE, ERIN, NOBODY_KNOWN].map((uid) => otherUid(broker, uid));
    for (const verb of ['recordings', 'audit', 'replay']) {
      const args = verb === 'replay' ? [verb, id] : [verb];
      expect(await dave?.cli(...args)).toEqual({
        code: 4,
        stdout: '',
        stderr: `sallyport: ${verb}: refused for dave: no rule allows it\n`,
      });
      const unknown = await nobody?.cli(...args);
      expect(unknown).toMatchObject({ code: 4, stdout: '', stderr: /uid 31004 is no admin here/ });
    }
    expect(await erin?.cli('replay', id)).toMatchObject({
      code: 4,
      stderr: 'sallyport: replay: refused for erin: no-replay: denied by rule\n',
    });
    expect((await erin?.cli('recordings'))?.code).toBe(0);
    expect((await carol.cli('lock', '--everyone', '--reason', 'no')).code).toBe(4);
    const { stdout } = await broker.cli('audit', '--event', 'admin-refused');
    expect(stdout).toContain('replay: refused for erin');
  });

  it('is told what is missing or misspelt as root is', async () => {
    for (const args of [
      ['replay', 'zzzz'],
      ['replay', '../../../etc/passwd'],
      ['replay', id.slice(0, 2)],
      ['audit', '--event', 'nosuch'],
    ]) {
      const [theirs, roots] = [await carol.cli(...args), await broker.cli(...args)];
      expect(theirs).toEqual(roots);
      expect(theirs.stderr).toMatch(/^sallyport: [^\n]+\n$/);
      expect([2, 3]).toContain(theirs.code);
    }
  });

  it('reads a huge recording without the broker holding it', async () => {
    const startedAt = Date.UTC(2026, 0, 5);
    const huge = newId();
    const path = recordingPath(join(broker.home, 'recordings'), huge, startedAt);
    mkdirSync(dirname(path), { recursive: true });
    const who = { session: huge, user: 'alice', account: 'alice', target: 'local', source: '127.0.0.1', kind: 'exec' };
    const header = { version: 2, width: 80, height: 24, timestamp: startedAt / 1000 };
    const sallyport = { ...who, pty: false, startedAt: new Date(startedAt).toISOString() };
    writeFileSync(path, `${JSON.stringify({ ...header, sallyport })}\n`);
    const part = `[0.1, "o", "${'x'.repeat(60_000)}\\r\\n"]\n`.repeat(100);
    for (let n = 0; n < 30; n++) appendFileSync(path, part);
    const rss = () => Number.parseInt(statusOf(broker.process.pid ?? 0).VmRSS ?? '', 10) / 1024;
    const before = rss();
    let most = before;
    let size = 0;
    const reading = carol.start('replay', huge, ...FAST);
    reading.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length;
      most = Math.max(most, rss());
    });
    await until('it is shown', () => size > 10_000_000, 30_000);
    reading.stdout.pause();
    await sleep(500);
    most = Math.max(most, rss());
    reading.stdout.resume();
    expect(await new Promise((resolve) => reading.once('close', resolve))).toBe(0);
    expect(size).toBeGreaterThan(3_000 * 60_000);
    // 180 MB of recording; what may grow is Node's own young heap.
    expect(most - before).toBeLessThan(60);
  });

  it('needs the broker, which root does not', async () => {
    process.kill(broker.process.pid ?? 0, 'SIGKILL');
    await until('it is gone', async () => (await carol.cli('recordings')).code === 5);
    expect((await carol.cli('replay', id)).code).toBe(5);
    expect((await carol.cli('audit')).code).toBe(5);
    const [before, played] = [await broker.cli('recordings'), await broker.cli('replay', id, ...FAST)];
    expect(before).toMatchObject({ code: 0, stderr: '' });
    expect(played).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('shown') });
    const { stdout } = await broker.cli('--json', 'audit', '--session', id, '--event', 'admin');
    const last = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
    expect(last).toMatchObject({ by: 'root', user: 'alice', text: 'replay the recording', data: { verb: 'replay' } });
  });
});
