import { execFile, execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Ran, startBroker, type TestBroker } from '../helpers/broker.js';
import { addPerson, type Person } from '../helpers/people.js';

const POLICY = `
p, in,      *,        *, @login,                       true, allow, checked
p, session, *,        *, @session,                     true, allow, checked
p, look,    engineer, *, {ls|echo|exit} **,            true, allow, checked
p, touch,   toucher,  *, {touch|mkdir} **,             true, allow, checked
p, test,    *,        *, [ **,                         true, allow, checked
p, lead,    lead,     *, @admin:{requests|approve|refuse}, true, allow, checked
`;
const ASK = 'sallyport request --role toucher --for 1h --reason "the disk is full"';

interface Request {
  id: string;
  user: string;
  state: string;
}

describe('requests over ssh', () => {
  let broker: TestBroker;
  let carol: Person;
  let bob: Person;
  beforeAll(async () => {
    const account = process.getuid?.() === 0 ? 'nobody' : undefined;
    broker = await startBroker({ policy: POLICY });
    carol = await addPerson(broker, 'carol', account, ['lead']);
    bob = await addPerson(broker, 'bob', account, []);
  });
  afterAll(() => broker?.stop());
  const idOf = ({ stdout }: Ran) => stdout.split('\n')[0] ?? '';

  it('are asked by anybody for themselves, approved by another, and felt in a live session; both names are on the grant', async () => {
    const shell = await broker.shell();
    await shell.line('touch one', 'sallyport: denied: touch one (no rule allows it)');
    const asked = await broker.exec(ASK);
    expect(asked).toMatchObject({ code: 0, stdout: expect.stringContaining('asked for role toucher on *') });
    const id = idOf(asked);
    expect((await carol.exec('sallyport requests')).stdout).toMatch(new RegExp(`${id}.*alice.*the disk is full`));
    const approved = await carol.exec(`sallyport approve ${id} --reason fine`);
    expect(approved.stdout).toContain(`approved ${id}: alice has role toucher on *`);
    expect(approved.stdout).toMatch(/session \S+ of alice has new rights/);
    await shell.line('touch two && echo done-$((1+1))', 'done-2');
    const grants = JSON.parse((await broker.exec('sallyport --json grants')).stdout);
    expect(grants).toContainEqual(
      expect.objectContaining({ user: 'alice', by: 'carol', request: id, role: 'toucher' }),
    );
    const [entry] = (await broker.cli('--json', 'audit', '--event', 'approve')).stdout.trim().split('\n');
    expect(JSON.parse(entry ?? '')).toMatchObject({ by: 'carol', user: 'alice', data: { via: expect.any(String) } });
    shell.type('exit\r');
    await shell.exit();
  });

  it('are nobody’s own to answer, with another key either, and nobody else’s to see or take back', async () => {
    const id = idOf(await carol.exec(ASK));
    expect(await carol.exec(`sallyport approve ${id}`)).toMatchObject({
      code: 4,
      stderr: `sallyport: request ${id} is your own: another person must approve it\n`,
    });
    const again = await withAnotherKey(broker, carol, `sallyport approve ${id}`);
    expect(again).toMatchObject({ code: 4, stderr: expect.stringContaining('is your own') });
    expect((await bob.exec(`sallyport approve ${id}`)).stderr).toContain('refused for bob: no rule allows it');
    expect((await bob.exec('sallyport requests')).stdout).toBe('no requests wait\n');
    expect((await bob.exec(`sallyport request --withdraw ${id}`)).stderr).toContain(`no request ${id}`);
    expect((await bob.exec('sallyport status')).stdout).not.toContain('wait');
    expect((await carol.exec('sallyport status')).stdout).toMatch(/requests +1 of yours wait/);
    expect((await carol.exec(`sallyport request --withdraw ${id}`)).stdout).toBe(`withdrew ${id}\n`);
  });

  it('of two who approve at once one wins, and the other reads who', async () => {
    await broker.cli('grant', 'bob', '--role', 'lead', '--for', '1h', '--reason', 'two leads');
    const id = idOf(await broker.exec(ASK));
    const both = await Promise.all([carol, bob].map((p) => p.exec(`sallyport approve ${id}`)));
    expect(both.map((r) => r.code).sort()).toEqual([0, 4]);
    expect(both.find((r) => r.code === 4)?.stderr).toMatch(/was approved by (carol|bob) at .*: nothing to decide/);
    const requests = await broker.json<Request[]>('requests', '--all');
    expect(requests.find((r) => r.id === id)).toMatchObject({ state: 'approved' });
    const grants = await broker.json<{ request?: string }[]>('grants', '--user', 'alice');
    expect(grants.filter((g) => g.request === id)).toHaveLength(1);
  });

  it('of a locked person are not approved, and the approver reads why; of a removed one they are gone', async () => {
    const id = idOf(await bob.exec(ASK));
    const lock = idOf(await broker.cli('lock', '--user', 'bob', '--reason', 'leaving'));
    expect((await carol.exec(`sallyport approve ${id}`)).stderr).toContain(
      `bob is locked (leaving): unlock ${lock} first`,
    );
    await broker.cli('unlock', lock);
    await broker.cli('user', 'remove', 'bob');
    expect((await carol.exec(`sallyport approve ${id}`)).stderr).toMatch(
      /was withdrawn by \S+.*\(the user was removed\)/,
    );
  });
});

/** The same person, by a key added just now. */
async function withAnotherKey(broker: TestBroker, person: Person, command: string): Promise<Ran> {
  const key = join(broker.dir, `key-${person.name}-2`);
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'another', '-f', key]);
  await broker.cli('user', 'key', 'add', person.name, '--key', `${key}.pub`);
  const args = person.sshArgs('-T').map((word, i, all) => (all[i - 1] === '-i' ? key : word));
  return await new Promise((resolve) => {
    const child = execFile('ssh', [...args, command], { timeout: 30_000 }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code ?? -1) : 0, stdout, stderr }),
    );
    child.stdin?.end();
  });
}
