import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KINDS, openAdministrated } from '../helpers/administrated.js';
import type { Ran, TestBroker } from '../helpers/broker.js';
import type { Person } from '../helpers/people.js';
import { openTerminal } from '../helpers/terminal.js';

const isRoot = process.getuid?.() === 0;
/** Makes outputs of two moments the same. */
const timeless = ({ code, stdout, stderr }: Ran) => ({
  code,
  stderr,
  stdout: stdout.replace(/\d\d:\d\d:\d\d( \((?:in )?[\dhms ]+(?: ago)?\))?/g, 'TIME'),
});

describe.each(KINDS)('administration over ssh (%s)', (kind) => {
  let broker: TestBroker;
  let admin: Person;
  let lead: Person;
  let auditor: Person;
  let barred: Person;
  let recorded: string;
  beforeAll(async () => {
    ({ broker, admin, lead, auditor, barred } = await openAdministrated(kind));
    expect(await broker.exec('echo kept')).toMatchObject({ code: 0, stdout: 'kept\n' });
    recorded = (await broker.json<{ id: string; command: string }[]>('recordings'))[0]?.id ?? '';
  });
  afterAll(() => broker?.stop());

  const audited = async (...args: string[]) =>
    (await broker.cli('--json', 'audit', ...args)).stdout
      .trim()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));

  it.each([
    ['status', ['--help']],
    ['users', ['user', 'list']],
    ['one user', ['user', 'show', 'alice']],
    ['grants', ['--json', 'grants']],
    ['locks', ['locks', '--all']],
    ['rules', ['policy', 'check']],
    ['recordings', ['recordings', '--user', 'alice']],
    ['a recording', ['replay', 'ID', '--speed', '1000']],
    ['a recording from a command on', ['--json', 'replay', 'ID']],
    ['facts', ['context', 'show', 'alice']],
    ['decisions', ['explain', 'alice', 'local', '--', 'id', '-u']],
    ['a denial', ['explain', 'alice', 'local', '--', 'rm', 'x']],
    ['the audit log', ['--json', 'audit', '--user', 'alice']],
    ['a missing user', ['user', 'show', 'nobody-here']],
    ['a wrong option', ['grants', '--nosuch']],
    ['a missing command', []],
    ['a wrong time', ['audit', '--since', 'yesterday-ish']],
  ])('shows what the command on the bastion shows: %s', async (_what, args) => {
    const words = args.map((word) => (word === 'ID' ? recorded : word));
    const [there, here] = [await admin.exec(['sallyport', ...words].join(' ')), await broker.cli(...words)];
    expect(timeless(there)).toEqual(timeless(here));
  });

  it('lets each do what policy says of the verb, and names the rule that refuses', async () => {
    const locked = await lead.exec("sallyport lock --user alice --reason 'lost laptop' --for 1h");
    expect(locked).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('locked user alice') });
    const id = locked.stdout.split('\n')[0] ?? '';
    expect((await lead.exec(`sallyport unlock ${id}`)).code).toBe(0);
    const refused = { code: 4, stdout: '', stderr: 'sallyport: grant: refused for lea: no rule allows it\n' };
    expect(await lead.exec('sallyport grant lea --role admin --for 1h --reason more')).toEqual(refused);
    expect(await auditor.exec(`sallyport replay ${recorded} --speed 1000`)).toMatchObject({ code: 0, stderr: '' });
    expect((await auditor.exec('sallyport lock --everyone --reason no')).code).toBe(4);
    expect(await barred.exec('sallyport grants')).toMatchObject({
      code: 4,
      stderr: 'sallyport: grants: refused for bar: not-me: denied by rule\n',
    });
    expect((await audited('--event', 'admin-refused')).at(-1)).toMatchObject({
      by: 'bar',
      user: 'bar',
      session: expect.any(String),
      text: 'grants: refused for bar: not-me: denied by rule',
    });
  });

  it('needs neither @exec nor a rule for a command, and needs @session', async () => {
    expect((await lead.exec('sallyport locks')).code).toBe(0);
    expect((await lead.exec('id')).code).toBe(126);
    const lock = await broker.cli('lock', '--user', 'lea', '--reason', 'away');
    expect((await lead.exec('sallyport locks')).code).toBe(255);
    await broker.cli('unlock', lock.stdout.split('\n')[0] ?? '');
  });

  it('writes down who did what from which session', async () => {
    await admin.exec('sallyport grant alice --role oncall --for 1h --reason \'INC-7 is "hot"\'');
    const [granted] = (await audited('--event', 'admin', '--text', 'INC-7')).slice(-1);
    expect(granted).toMatchObject({ by: 'ada', user: 'alice', reason: 'INC-7 is "hot"', data: { verb: 'grant' } });
    const [start] = (await audited('--event', 'session-start', '--text', 'INC-7')).slice(-1);
    expect(start).toMatchObject({ user: 'ada', data: { kind: 'exec', administration: true } });
    expect(granted.data.via).toBe(start.session);
    const kept = await broker.cli('replay', start.session, '--speed', '1000');
    expect(kept.stdout).toContain('alice has role oncall');
  });

  it('takes the words of a reason that ssh has joined for one', async () => {
    const ran = await admin.exec(
      'sallyport grant alice --role oncall --target prod/* --reason the disk is full --for 1h',
    );
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    const [last] = (await audited('--event', 'admin', '--text', 'the disk is full')).slice(-1);
    expect(last).toMatchObject({ reason: 'the disk is full', data: { target: 'prod/*' } });
  });

  describe('for oneself', () => {
    it('whoami tells who, as what, from where, until when, and what is known', async () => {
      const { code, stdout, stderr } = await broker.exec('sallyport whoami');
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toMatch(/^user +alice$/m);
      expect(stdout).toMatch(/^from +127\.0\.0\.1:\d+$/m);
      expect(stdout).toMatch(/^closes +.*, deadline$/m);
      expect(stdout).toMatch(/^engineer +\* +no end/m);
      expect(stdout).toMatch(/^auth\.key +SHA256:/m);
      const may = /^may +ask for yourself, and what policy allows as @admin:VERB$/m;
      expect(stdout).toMatch(may);
      // Asked by policy, as admins are.
      expect((await admin.exec('sallyport whoami')).stdout).toMatch(may);
      expect(JSON.parse((await admin.exec('sallyport --json whoami')).stdout)).toMatchObject({ by: 'policy' });
      const who = JSON.parse((await broker.exec('sallyport --json whoami')).stdout);
      expect(who).toMatchObject({ user: 'alice', by: 'self', session: { user: 'alice', kind: 'exec' } });
      expect((await broker.cli('whoami')).stdout).toMatch(
        isRoot && kind === 'account' ? /^account +root$/m : /^account +uid \d+$/m,
      );
    });

    it("grants and status show one's own, where policy does not let one see all", async () => {
      const own = JSON.parse((await lead.exec('sallyport --json grants')).stdout);
      expect(new Set(own.map((g: { user: string }) => g.user))).toEqual(new Set(['lea']));
      expect(await lead.exec('sallyport grants --user alice')).toMatchObject({ code: 4, stdout: '' });
      const status = JSON.parse((await lead.exec('sallyport --json status')).stdout);
      expect(status).toMatchObject({ user: 'lea', locked: false });
      expect(status).not.toHaveProperty('home');
      expect(JSON.parse((await admin.exec('sallyport --json status')).stdout)).toHaveProperty('home');
    });

    it('says in a shell where to ask instead', async () => {
      const shell = await broker.shell();
      await shell.line(
        'sallyport whoami',
        'not in here: say it where you came from, as in ssh USER@BASTION sallyport whoami',
      );
      shell.kill();
    });

    it('says how to quote when a shell would be needed', async () => {
      expect((await lead.exec("sallyport lock --user alice --reason it's lost")).stderr).toContain('quote twice');
    });
  });

  it('reads files from standard input alone', async () => {
    const key = join(broker.dir, 'new-key');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'new@test', '-f', key]);
    const pub = readFileSync(`${key}.pub`, 'utf8');
    expect(await admin.exec('sallyport user add newone --key -', pub)).toMatchObject({ code: 0, stderr: '' });
    expect((await broker.cli('user', 'show', 'newone')).stdout).toContain('new@test');
    expect(await admin.exec(`sallyport user add other --key ${key}.pub`)).toEqual({
      code: 2,
      stdout: '',
      stderr: 'sallyport: --key FILE: not over ssh: give - and send the file: ssh … < FILE\n',
    });
    const rules = readFileSync(join(broker.home, 'policies/policy.csv'), 'utf8').replace('{id|', '{df|');
    const diff = await admin.exec('sallyport policy diff -', rules);
    expect(diff.stdout).toContain('standard input:');
    expect(diff.stdout).toContain('{df|echo|cat|sleep|bash|ls}');
    await broker.cli('user', 'remove', 'newone');
  });

  it.each([
    ['init', 'init'],
    ['serve', 'serve'],
    ['doctor', 'doctor'],
    ['backup', 'backup /tmp/x'],
    ['restore', 'restore /tmp/x'],
    ['user mfa enroll', 'user mfa enroll alice'],
    ['policy test', 'policy test /tmp/x'],
    ['--home', '--home /etc grants'],
  ])('refuses what is for the bastion itself: %s', async (name, words) => {
    const ran = await admin.exec(`sallyport ${words}`);
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toMatch(new RegExp(`^sallyport: ${name}: not over ssh: [^\n]+\n$`));
  });

  it.each([
    'sallyport grants; id',
    'sallyport grants | cat',
    'sallyport grants > /tmp/x',
    'sallyport grants && id',
    'sallyport $(id)',
    'sallyport "$HOME"',
    'X=1 sallyport grants',
    './sallyport grants',
    'sallyportx grants',
    'env sallyport grants',
  ])('has no shell behind it: %s is a command like any other', async (command) => {
    const ran = await admin.exec(command);
    expect(ran).toMatchObject({ code: 126, stdout: '' });
    expect(ran.stderr).toContain('denied: @exec (no rule allows it)');
  });

  it('escapes hostile words, and takes them as words', async () => {
    const evil = `\u001b]0;x\u0007$(id)\`id\``;
    const ran = await admin.exec(`sallyport user show '${evil}'`);
    expect(ran.code).toBe(2);
    expect(ran.stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f]|uid=/);
    expect((await admin.exec(`sallyport grants --user '--home=/etc'`)).code).toBe(2);
    const reason = `'; rm -rf / #`;
    await admin.exec(`sallyport grant alice --role oncall --for 1h --reason "${reason}"`);
    expect((await audited('--event', 'admin', '--text', 'rm -rf /')).at(-1)).toMatchObject({ reason });
  });

  it('works in a terminal, and several times on one connection', async () => {
    const control = [
      '-o',
      'ControlMaster=auto',
      '-o',
      // Short: ssh adds to it, and a socket's path is limited.
      `ControlPath=${join(broker.dir, 'cm')}`,
      '-o',
      'ControlPersist=30',
    ];
    const once = () => openTerminal('ssh', [...admin.sshArgs('-tt', ...control), 'sallyport user list']);
    const first = once();
    expect(await first.exit()).toBe(0);
    const second = once();
    expect(await second.exit()).toBe(0);
    const here = (await broker.cli('user', 'list')).stdout.replaceAll('\n', '\r\n');
    expect(first.shown()).toContain(here);
    expect(second.shown()).toContain(here);
    execFileSync('ssh', [...admin.sshArgs(...control), '-O', 'exit'], { stdio: 'ignore' });
  });
});
