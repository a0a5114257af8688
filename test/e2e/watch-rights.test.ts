import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { OPEN_POLICY, startBroker, type TestBroker } from '../helpers/broker.js';
import { type Emulator, openEmulator } from '../helpers/emulator.js';
import { type OtherUid, otherUid } from '../helpers/other-uid.js';
import { addPerson, type Person } from '../helpers/people.js';
import { waitUntil } from '../helpers/until.js';
import { viewersOf, type Watching, watchingOf } from '../helpers/watching.js';

const isRoot = process.getuid?.() === 0;
const POLICY = `${OPEN_POLICY}
p, look, auditor, *, @admin:watch, true, allow, checked
p, aud-login, auditor, *, @login, true, allow, checked
p, aud-session, auditor, *, @session, true, allow, checked
p, aud-exec, auditor, *, @exec, true, allow, checked
p, tell, engineer, *, @watched, true, allow, checked
`;
const CAROL = 31_101;

let broker: TestBroker;
let at: Watching;
beforeEach(() => {
  at = watchingOf(broker);
});
afterEach(async () => {
  at.close();
  await waitUntil(async () => (await broker.json<unknown[]>('sessions')).length === 0);
});
afterAll(() => broker?.stop());
beforeAll(async () => {
  broker = await startBroker({ policy: POLICY, config: { admins: [{ uid: CAROL, user: 'carol' }] } });
});

describe('what ends the watching', () => {
  it.each([
    ['a lock on everyone', ['lock', '--everyone', '--reason', 'drill'], 'locked'],
    ['a kill', ['kill', 'ID', '--reason', 'enough'], 'killed'],
  ])('%s: the watchers hear the cause, and are done', async (_name, words, cause) => {
    const { id } = await at.engineer();
    const [one, two] = [at.watchRaw(id), at.watchRaw(id)];
    await one.waitFor('ready$');
    await two.waitFor('ready$');
    await broker.cli(...words.map((word) => (word === 'ID' ? id : word)));
    for (const watcher of [one, two]) {
      await watcher.waitFor(`sallyport: session closed: ${cause}`);
      expect(await watcher.exit()).toBe(0);
    }
    await waitUntil(() => viewersOf(broker).length === 0);
    const locks = await broker.json<{ id: string }[]>('locks');
    for (const lock of locks) await broker.cli('unlock', lock.id);
  });

  it('a door that dies: the screen is seen to its last byte, and the cause', async () => {
    const { screen, id } = await at.engineer();
    const watcher = at.watchRaw(id);
    await watcher.waitFor('ready$');
    screen.line('echo the-last-word');
    await screen.until(/^the-last-word/m);
    const { doors } = await broker.json<{ doors: { doorPid: number }[] }>('status');
    process.kill(doors[0]?.doorPid ?? 0, 'SIGKILL');
    await watcher.waitFor('session closed: crashed');
    expect(watcher.shown()).toContain('the-last-word');
    expect(await watcher.exit()).toBe(0);
    await waitUntil(async () => (await broker.exec('true')).code === 0);
  });
});

describe.skipIf(!isRoot)('whoever is neither root nor the owner (needs root, to become another uid)', () => {
  let carol: OtherUid;
  beforeAll(async () => {
    const key = join(broker.dir, 'key-carol');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    await broker.cli('user', 'add', 'carol', '--key', `${key}.pub`);
    carol = otherUid(broker, CAROL);
  });

  it('watches by policy alone, for as long as it says so, and the engineer reads the name', async () => {
    const { screen, id } = await at.engineer();
    expect(await carol.cli('watch', id)).toEqual({
      code: 4,
      stdout: '',
      stderr: 'sallyport: watch: refused for carol: no rule allows it\n',
    });
    const granted = await broker.cli('grant', 'carol', '--role', 'auditor', '--for', '1h', '--reason', 'a look');
    const watching = carol.start('--json', 'watch', id);
    let [out, err] = ['', ''];
    watching.stdout.on('data', (chunk) => {
      out += chunk;
    });
    watching.stderr.on('data', (chunk) => {
      err += chunk;
    });
    const ended = new Promise((resolve) => watching.once('close', resolve));
    await screen.until('sallyport: carol is watching this session');
    screen.line('echo seen-by-carol');
    await waitUntil(() => out.includes('"text":"seen-by-carol"'));
    expect((await broker.cli('revoke', granted.stdout.split('\n')[0] ?? '')).code).toBe(0);
    expect(await ended).toBe(4);
    expect(err).toBe('sallyport: watch: refused for carol: no rule allows it\n');
    await screen.until('sallyport: carol is no longer watching this session');
    const before = out.length;
    screen.line('echo unseen');
    await screen.until(/^unseen/m);
    expect(out.length).toBe(before);
    await waitUntil(() => viewersOf(broker).length === 0);
    screen.line('exit');
  });
});

describe('over ssh', () => {
  let dave: Person;
  const open: Emulator[] = [];
  beforeAll(async () => {
    dave = await addPerson(broker, 'dave', 'nobody', ['auditor']);
  });
  afterAll(() => {
    for (const one of open) one.stop();
  });
  const watch = (id: string, size = { cols: 100, rows: 31 }) => {
    const one = openEmulator('ssh', [...dave.sshArgs('-tt'), 'sallyport', 'watch', id], size);
    open.push(one);
    return one;
  };

  it('a session is watched as on the bastion: live, in the size of the terminal, until q', async () => {
    const { screen, id } = await at.engineer();
    screen.line('echo 世界 in colour');
    await screen.until(/^世界 in colour/m);
    const watcher = watch(id);
    await watcher.until(/^世界 in colour/m);
    await screen.until('sallyport: dave is watching this session');
    screen.line('vim -u NONE -i NONE b.txt');
    await screen.until('"b.txt" [New');
    screen.keys('i', 'typed in vim', 'Escape');
    await watcher.until((rows) => rows[0] === 'typed in vim');
    watcher.keys('x', 'q');
    await screen.until('dave is no longer watching');
    expect(screen.rows()[0]).toBe('typed in vim');
    screen.keys(':q!', 'Enter');
    screen.line('exit');
    await waitUntil(() => viewersOf(broker).length === 0);
  });

  it('without a terminal it is the screen as text; not one’s own; not without the right', async () => {
    const { screen, id } = await at.engineer();
    screen.line('echo as text');
    await screen.until(/^as text/m);
    const once = await dave.exec(`sallyport watch ${id} --once`);
    expect(once).toMatchObject({ code: 0, stdout: expect.stringMatching(/^as text$/m) });
    expect(await broker.exec(`sallyport watch ${id}`)).toMatchObject({ code: 4, stdout: '' });
    screen.line('exit');
    await waitUntil(async () => (await broker.json<unknown[]>('sessions')).length === 0);
    expect(await dave.exec('sallyport watch 0')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('the very session you ask from'),
    });
  });
});
