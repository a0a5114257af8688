import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { OPEN_POLICY, startBroker, type TestBroker } from '../helpers/broker.js';
import { statusOf } from '../helpers/processes.js';
import { waitUntil } from '../helpers/until.js';
import { viewersOf, type Watching, watchingOf } from '../helpers/watching.js';

const isRoot = process.getuid?.() === 0;
const OWN = isRoot ? 'root' : `uid ${process.getuid?.()}`;
const POLICY = `${OPEN_POLICY}
p, tell, *, *, @watched, true, allow, checked
p, quiet, *, *, @watched, risk.score >= 80.0, deny, checked
`.replace('risk.score', 'has(risk.score) && risk.score');

let broker: TestBroker;
let at: Watching;
beforeAll(async () => {
  broker = await startBroker({ policy: POLICY });
});
afterAll(() => broker?.stop());
beforeEach(() => {
  at = watchingOf(broker);
});
afterEach(async () => {
  at.close();
  await waitUntil(async () => (await broker.json<unknown[]>('sessions')).length === 0);
});

const audit = async (id: string) => {
  const { stdout } = await broker.cli('--json', 'audit', '--session', id, '--event', 'admin');
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { text: string; by: string });
};

describe('a watcher', () => {
  it('sees the screen as it is, and what happens on it: a full-screen program, wide characters, another size', async () => {
    const { screen, id } = await at.engineer();
    screen.line("printf 'caf\\303\\251 \\344\\270\\226\\347\\225\\214 \\360\\237\\230\\200 |\\n'");
    await screen.until('café 世界 😀 |');
    const watcher = at.watch(id.slice(0, 24));
    await watcher.until('café 世界 😀 |');
    await screen.until(`${OWN} is watching`);
    screen.line('vim -u NONE -i NONE notes.txt');
    await screen.until('"notes.txt" [New');
    screen.keys('i', 'first line', 'Enter', '世界', 'Escape');
    await screen.until('世界');
    await watcher.until((rows) => rows.slice(0, 30).join('\n') === screen.rows().join('\n'));
    await waitUntil(() => isDeepStrictEqual(watcher.cursor(), screen.cursor()));
    expect(watcher.rows().at(-1)).toContain(`watching alice on local, session ${id} · 100x30 · q leaves`);
    screen.keys(':q!', 'Enter');
    await screen.until((rows) => rows.join('\n').includes('ready$') && !rows.join('\n').includes('first line'));
    await watcher.until((rows) => rows.slice(0, 30).join('\n') === screen.rows().join('\n'));
    screen.line('exit');
    const rows = await watcher.until('session closed: exit');
    expect(rows.filter((row) => row !== '')).toEqual(['sallyport: session closed: exit']);
  });

  it('with a smaller terminal sees the part around the cursor, is told so, and nothing is garbled', async () => {
    const { screen, id } = await at.engineer({ cols: 120, rows: 40 });
    screen.line('clear; for i in $(seq 60); do printf "%s%0100d\\n" "line $i " 0; done');
    await screen.until('line 60');
    const watcher = at.watch(id, { cols: 60, rows: 16 });
    await watcher.until('ready$');
    await screen.until('is watching');
    const rows = await watcher.until((all) => all[13]?.endsWith('is watching this session') === true);
    expect(rows.slice(10, 15)).toEqual([
      'line 59 '.padEnd(60, '0'),
      'line 60 '.padEnd(60, '0'),
      'ready$',
      expect.stringContaining('is watching'),
      'ready$',
    ]);
    expect(rows[15]).toContain('only 60x15 of its 120x40 fit here · q leaves');
    screen.line('exit');
    await watcher.until('session closed: exit');
  });

  it('types nothing into the session; q leaves, and the terminal is as it was', async () => {
    const { screen, id } = await at.engineer();
    const watcher = at.watch(id);
    await watcher.until('ready$');
    watcher.keys('echo typed', 'Enter', 'C-d', 'q');
    await watcher.until((rows) => rows.every((row) => row === ''));
    screen.line('echo still here');
    await screen.until(/^still here/m);
    expect(screen.rows().join('\n')).not.toContain('typed');
    await waitUntil(() => viewersOf(broker).length === 0);
    screen.line('exit');
  });

  it('gets text or JSON where there is no terminal', async () => {
    const { screen, id } = await at.engineer();
    screen.line('echo one; echo two');
    await screen.until(/^two/m);
    const once = await broker.cli('watch', id, '--once');
    expect(once).toMatchObject({ code: 0, stderr: '' });
    expect(once.stdout).toMatch(/\none\ntwo\nready\$/);
    expect(once.stdout).not.toContain('\u001b');
    expect((await broker.cli('watch', id)).stderr).toContain('no terminal here');
    const one = await broker.json<{ cols: number; lines: { text: string }[] }>('watch', id, '--once');
    expect(one).toMatchObject({ type: 'screen', cols: 100, rows: 30, exact: true });
    expect(one.lines.map(({ text }) => text)).toContain('two');
    const following = broker.cli('--json', 'watch', id);
    await waitUntil(() => viewersOf(broker).length === 1);
    screen.line('echo three; exit');
    const events = (await following).stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events[0]).toMatchObject({ type: 'session', session: { id, user: 'alice' } });
    expect(events.at(-1)).toEqual({ type: 'end', cause: 'exit' });
    expect(JSON.stringify(events)).toContain('"text":"three"');
  });

  it('of what is not there, or over, hears so', async () => {
    expect(await broker.cli('watch', '01zzzzzz')).toMatchObject({ code: 3, stdout: '' });
    expect(await broker.cli('watch', '../../x')).toMatchObject({ code: 2, stdout: '' });
  });

  it('can do nothing to the session, however slow: another who watches sees all that happens', async () => {
    const { screen, id } = await at.engineer();
    const [stalled, watcher] = [at.watchRaw(id), at.watch(id)];
    await stalled.waitFor('ready$');
    await watcher.until('ready$');
    stalled.child.kill('SIGSTOP');
    screen.line('seq 1 200000; echo d-o-n-e');
    await watcher.until(/^d-o-n-e/m);
    expect(await broker.exec('echo others too')).toMatchObject({ code: 0, stdout: 'others too\n' });
    const from = stalled.shown().length;
    stalled.child.kill('SIGCONT');
    await stalled.waitFor('d-o-n-e', { from, timeoutMs: 20_000 });
    screen.line('exit');
    await stalled.waitFor('session closed: exit');
    expect(await stalled.exit()).toBe(0);
  });

  it('killed leaves nothing behind, and the session goes on', async () => {
    const { screen, id } = await at.engineer();
    const watcher = at.watchRaw(id);
    await watcher.waitFor('ready$');
    expect(viewersOf(broker)).toHaveLength(1);
    const [pid = 0] = await waiting(id);
    process.kill(pid, 'SIGKILL');
    await waitUntil(() => viewersOf(broker).length === 0);
    await waitUntil(async () => (await audit(id)).at(-1)?.text === 'no longer watch the session');
    await screen.until(`${OWN} is no longer watching this session`);
    screen.line('echo on it goes');
    await screen.until(/^on it goes/m);
    screen.line('exit');
  });
});

/** The watch commands that run for a session. */
async function waiting(id: string): Promise<number[]> {
  const { execFileSync } = await import('node:child_process');
  const listed = execFileSync('pgrep', ['-f', `^${process.execPath} .*--home ${broker.home} watch ${id}`]).toString();
  return listed.trim().split('\n').map(Number);
}

describe('who watches', () => {
  it('is in the audit log before anything is seen, and in the recording', async () => {
    const { screen, id } = await at.engineer();
    const watcher = at.watchRaw(id);
    await watcher.waitFor('ready$');
    expect(await audit(id)).toMatchObject([
      { text: 'watch the session', by: OWN, user: 'alice', data: { verb: 'watch' } },
    ]);
    watcher.type('q');
    expect(await watcher.exit()).toBe(0);
    await waitUntil(async () => (await audit(id)).length === 2);
    screen.line('exit');
    await waitUntil(async () => (await broker.json<unknown[]>('sessions')).length === 0);
    const [recording] = await broker.json<{ recording: string }[]>('recordings');
    const text = readFileSync(recording?.recording ?? '', 'utf8');
    expect(text).toContain(`note: ${OWN} watches`);
    expect(text).toContain(`note: ${OWN} no longer watches`);
  });

  it('is told to the engineer where the policy says so, and when it does not any more, no more', async () => {
    const { screen, id } = await at.engineer();
    await broker.cli('context', 'set', 'alice', 'risk.score=90');
    await screen.until('your rights changed');
    screen.line('clear');
    const watcher = at.watch(id);
    await watcher.until('ready$');
    screen.line('echo quiet');
    await screen.until(/^quiet/m);
    await watcher.until(/^quiet/m);
    expect(screen.rows().join('\n')).not.toContain('is watching');
    await broker.cli('context', 'set', 'alice', 'risk.score=10');
    await screen.until(`sallyport: ${OWN} is watching this session`);
    watcher.keys('q');
    await screen.until(`sallyport: ${OWN} is no longer watching this session`);
    screen.line('exit');
  });

  it('is said on the last row of a full-screen program', async () => {
    const { screen, id } = await at.engineer();
    screen.line('vim -u NONE -i NONE a.txt');
    await screen.until('"a.txt" [New');
    screen.keys('i', 'some text', 'Escape');
    // It stands there for some seconds alone.
    const told = screen.until(`${OWN} is watching this session`);
    const watcher = at.watch(id);
    const rows = await told;
    await watcher.until('some text');
    expect(rows[0]).toBe('some text');
    expect(rows.at(-1)).toContain('is watching');
    screen.keys(':q!', 'Enter');
    screen.line('exit');
    await watcher.until('session closed: exit');
  });
});

describe('the process that draws', () => {
  it('has no privilege, and its end is not the session’s', async () => {
    const { screen, id } = await at.engineer();
    const watcher = at.watchRaw(id);
    await watcher.waitFor('ready$');
    const [pid = 0] = viewersOf(broker);
    const status = statusOf(pid);
    expect(status.NoNewPrivs).toBe('1');
    if (isRoot) expect(status.Uid?.split('\t')).not.toContain('0');
    if (isRoot) expect(status.CapEff).toMatch(/^0+$/);
    process.kill(pid, 'SIGKILL');
    await watcher.waitFor("what draws the session's screen has ended");
    expect(await watcher.exit()).toBe(1);
    screen.line('echo alive');
    await screen.until(/^alive/m);
    const again = at.watch(id);
    await again.until(/^alive/m);
    screen.line('exit');
    await again.until('session closed: exit');
  });

  it('passes on nothing a session says to terminals', async () => {
    const { screen, id } = await at.engineer();
    const watcher = at.watchRaw(id);
    await watcher.waitFor('ready$');
    const hostile = [
      '\\033]0;TITLE\\007',
      '\\033]52;c;ZXZpbA==\\007',
      '\\033P$q"p\\033\\\\',
      '\\033Pq#0;2;0;0;0#0!99999~-\\033\\\\',
      '\\033]8;;http://evil\\007',
      '\\033[6n\\033[c\\033[>c\\005\\033[21t',
      '\\033[?1000h\\033[?2004h\\033[9999L',
      '\\302\\23331m\\302\\220$q\\302\\234',
    ];
    screen.line(`printf '${hostile.join('')}'; printf 'e'; printf '\\314\\201%.0s' $(seq 5000); echo; echo over`);
    await screen.until(/^over/m);
    // What the engineer's own terminal answered stands at the prompt.
    screen.keys('C-c');
    screen.line('exit');
    await watcher.waitFor('session closed: exit');
    // What the painter itself says: where, how it looks, clear, the cursor, wrapping and the screen of its own.
    const left = watcher.shown().replace(/\u001b\[(?:[\d;]*[HGmKJ]|\?(?:25|7|1049)[hl])/g, '');
    expect(left).not.toMatch(/[\u0000-\u0009\u000b\u000c\u000e-\u001f\u007f-\u009f]/);
    expect(left.match(/\u0301/g)?.length ?? 0).toBeLessThan(200);
  });
});
