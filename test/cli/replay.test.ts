import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../src/core/ids.js';
import { recordingPath } from '../../src/record/index.js';
import { type Scratch, scratch } from './run.js';

const AT = Date.UTC(2026, 0, 5, 9);
const FAST = ['--speed', '100000'];

let at: Scratch;
let id: string;
beforeAll(() => {
  at = scratch();
  at.run('init');
  id = record('[0.1, "o", "one \u009b31m\\r\\n"]', '[0.2, "m", "denied: rm -r / (no-wipe)"]', '[9, "o", "two\\r\\n"]');
});
afterAll(() => at.remove());

function record(...events: string[]): string {
  const session = newId();
  const path = recordingPath(join(at.home, 'recordings'), session, AT);
  mkdirSync(dirname(path), { recursive: true });
  const who = { session, user: 'alice', account: 'alice', target: 'local', source: '127.0.0.1', kind: 'shell' };
  const sallyport = { ...who, pty: true, startedAt: new Date(AT).toISOString() };
  const header = { version: 2, width: 80, height: 24, timestamp: AT / 1000, command: 'make \u0085', sallyport };
  writeFileSync(path, `${[JSON.stringify(header), ...events].join('\n')}\n`);
  return session;
}

const noted = () =>
  at
    .run('--json', 'audit', '--event', 'admin')
    .stdout.split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
    .filter((event) => event.data.verb === 'replay');

describe('replay with the broker down', () => {
  it('plays from the file and notes in the audit log who looked', () => {
    const played = at.run('replay', id, ...FAST);
    expect(played).toMatchObject({ code: 0, stderr: '' });
    expect(played.stdout).toMatch(/one .*two/s);
    const by = process.getuid?.() === 0 ? 'root' : `uid ${process.getuid?.()}`;
    expect(noted()).toMatchObject([{ by, user: 'alice', session: id, target: 'local', text: 'replay the recording' }]);
  });

  it('notes nothing for what is not there', () => {
    const before = noted().length;
    for (const prefix of ['zz', '', '../..']) expect(at.run('replay', prefix).code).toBe(3);
    expect(noted()).toHaveLength(before);
  });

  it('plays, and says so, where the audit log cannot be written', () => {
    const log = join(at.home, 'state/audit.log');
    rmSync(log, { force: true });
    mkdirSync(log);
    const played = at.run('replay', id, ...FAST);
    expect(played.code).toBe(0);
    expect(played.stdout).toContain('two');
    expect(played.stderr).toMatch(/^sallyport: this replay is not in the audit log: [^\n]+\n$/);
    rmSync(log, { recursive: true });
  });

  it('finds a recording by its whole id without looking at the others', () => {
    const damaged = recordingPath(join(at.home, 'recordings'), newId(), AT);
    writeFileSync(damaged, 'no recording\n');
    expect(at.run('replay', id, ...FAST)).toMatchObject({ code: 0, stderr: '' });
    expect(at.run('recordings').stderr).toContain('is not an asciicast v2 recording');
    rmSync(damaged);
  });

  it('shows markers when asked to', () => {
    expect(at.run('replay', id, ...FAST).stdout).not.toContain('no-wipe');
    expect(at.run('replay', id, ...FAST, '--markers').stdout).toContain(' denied: rm -r / (no-wipe) ');
  });
});

describe('--json', () => {
  it('holds what was recorded and no control character a terminal would act on', () => {
    for (const args of [['replay', id], ['recordings']]) {
      const { stdout } = at.run('--json', ...args);
      expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
    }
    const [header, first] = at
      .run('--json', 'replay', id)
      .stdout.split('\n')
      .slice(0, 2)
      .map((line) => JSON.parse(line));
    expect(header.command).toBe('make \u0085');
    expect(first).toMatchObject({
      text: 'one \u009b31m\r\n',
      bytes: Buffer.from('one \u009b31m\r\n').toString('base64'),
    });
  });

  it('of the audit log too', () => {
    at.run('lock', '--everyone', '--reason', 'C1 \u009b31m');
    const { stdout } = at.run('--json', 'audit', '--text', 'C1');
    expect(stdout).not.toContain('\u009b');
    expect(JSON.parse(stdout).reason).toBe('C1 \u009b31m');
  });
});

describe('recordings', () => {
  it('lists what was cut off, too', () => {
    const torn = record('[1, "o", "x"]', '[2, "o"');
    const { code, stdout } = at.run('--json', 'recordings', '--user', 'alice');
    expect(code).toBe(0);
    expect(JSON.parse(stdout).map((r: { id: string }) => r.id)).toEqual([torn, id]);
  });
});
