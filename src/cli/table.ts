/** Plain aligned columns. Every cell is escaped: what users and files hold never reaches the terminal raw. */
import { escapeText } from '../core/escape.js';

/** Longest cell; the last column, usually a reason or a command, may be longer. Unit: characters. */
const MAX_CELL = 60;
const MAX_LAST_CELL = 200;

/** Lines, the header first, without newlines; `empty` alone when there are no rows. */
export function table(header: readonly string[], rows: readonly (readonly string[])[], empty: string): string[] {
  if (rows.length === 0) return [empty];
  const last = header.length - 1;
  const cells = [header, ...rows].map((row) =>
    header.map((_, i) => escapeText(row[i] ?? '', i === last ? MAX_LAST_CELL : MAX_CELL)),
  );
  const widths = header.map((_, i) => Math.max(...cells.map((row) => width(row[i] ?? ''))));
  return cells.map((row) =>
    row
      .map((cell, i) => (i === last ? cell : pad(cell, widths[i] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}

/** Name and value pairs, one a line, values aligned. Pairs without a value are left out. */
export function fields(pairs: readonly (readonly [string, string | undefined])[]): string[] {
  const shown = pairs.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
  const widest = Math.max(0, ...shown.map(([name]) => name.length));
  return shown.map(([name, value]) => `${pad(name, widest)}  ${escapeText(value, 500)}`);
}

// Code points, not columns: double-width characters may misalign a line, never break it.
const width = (text: string) => [...text].length;
const pad = (text: string, to: number) => text + ' '.repeat(Math.max(0, to - width(text)));
