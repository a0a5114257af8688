import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type Picture, plainRows } from '../../src/cli/watch-picture.js';
import type { Recorder } from '../../src/record/index.js';
import { boundedRows } from '../../src/watch/bounded.js';
import { createEmulator } from '../../src/watch/emulator.js';
import { MAX_COLS, MAX_ROWS, MAX_VIEW, type Run, view } from '../../src/wire/watch.js';
import { waitUntil } from '../helpers/until.js';
import { start, tempDir } from '../record/helpers.js';
import { look } from './helpers.js';

const ESC = '\u001b';

const rowsOf = (picture: Picture | undefined) => (picture ? plainRows(picture) : []);

/** What a recording of these bytes looks like at its end. */
async function drawn(bytes: string | Buffer, header = {}) {
  const { recorder, path } = start({ header });
  recorder.output(Buffer.from(bytes), 'out');
  await recorder.close({ cause: 'exit' });
  const seen = look(path);
  await seen.over;
  for (const one of seen.views) expect(view.safeParse(one).success).toBe(true);
  const picture = seen.picture();
  if (!picture) throw new Error('there is no picture');
  return { ...seen, picture };
}

describe('what a session may put on its screen', () => {
  it.each([
    ['a title', `${ESC}]0;evil\u0007`],
    ['the clipboard', `${ESC}]52;c;ZXZpbA==\u0007`],
    ['a question about settings', `${ESC}P$q"p${ESC}\\`],
    ['an image', `${ESC}Pq#0;2;0;0;0${'#0!99999~-'.repeat(1_000)}${ESC}\\`],
    ['a link', `${ESC}]8;;http://evil${ESC}\\`],
    ['where the cursor is', `${ESC}[6n${ESC}[c${ESC}[>c${ESC}[?2026$p\u0005`],
    ['mouse and paste', `${ESC}[?1000h${ESC}[?1006h${ESC}[?2004h`],
  ])('reaches no watcher: %s', async (_name, bytes) => {
    const { views, picture } = await drawn(`before ${bytes}after`);
    expect(plainRows(picture)).toEqual(['before after']);
    expect(JSON.stringify(views)).not.toMatch(/[\u0000-\u001f\u007f-\u009f]|\\u00[01]|evil|99999/);
  });

  it('as often as no screen has room for takes no longer than drawing it once', async () => {
    const emulator = createEmulator(MAX_COLS, MAX_ROWS);
    const begun = performance.now();
    for (const final of 'LMST@PXbIZ') await emulator.write(`a${ESC}[9999${final}`.repeat(50));
    // Unbounded it is 85 ms for each of some.
    expect(performance.now() - begun).toBeLessThan(6_000);
    emulator.close();
  });

  it('keeps few of endless marks', async () => {
    const many = '\u0301'.repeat(200_000);
    const { picture } = await drawn(`e${many}${`${ESC}[D${ESC}[C\u0301`.repeat(20_000)}x${'\u200d'.repeat(100_000)}.`);
    const [row = []] = picture.lines;
    expect(row.map(({ text }) => text).join('').length).toBeLessThan(30);
    expect(plainRows(picture).join('')).toMatch(/^e.*x.*\.$/s);
  });

  it('is drawn no larger than is sensible', async () => {
    const { picture } = await drawn(`${ESC}[9999;9999Hx`, { width: 10_000, height: 10_000 });
    expect(picture).toMatchObject({ cols: MAX_COLS, rows: MAX_ROWS });
  });

  it('costs no more than a view may, however coloured', () => {
    const row = (y: number): Run[] =>
      Array.from({ length: MAX_COLS }, (_, x) => ({
        text: `${x % 2 === 0 ? '😀' : 'e'}${'\u0301'.repeat(8)}`,
        style: `1;2;3;4;38;2;${x % 256};${y};${y};48;2;${x % 256};${y};100`,
        joined: true,
      }));
    const rows = Array.from({ length: MAX_ROWS }, (_, y) => row(y));
    const bounded = boundedRows(rows);
    expect(JSON.stringify(bounded).length).toBeLessThan(MAX_VIEW * 1.5);
    expect(bounded.map((runs) => [...runs.map((r) => r.text).join('')].length)).toEqual(rows.map(() => MAX_COLS));
    expect(bounded[0]?.[0]?.style).toBeUndefined();
    const modest = rows.slice(0, 2);
    expect(boundedRows(modest)).toBe(modest);
  });
});

describe('a session that tries to keep its viewer from work', () => {
  /** The longest time for which nothing else got a turn, ms, until all of it is drawn. */
  async function longestBreath(fill: (recorder: Recorder) => void): Promise<number> {
    const { recorder, path } = start({ header: { width: MAX_COLS, height: MAX_ROWS } });
    fill(recorder);
    recorder.output(Buffer.from(`${ESC}[?1049h${ESC}[Hseen`), 'out');
    const { picture, over, finish } = look(path);
    finish();
    let longest = 0;
    let last = performance.now();
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 5);
    await over;
    clearInterval(timer);
    expect(rowsOf(picture())).toEqual(['seen']);
    return longest;
  }

  it.each([
    ['lines inserted', (r: Recorder) => r.output(Buffer.from(`${ESC}[9999L`.repeat(3_000)), 'out')],
    ['screens switched', (r: Recorder) => r.output(Buffer.from(`${ESC}[?1049h${ESC}[?1049l`.repeat(1_000)), 'out')],
    ['screens cleared', (r: Recorder) => r.output(Buffer.from(`x${ESC}[2J`.repeat(3_000)), 'out')],
    [
      'sizes changed',
      (r: Recorder) => {
        for (let n = 0; n < 20_000; n += 1) r.resize(100 + (n % 300), 50 + (n % 100));
      },
    ],
    [
      'sizes changed and a little shown',
      (r: Recorder) => {
        for (let n = 0; n < 500; n += 1) {
          r.resize(100 + (n % 300), 50 + (n % 100));
          r.output(Buffer.from('x'), 'out');
        }
      },
    ],
  ])('does not: %s', async (_name, fill) => {
    // The keeper waits 5 s for a sign of life.
    expect(await longestBreath(fill)).toBeLessThan(2_500);
  });
});

describe('a recording that is not as it should be', () => {
  it('is drawn for what it is: torn, damaged, with a line without end', async () => {
    const { recorder, path } = start();
    recorder.output(Buffer.from('good\r\n'), 'out');
    await new Promise((resolve) => setImmediate(resolve));
    appendFileSync(
      path,
      `not json\n[1, "o"\n["x", "o", "y"]\n[2, "o", ${'x'.repeat(100)}\n[3.0, "o", "better"]\n[4, "o", "to`,
    );
    const { over, picture, finish } = look(path);
    finish();
    expect(await over).toBeUndefined();
    expect(rowsOf(picture())).toEqual(['good', 'better']);
  });

  it('is waited for while it has no header, and refused when that is none', async () => {
    const path = join(tempDir(), 'empty.cast');
    writeFileSync(path, '');
    const waiting = look(path);
    await sleep(50);
    expect(waiting.views).toEqual([]);
    appendFileSync(path, '{"version": 1}\n');
    await expect(waiting.over).rejects.toThrow('no header');
  });
});

describe('a long recording', () => {
  const limits = { behind: 200_000, tail: 20_000 };
  const lines = (n: number) => Array.from({ length: n }, (_, i) => `line ${i} of many ${'.'.repeat(i % 40)}`);

  it('is shown from its end at once, and exactly when all of it has been drawn', async () => {
    const { recorder, path } = start();
    // A program that draws its frame once and then changes what is within it alone.
    recorder.resize(100, 24);
    recorder.output(Buffer.from(`${ESC}[?1049h${ESC}[1;1HTITLE${ESC}[24;1HFOOTER${ESC}[2;20r`), 'out');
    for (const line of lines(60_000)) recorder.output(Buffer.from(`${ESC}[20;1H\n${line}`), 'out');
    const { views, picture, finish, over } = look(path, limits);
    await waitUntil(() => views.at(-1)?.exact === true);
    expect(views[0]).toMatchObject({ exact: false, cols: 100, rows: 24 });
    expect(JSON.stringify(views[0]?.lines)).toContain('line 59999');
    expect(JSON.stringify(views[0]?.lines)).not.toContain('TITLE');
    const rows = rowsOf(picture());
    expect([rows[0], rows[19], rows[23]]).toEqual(['TITLE', expect.stringContaining('line 59999'), 'FOOTER']);
    finish();
    await over;
  });

  it('that grows faster than it is drawn is seen from where it is now', async () => {
    const { recorder, path } = start();
    const { views, picture, finish, over } = look(path, limits);
    const all = lines(80_000);
    for (const [i, line] of all.entries()) {
      recorder.output(Buffer.from(`${line}\r\n`), 'out');
      if (i % 5_000 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    recorder.output(Buffer.from('the end'), 'out');
    await waitUntil(() => rowsOf(picture()).at(-1) === 'the end' && picture()?.exact === true);
    expect(views.some(({ exact }) => !exact)).toBe(true);
    // What scrolled by is not all sent.
    expect(views.length).toBeLessThan(500);
    finish();
    await over;
  });
});
