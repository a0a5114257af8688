import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Ran, startBroker, type TestBroker } from '../helpers/broker.js';
import { addPerson, type Person } from '../helpers/people.js';
import { type Receiving, receiving } from '../helpers/receiving.js';
import { waitUntil } from '../helpers/until.js';

const SECRET = 'a secret of the test, long enough';

/** A viewer may look, who asks for it may touch; leads decide, and nobody else. */
const POLICY = `
p, in-1,    *,        *, @login,                   true, allow, checked
p, in-2,    *,        *, @session,                 true, allow, checked
p, look,    viewer,   *, {ls|echo|exit} **,        true, allow, checked
p, touch,   toucher,  *, {touch|mkdir} **,         true, allow, checked
p, test,    *,        *, [ **,                     true, allow, checked
p, lead,    lead,     *, @admin:requests,          true, allow, checked
p, decide,  lead,     *, @admin:{approve|refuse}, true, allow, checked
g, engineer, viewer
`;

interface Request {
  id: string;
  kind: string;
  user: string;
  state: string;
  by?: string;
  grant?: string;
}

describe('requests for a role', () => {
  let broker: TestBroker;
  let person: Person;
  /** Who decides, over ssh. */
  const carol = {
    cli: (...args: string[]): Promise<Ran> => person.exec(`sallyport ${args.map((word) => `'${word}'`).join(' ')}`),
  };
  let told: Receiving;
  let dir: string;
  const ask = (target = '*', ...more: string[]) =>
    broker.cli(
      'request',
      '--role',
      'toucher',
      '--target',
      target,
      '--for',
      '1h',
      '--reason',
      'a \u001b[31mfix',
      ...more,
    );
  const asked = async (target?: string) => (await ask(target)).stdout.split('\n')[0] ?? '';
  const all = () => broker.json<Request[]>('requests', '--all');
  const found = async (id: string) => (await all()).find((r) => r.id === id);

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'sallyport-requests-'));
    writeFileSync(join(dir, 'key'), `${SECRET}\n`, { mode: 0o600 });
    told = await receiving(SECRET);
    const events = ['request', 'approve', 'refuse', 'request.expired', 'request.withdrawn', 'admin.failed'];
    broker = await startBroker({
      policy: POLICY,
      config: {
        // Whoever runs the test counts as alice.
        admins: [{ uid: process.getuid?.() ?? 0, user: 'alice' }],
        requests: { longest: '2h', expire: '1h', perUser: 3 },
        hooks: [{ name: 'all', events, webhook: { url: told.url, secretFile: join(dir, 'key') } }],
      },
    });
    person = await addPerson(broker, 'carol', process.getuid?.() === 0 ? 'nobody' : undefined, ['lead']);
  });
  afterAll(async () => {
    await broker.stop();
    await told.close();
    rmSync(dir, { recursive: true, force: true });
  });

  it('are approved into a grant with both names, felt at once in a live session; the hooks hear of it', async () => {
    const shell = await broker.shell();
    await shell.line('touch one', 'sallyport: denied: touch one (no rule allows it)');
    const id = await asked();
    const table = await carol.cli('requests');
    expect(table.stdout).toMatch(/REQUEST +KIND +USER +TARGET +SINCE +UNTIL +REASON +WHAT/);
    expect(table.stdout).toContain(id);
    expect(table.stdout).toContain('a \\e[31mfix');
    expect(table.stdout).toContain('role toucher for 1h');
    expect((await broker.cli('status')).stdout).toContain('1 wait: 1 for a role, 0 for a command');
    const approved = await carol.cli('approve', id.slice(0, 20), '--reason', 'fine');
    expect(approved.stdout).toMatch(new RegExp(`approved ${id}: alice has role toucher on \\* until`));
    expect(approved.stdout).toMatch(/session \S+ of alice has new rights/);
    await shell.line('touch two && echo done-$((1+1))', 'done-2');
    const [grant] = await broker.json<Record<string, string>[]>('grants', '--user', 'alice');
    expect(await broker.json('grants', '--user', 'alice')).toContainEqual(
      expect.objectContaining({ role: 'toucher', user: 'alice', by: 'carol', request: id }),
    );
    expect(grant).toBeDefined();
    expect((await broker.cli('grants')).stdout).toMatch(new RegExp(`carol, asked by alice +${id}`));
    expect(await found(id)).toMatchObject({ state: 'approved', by: 'carol', grant: expect.any(String) });
    const audit = await broker.cli('audit', '--event', 'approve');
    expect(audit.stdout).toContain(id);
    await waitUntil(() => told.told.some((e) => e.event === 'approve'));
    expect(told.told.filter((e) => e.event === 'request')).toMatchObject([{ user: 'alice', data: { request: id } }]);
    expect(told.told.find((e) => e.event === 'approve')).toMatchObject({ by: 'carol', user: 'alice', reason: 'fine' });
    await broker.cli('revoke', 'alice', '--role', 'toucher');
    await shell.line('touch three', 'sallyport: denied: touch three (no rule allows it)');
    shell.type('exit\r');
    await shell.exit();
  });

  it('are nobody’s to answer for themselves, as root either, nor anybody’s without the right', async () => {
    const id = await asked('own');
    const own = await broker.cli('approve', id);
    expect(own).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('is your own: another person must approve it'),
    });
    const refused = await broker.cli('refuse', id, '--reason', 'x');
    expect(refused).toMatchObject({ code: 4, stderr: expect.stringContaining('request --withdraw') });
    await broker.cli('revoke', 'carol', '--role', 'lead');
    expect(await carol.cli('approve', id)).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('no rule allows it'),
    });
    await broker.cli('grant', 'carol', '--role', 'lead', '--for', '1h', '--reason', 'back');
    const lock = (await broker.cli('lock', '--user', 'carol', '--reason', 'lost laptop')).stdout.split('\n')[0] ?? '';
    expect((await carol.cli('approve', id)).code).not.toBe(0);
    await broker.cli('unlock', lock);
    expect(await carol.cli('refuse', id, '--reason', 'not today')).toMatchObject({ code: 0 });
    expect(await carol.cli('approve', id)).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/was refused by carol at .* \(not today\): nothing to decide/),
    });
    expect(await found(id)).toMatchObject({ state: 'refused' });
  });

  it('are checked when they are made, one line each', async () => {
    const wrong = async (...args: string[]) => (await broker.cli('request', ...args)).stderr;
    const rest = ['--for', '1h', '--reason', 'x'];
    expect(await wrong('--role', 'nosuch', ...rest)).toMatch(/^sallyport: no rule of the policy speaks of role nosuch/);
    expect(await wrong('--role', 'toucher', '--target', 'A B', ...rest)).toMatch(/target patterns are/);
    expect(await wrong('--role', 'toucher', '--for', '3h', '--reason', 'x')).toMatch(
      /3h is too long to ask for: at most 2h/,
    );
    expect(await wrong('--role', 'toucher')).toMatch(/give --role ROLE, --for 1h and --reason TEXT/);
    expect(await wrong('--withdraw', 'x', '--role', 'y')).toMatch(/stands alone/);
    const id = await asked('same');
    expect((await ask('same')).stderr).toContain(`request ${id} for role toucher on same waits already`);
    expect((await broker.cli('request', '--withdraw', id)).stdout).toBe(`withdrew ${id}\n`);
    expect((await broker.cli('requests', id)).stdout).toMatch(/state +withdrawn by alice/);
  });

  it('survive a keeper that is killed, can be answered while it is down, and come along in a backup', async () => {
    const waits = await asked('first');
    const carols =
      (await carol.cli('request', '--role', 'toucher', '--for', '1h', '--reason', 'x')).stdout.split('\n')[0] ?? '';
    broker.process.kill('SIGKILL');
    await new Promise((resolve) => broker.process.once('exit', resolve));
    expect((await broker.json<Request[]>('requests')).map((r) => r.id)).toEqual([waits, carols]);
    expect((await broker.cli('approve', waits)).stderr).toContain('is your own');
    const offline = await broker.cli('approve', carols);
    expect(offline.stdout).toContain(`approved ${carols}: carol has role toucher on *`);
    const copy = join(dir, 'home.backup');
    expect((await broker.cli('backup', copy)).code).toBe(0);
    expect((await broker.cli('--home', join(dir, 'other'), 'restore', copy)).code).toBe(0);
    const { requests } = JSON.parse(readFileSync(join(dir, 'other/state/store.json'), 'utf8'));
    expect(requests).toContainEqual(expect.objectContaining({ id: waits, state: 'waiting' }));
    await broker.restart();
    expect(await broker.json('grants', '--user', 'carol')).toContainEqual(
      expect.objectContaining({ by: expect.stringMatching(/^(root|uid \d+)$/), request: carols }),
    );
    expect(await found(waits)).toMatchObject({ state: 'waiting' });
    expect((await carol.cli('approve', waits)).code).toBe(0);
  });

  it('expire, in the audit log and for the hooks, and cannot be approved from then on', async () => {
    const file = join(broker.home, 'sallyport.yaml');
    writeFileSync(file, readFileSync(file, 'utf8').replace('expire: 1h', 'expire: 1s'));
    expect((await broker.cli('reload')).code).toBe(0);
    const id = await asked('late');
    await waitUntil(() => told.told.some((e) => e.event === 'request.expired'));
    expect(await found(id)).toMatchObject({ state: 'expired' });
    expect((await carol.cli('approve', id)).stderr).toMatch(/expired at .*: nothing to decide/);
    expect((await broker.cli('audit', '--event', 'request-expired')).stdout).toContain(id);
  });

  it('that expire while no broker runs are told of when it comes back, once', async () => {
    const id = await asked('down');
    broker.process.kill('SIGKILL');
    await new Promise((resolve) => broker.process.once('exit', resolve));
    await waitUntil(async () => (await found(id))?.state === 'expired');
    const lines = async () =>
      (await broker.cli('audit', '--event', 'request-expired', '--text', id)).stdout.split('\n').length - 1;
    await broker.restart();
    await waitUntil(async () => (await lines()) === 1);
    await broker.restart();
    expect(await lines()).toBe(1);
  });
});
