import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exactBytes } from '../../src/record/index.js';
import { OPEN_POLICY, startBroker, type TestBroker } from '../helpers/broker.js';
import { openTerminal } from '../helpers/terminal.js';

const SECRET = 'hunter2-never-shown';

let broker: TestBroker;
let recorded: { id: string; path: string };

interface Found {
  id: string;
  recording?: string;
  path?: string;
}

beforeAll(async () => {
  broker = await startBroker({ policy: OPEN_POLICY });
  const shell = await broker.shell();
  const [session] = await broker.json<{ id: string; recording: string }[]>('sessions');
  if (!session) throw new Error('no session');
  recorded = { id: session.id, path: session.recording };
  await shell.line('echo visible-$((6*7))', 'visible-42');
  await shell.line('env rm -r nothing', 'sallyport: denied: rm -r nothing, started by env rm -r nothing');
  await shell.line('rm -r x', 'sallyport: denied: rm -r x (no-rm: denied by rule)');
  shell.resize(100, 20);
  await shell.line('stty -echo; echo as""k-me; read -r x; stty echo; echo g""ot-it', 'ask-me\r\n');
  await shell.line(SECRET, 'got-it\r\n');
  await shell.line("printf '\\377\\376 caf\\303\\251\\n'", 'café');
  await shell.line("printf '\\033]52;c;ZXZpbA==\\007\\033[6n\\033]0;title\\007end-of-tricks\\n'", 'end-of-tricks');
  shell.type('exit 4\r');
  expect(await shell.exit()).toBe(4);
  while ((await broker.json<unknown[]>('sessions')).length > 0);
});
afterAll(() => broker.stop());

const lines = () =>
  readFileSync(recorded.path, 'utf8')
    .trim()
    .split('\n')
    .map((l) => JSON.parse(l));

describe('a recording', () => {
  it('is private, in asciicast v2, with resizes and with markers for lines and refusals', () => {
    expect(statSync(recorded.path).mode & 0o777).toBe(0o600);
    const [header, ...events] = lines();
    expect(header).toMatchObject({ version: 2, width: 120, height: 30, sallyport: { user: 'alice', kind: 'shell' } });
    const markers = events.filter((e: unknown[]) => e[1] === 'm').map((e: unknown[]) => String(e[2]));
    expect(markers).toContain('line: echo visible-$((6*7))');
    expect(markers).toContain('denied: rm -r x (no-rm)');
    expect(markers.find((m: string) => m.startsWith('denied: rm -r nothing, started by env'))).toBeTruthy();
    expect(markers.at(-1)).toBe('end: exit (status 4)');
    expect(events.some((e: unknown[]) => e[1] === 'r' && e[2] === '100x20')).toBe(true);
    expect(events.some((e: unknown[]) => e[1] === 'p' && String(e[2]).startsWith('env rm -r nothing'))).toBe(true);
  });

  it('holds what was shown, to the byte, and nothing that was typed unseen', async () => {
    const chunks: Buffer[] = [];
    for await (const chunk of exactBytes(recorded.path, 'out')) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    expect(bytes.includes(Buffer.from([0xff, 0xfe, 0x20]))).toBe(true);
    expect(bytes.toString()).toContain('visible-42');
    expect(readFileSync(recorded.path, 'utf8')).not.toContain(SECRET);
  });

  it('is played by asciinema', async () => {
    const player = openTerminal('asciinema', ['cat', recorded.path], { ...process.env, LC_ALL: 'C.UTF-8' });
    expect(await player.exit()).toBe(0);
    expect(player.shown()).toContain('visible-42');
  });

  it('of a command without a terminal has both streams, exact, large and small', async () => {
    const bytes = randomBytes(2_000_000);
    writeFileSync(join(broker.dir, 'blob'), bytes);
    const { stdout } = await broker.exec('cat >/tmp/blob; cat /tmp/blob | base64 -w0; echo oops >&2', bytes);
    expect(stdout).toBe(bytes.toString('base64'));
    const [latest] = await broker.json<Found[]>('recordings');
    const path = latest?.path ?? latest?.recording ?? '';
    const streams = { out: createHash('sha256'), err: createHash('sha256') };
    for (const stream of ['out', 'err'] as const)
      for await (const chunk of exactBytes(path, stream)) streams[stream].update(chunk);
    expect(streams.out.digest('hex')).toBe(createHash('sha256').update(stdout).digest('hex'));
    expect(streams.err.digest('hex')).toBe(createHash('sha256').update('oops\n').digest('hex'));
  });
});

describe('an auditor', () => {
  it('finds it by user and by command', async () => {
    const ids = async (...args: string[]) => (await broker.json<Found[]>('recordings', ...args)).map((r) => r.id);
    expect(await ids('--user', 'alice')).toContain(recorded.id);
    expect(await ids('--user', 'bob')).toEqual([]);
    expect(await ids('--command', 'visible-')).toEqual([recorded.id]);
    expect(await ids('--until', '2020-01-01')).toEqual([]);
  });

  it('replays it without anything in it acting on the terminal', async () => {
    const { stdout, code } = await broker.cli('replay', recorded.id, '--speed', '1000', '--idle-limit', '0.01');
    expect(code).toBe(0);
    expect(stdout).toContain('visible-42');
    expect(stdout).toContain('end-of-tricks');
    expect(stdout).not.toContain('\x1b]52');
    expect(stdout).not.toContain('\x1b[6n');
    expect(stdout).not.toContain('\x1b]0;');
  });

  it('reads who did what, allowed or refused by which rule, and how it ended', async () => {
    const events = (await broker.cli('--json', 'audit', '--session', recorded.id)).stdout
      .trim()
      .split('\n')
      .map((l) => JSON.parse(l));
    // Who replayed it is in the log, too.
    const flat = events.flat().filter((e: { event: string }) => e.event !== 'admin');
    const kinds = flat.map((e: { event: string }) => e.event);
    expect(kinds[0]).toBe('session-start');
    expect(kinds.at(-1)).toBe('session-end');
    const decisions = flat.filter((e: { event: string }) => e.event === 'decision');
    expect(decisions.map((d: { n: number }) => d.n)).toEqual(decisions.map((_: unknown, i: number) => i + 1));
    expect(decisions.find((d: { text: string }) => d.text === 'rm -r x')).toMatchObject({
      allow: false,
      rule: 'no-rm',
    });
    expect(flat.at(-1)).toMatchObject({ cause: 'exit', data: { status: '4' } });
  });

  it('sees admin acts with their caller and reason', async () => {
    await broker.cli('grant', 'alice', '--role', 'sre', '--for', '1h', '--reason', 'INC-1234 \u001b[31m');
    const { stdout } = await broker.cli('audit', '--event', 'admin');
    expect(stdout).toMatch(/INC-1234 \\e\[31m/);
    expect(stdout).not.toContain('\u001b[31m');
  });
});
