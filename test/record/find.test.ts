import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  denialMarker,
  type FindFilter,
  findRecording,
  findRecordings,
  lineMarker,
  locate,
  type Marker,
  recordingPath,
} from '../../src/record/index.js';
import { start, tempDir } from './helpers.js';

const DIGITS = '0123456789abcdefghjkmnpqrstvwxyz';

/** An id as core/ids makes them, of that moment. */
function idAt(ms: number, tail = '0'): string {
  let time = '';
  for (let left = ms, i = 0; i < 10; i++, left = Math.floor(left / 32)) time = DIGITS[left % 32] + time;
  return time + tail.repeat(16);
}

const NOON = Date.UTC(2026, 0, 31, 12);
const HOUR = 3_600_000;

interface Made {
  at: number;
  user?: string;
  target?: string;
  command?: string;
  markers?: Marker[];
  tail?: string;
}

async function make(root: string, made: Made): Promise<string> {
  const id = idAt(made.at, made.tail);
  const path = recordingPath(root, id, made.at);
  mkdirSync(dirname(path), { recursive: true });
  const { user = 'alice', target = 'local', command, at } = made;
  const header = { session: id, startedAt: at, user, target, ...(command === undefined ? {} : { command }) };
  const { recorder } = start({ path, header });
  for (const marker of made.markers ?? []) recorder.marker(marker);
  await recorder.close({ cause: 'exit' });
  return id;
}

async function find(root: string, filter?: FindFilter): Promise<string[]> {
  const ids: string[] = [];
  for await (const entry of findRecordings(root, filter)) ids.push(entry.id);
  return ids;
}

describe('where recordings lie', () => {
  it('is named by the UTC day and the id', () => {
    const id = idAt(NOON);
    expect(recordingPath('/r', id, Date.UTC(2026, 0, 31, 23, 59, 59, 999))).toBe(`/r/2026/01/31/${id}.cast`);
    expect(recordingPath('/r', id, Date.UTC(2026, 1, 1))).toBe(`/r/2026/02/01/${id}.cast`);
  });

  it.each(['', '../../../etc/passwd', 'u'.repeat(26), `${idAt(NOON)}/x`, idAt(NOON).toUpperCase(), `${idAt(NOON)}\n`])(
    'takes no name but an id: %j',
    async (name) => {
      expect(() => recordingPath('/r', name, NOON)).toThrow(/not a session id/);
      await expect(locate('/r', name)).rejects.toThrow(/not a session id/);
    },
  );

  it('is found by id alone, also across midnight and far from the id', async () => {
    const root = tempDir();
    const id = await make(root, { at: NOON });
    expect(await locate(root, id)).toBe(recordingPath(root, id, NOON));
    const late = idAt(NOON + 12 * HOUR - 1);
    const moved = idAt(NOON, '2');
    for (const [sid, at] of [
      [late, NOON + 12 * HOUR],
      [moved, NOON + 900 * HOUR],
    ] as const) {
      const path = recordingPath(root, sid, at);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, '');
      expect(await locate(root, sid)).toBe(path);
    }
    expect(await locate(root, idAt(NOON, '3'))).toBeUndefined();
    expect(await locate(join(root, 'none'), id)).toBeUndefined();
  });
});

describe('finding recordings', () => {
  it('goes from the newest to the oldest, over days, months and years', async () => {
    const root = tempDir();
    const ids = [];
    for (const at of [NOON - 9_000 * HOUR, NOON - 48 * HOUR, NOON, NOON + 1, NOON + 24 * HOUR]) {
      ids.push(await make(root, { at }));
    }
    expect(await find(root)).toEqual(ids.reverse());
    expect(await find(join(root, 'none'))).toEqual([]);
  });

  it('picks by user, target, time and id', async () => {
    const root = tempDir();
    const a = await make(root, { at: NOON, user: 'alice' });
    const b = await make(root, { at: NOON + HOUR, user: 'bob', target: 'db1' });
    const c = await make(root, { at: NOON + 24 * HOUR, user: 'bob' });
    expect(await find(root, { user: 'bob' })).toEqual([c, b]);
    expect(await find(root, { user: 'bob', target: 'db1' })).toEqual([b]);
    expect(await find(root, { since: NOON + HOUR })).toEqual([c, b]);
    expect(await find(root, { until: NOON + HOUR })).toEqual([a]);
    expect(await find(root, { since: NOON, until: NOON + 1 })).toEqual([a]);
    expect(await find(root, { ids: [a, c] })).toEqual([c, a]);
  });

  it('picks by what was typed, refused or given as a command, not by what was noted', async () => {
    const root = tempDir();
    const typed = await make(root, { at: NOON, markers: [lineMarker('sudo systemctl restart web')] });
    const refused = await make(root, {
      at: NOON + 1,
      markers: [denialMarker({ command: 'systemctl stop web', gate: 'exec', why: 'no-rule', parent: 'make' })],
    });
    const exec = await make(root, { at: NOON + 2, command: 'systemctl status' });
    await make(root, { at: NOON + 3, markers: [{ label: 'line: systemctl' }, { label: 'note: systemctl' }] });
    expect(await find(root, { command: 'systemctl' })).toEqual([exec, refused, typed]);
    expect(await find(root, { command: 'systemctl stop' })).toEqual([refused]);
  });

  it('passes over what is not a recording of ours, and reports one it cannot read', async () => {
    const root = tempDir();
    const good = await make(root, { at: NOON });
    const day = dirname(recordingPath(root, good, NOON));
    writeFileSync(join(day, 'notes.txt'), '');
    writeFileSync(join(day, 'evil.cast'), '');
    symlinkSync('/etc/passwd', join(day, `${idAt(NOON, '5')}.cast`));
    symlinkSync('/', join(root, '2025'));
    writeFileSync(join(day, `${idAt(NOON, '6')}.cast`), 'garbage\n');
    const problems: string[] = [];
    const ids: string[] = [];
    for await (const e of findRecordings(root, {}, (error) => problems.push(String(error)))) ids.push(e.id);
    expect(ids).toEqual([good]);
    expect(problems).toEqual([expect.stringContaining('is not an asciicast v2 recording')]);
  });
});

describe('one recording', () => {
  it('is found by its id or the beginning of it, whatever lies beside it', async () => {
    const root = tempDir();
    const [one, two] = [await make(root, { at: NOON }), await make(root, { at: NOON - HOUR, user: 'bob' })];
    const day = dirname(recordingPath(root, one, NOON));
    writeFileSync(join(day, `${idAt(NOON, '6')}.cast`), 'garbage\n');
    expect(await findRecording(root, one)).toMatchObject({ id: one, header: { user: 'alice' } });
    expect(await findRecording(root, two.slice(0, 8))).toMatchObject({ id: two, header: { user: 'bob' } });
    await expect(findRecording(root, one.slice(0, 10))).rejects.toMatchObject({ code: 'usage' });
    for (const nothing of ['', 'zz', '../..', idAt(NOON, '9')])
      await expect(findRecording(root, nothing)).rejects.toMatchObject({ code: 'not-found' });
    await expect(findRecording(root, idAt(NOON, '6'))).rejects.toThrow('is not an asciicast');
  });

  it('is not looked for after the signal', async () => {
    const root = tempDir();
    await make(root, { at: NOON });
    for await (const _ of findRecordings(root, {}, () => {}, AbortSignal.abort())) expect.unreachable();
  });
});
