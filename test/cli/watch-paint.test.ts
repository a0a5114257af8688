import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPainter, ENTER, LEAVE } from '../../src/cli/watch-paint.js';
import { type Picture, plainRow, withView } from '../../src/cli/watch-picture.js';
import type { Run } from '../../src/control/watch.js';
import { bareTerminal, cellsOfRow, feed } from '../watch/helpers.js';

const run: fc.Arbitrary<Run> = fc.oneof(
  fc.record(
    { text: fc.constantFrom('a', 'hello', '   ', '|', 'wörld'), style: fc.constantFrom('1', '7', '31;44', '38;5;99') },
    { requiredKeys: ['text'] },
  ),
  fc.record({ text: fc.constantFrom('世', '世界', '😀'), wide: fc.constant(true as const) }),
  fc.record({ text: fc.constantFrom('e\u0301', 'x\u0300\u0301'), joined: fc.constant(true as const) }),
);
const picture: fc.Arbitrary<Picture> = fc
  .record({
    cols: fc.integer({ min: 20, max: 60 }),
    rows: fc.integer({ min: 1, max: 20 }),
    at: fc.tuple(fc.nat(19), fc.nat(19)),
    lines: fc.array(fc.array(run, { maxLength: 4 }), { minLength: 20, maxLength: 20 }),
  })
  .map(({ cols, rows, at: [col, row], lines }) => ({
    cols,
    rows,
    cursor: { col, row: row % rows, shown: true },
    exact: true,
    lines: lines.slice(0, rows),
  }));
const size = fc.record({ cols: fc.integer({ min: 2, max: 70 }), rows: fc.integer({ min: 2, max: 25 }) });

const still = (rows: Run[][], cols = 20): Picture => ({
  cols,
  rows: rows.length,
  cursor: { col: 0, row: 0, shown: true },
  exact: true,
  lines: rows,
});

/** A picture alone on a terminal as large as it, or larger. */
async function alone(shown: Picture) {
  const terminal = bareTerminal(Math.max(shown.cols, 62), shown.rows + 1);
  await feed(terminal, ENTER + createPainter('t').paint(shown, { cols: terminal.cols, rows: terminal.rows }));
  return terminal;
}

describe('the painter', () => {
  it('shows on a terminal of any size the part around the cursor, as it is, whatever was there before', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(picture, { minLength: 1, maxLength: 4 }), size, async (pictures, { cols, rows }) => {
        const terminal = bareTerminal(cols, rows);
        const painter = createPainter('watching');
        await feed(terminal, ENTER);
        for (const shown of pictures) {
          await feed(terminal, painter.paint(shown, { cols, rows }));
          const { cursorX, cursorY } = terminal.buffer.active;
          const [left, top] = [shown.cursor.col - cursorX, shown.cursor.row - cursorY];
          expect(left).toBeGreaterThanOrEqual(0);
          expect(top).toBeGreaterThanOrEqual(0);
          const whole = await alone(shown);
          for (let row = 0; row < rows - 1; row += 1) {
            const all = row + top < shown.rows ? cellsOfRow(whole, row + top) : [];
            expect(cellsOfRow(terminal, row).map(known)).toEqual(cut(all, left, cols));
          }
        }
      }),
      { numRuns: 120 },
    );
  });

  it('sends nothing of rows that look as they did', () => {
    const painter = createPainter('t');
    const size = { cols: 40, rows: 10 };
    const before = still([[{ text: 'one' }], [{ text: 'two' }]]);
    painter.paint(before, size);
    const after = withView(before, { ...before, lines: [[1, [{ text: 'TWO' }]]] });
    const sent = painter.paint(after, size);
    expect(sent).toContain('TWO');
    expect(sent).not.toContain('one');
  });

  it('lets nothing through but characters, whatever it is given', () => {
    const evil = '\u001b]52;c;x\u0007\u009b31m\r\n\u202e\ud800x';
    const runs: Run[] = [
      { text: evil, style: '1m\u001b]0;x\u0007' as never },
      { text: evil, joined: true },
    ];
    const sent = createPainter('t').paint(still([runs]), { cols: 80, rows: 5 });
    expect(sent.replace(/\u001b\[(?:[\d;]*[HGmKJ]|\?25[hl])/g, '')).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
    expect(plainRow(runs)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
  });

  it('leaves the terminal as it was', async () => {
    const terminal = bareTerminal(30, 5);
    await feed(terminal, 'before');
    await feed(terminal, ENTER + createPainter('t').paint(still([[{ text: 'x', style: '7' }]]), { cols: 30, rows: 5 }));
    await feed(terminal, `${LEAVE}!`);
    expect(terminal.buffer.active.getLine(0)?.translateToString(true)).toBe('before!');
    expect(terminal.modes.wraparoundMode).toBe(true);
  });
});

const BLANK = ' |1|0,-1,0,-1|000000000';
/** A cell that was never written looks as one that was erased. */
const known = (cell: string): string =>
  cell.startsWith('|1|') || cell.startsWith(' |1|') ? ` ${cell.replace(/^ ?/, '')}` : cell;

function cut(cells: readonly string[], left: number, width: number): string[] {
  const part = cells.slice(left, left + width).map(known);
  while (part.length < width) part.push(BLANK);
  // Half a wide character at either end is a blank with its looks.
  const first = part[0] ?? BLANK;
  const last = part.at(-1) ?? BLANK;
  if (first.startsWith('|0|')) part[0] = ` |1|${looks(cells[left - 1] ?? BLANK)}`;
  if (/^[^|]*\|2\|/.test(last)) part[part.length - 1] = ` |1|${looks(last)}`;
  return part;
}

const looks = (cell: string): string => cell.split('|').slice(2).join('|');
