import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPainter, ENTER } from '../../src/cli/watch-paint.js';
import type { Picture } from '../../src/cli/watch-picture.js';
import { start } from '../record/helpers.js';
import { bareTerminal, cellsOfRow, feed, look } from './helpers.js';

const ESC = '\u001b';
const small = fc.integer({ min: 0, max: 30 });
const text = fc.oneof(
  fc.constantFrom('hello ', 'world', '\r\n', '\n', '\b', '\t', 'a long line that will wrap at the end of it, surely '),
  fc.constantFrom('世界', 'é', 'e\u0301', '😀', 'ﬁ', 'Ω', '한글', '👩\u200d', 'x\u0300\u0301\u0302'),
  fc.string({ maxLength: 5, unit: fc.constantFrom(...'abcXYZ 0#') }),
);
const colours = fc.constantFrom(
  '0',
  '1',
  '1;31',
  '7',
  '38;5;200',
  '48;2;10;20;30',
  '4;9',
  '2;3;5',
  '97;100',
  '39',
  '49',
);
const sequence = fc.oneof(
  colours.map((c) => `${ESC}[${c}m`),
  fc.tuple(small, fc.constantFrom(...'ABCDEFGXPLMST@')).map(([n, final]) => `${ESC}[${n}${final}`),
  fc.tuple(small, small).map(([y, x]) => `${ESC}[${y};${x}H`),
  fc.constantFrom('J', '1J', '2J', 'K', '1K', '2K').map((s) => `${ESC}[${s}`),
  fc.tuple(small, small).map(([a, b]) => `${ESC}[${Math.min(a, b) + 1};${Math.max(a, b) + 2}r`),
  fc.constantFrom('?1049h', '?1049l', '?25l', '?25h', '?7l', '?7h', '?6h', '?6l', '4h', '4l').map((m) => `${ESC}[${m}`),
  fc.constantFrom('7', '8', 'D', 'M', 'E', '(0', '(B').map((s) => ESC + s),
);
/** What a filter takes out changes no screen: titles, clipboards, questions, pictures. */
const nothing = fc.constantFrom(
  `${ESC}]0;a title\u0007`,
  `${ESC}]52;c;aGVsbG8=\u0007`,
  `${ESC}[6n`,
  `${ESC}[c`,
  `${ESC}P$qm${ESC}\\`,
  `${ESC}P0;1q#0;2;0;0;0#0!100~-${ESC}\\`,
  '\u0007',
);
const stream = fc.array(fc.oneof({ weight: 6, arbitrary: text }, { weight: 5, arbitrary: sequence }, nothing), {
  maxLength: 60,
});

describe("a viewer's picture", () => {
  it('is that of a terminal that was told everything, wherever the bytes are split and whenever they come', async () => {
    const splits = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(stream, splits, fc.boolean(), async (pieces, cuts, early) => {
        const bytes = Buffer.from(pieces.join(''));
        const { recorder, path } = start({ header: { width: 40, height: 12 } });
        const seen = early ? look(path) : undefined;
        for (const part of split(bytes, cuts)) {
          recorder.output(part, 'out');
          if (early) await new Promise((resolve) => setImmediate(resolve));
        }
        await recorder.close({ cause: 'exit' });
        const { over, picture } = seen ?? look(path);
        expect(await over).toBe('exit');
        const terminal = bareTerminal(40, 12);
        await feed(terminal, bytes);
        await expectSame(picture(), terminal);
      }),
      { numRuns: 150 },
    );
  });

  it('follows the size of the session', async () => {
    const { recorder, path } = start({ header: { width: 40, height: 12 } });
    const { over, picture } = look(path);
    const terminal = bareTerminal(40, 12);
    for (const [cols, rows] of [
      [80, 24],
      [20, 5],
      [60, 30],
    ] as const) {
      const words = Buffer.from(`${'word '.repeat(30)}\r\nline\r\n`);
      recorder.output(words, 'out');
      recorder.resize(cols, rows);
      await feed(terminal, words);
      terminal.resize(cols, rows);
    }
    await recorder.close({ cause: 'idle' });
    expect(await over).toBe('idle');
    expect(picture()).toMatchObject({ cols: 60, rows: 30, exact: true });
    await expectSame(picture(), terminal);
  });

  it('of a session without a terminal begins each line at its first column', async () => {
    const { recorder, path } = start({ header: { pty: false } });
    recorder.output(Buffer.from('one\ntwo\nthree\n'), 'out');
    await recorder.close({ cause: 'exit' });
    const { over, picture } = look(path);
    await over;
    expect(picture()?.lines.slice(0, 4)).toEqual([[{ text: 'one' }], [{ text: 'two' }], [{ text: 'three' }], []]);
  });
});

/** What the painter makes of it on another terminal, cell by cell. */
async function expectSame(picture: Picture | undefined, terminal: ReturnType<typeof bareTerminal>): Promise<void> {
  if (!picture) throw new Error('there is no picture');
  const { cols, rows } = terminal;
  const shown = bareTerminal(cols, rows + 1);
  await feed(shown, ENTER + createPainter('').paint(picture, { cols, rows: rows + 1 }));
  for (let row = 0; row < rows; row += 1) expect(cellsOfRow(shown, row)).toEqual(cellsOfRow(terminal, row));
  const { cursorX, cursorY } = terminal.buffer.active;
  expect([picture.cursor.col, picture.cursor.row]).toEqual([Math.min(cursorX, cols - 1), cursorY]);
}

function split(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const at = [0, ...cuts.map((cut) => Math.floor(cut * bytes.length)).sort((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, i) => bytes.subarray(at[i], end));
}
