/** A watched session's screen as the command line holds it, and its rows as text. */
import type { Run, View } from '../control/watch.js';

export interface Picture extends Omit<View, 'lines'> {
  lines: readonly (readonly Run[])[];
}

/** The picture after a view, of which the first holds every row. */
export function withView(before: Picture | undefined, { lines: changed, ...rest }: View): Picture {
  const isSameSize = before?.cols === rest.cols && before.rows === rest.rows;
  const lines: (readonly Run[])[] = isSameSize ? [...before.lines] : Array.from({ length: rest.rows }, () => []);
  for (const [row, runs] of changed) if (row < rest.rows) lines[row] = runs;
  return { ...rest, lines };
}

/** What no character on a screen is: controls, separators, and what turns the direction of others. */
const UNSAFE =
  /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
const STYLE = /^[\d;]*$/;

/** Whatever the broker says, it moves nothing and asks nothing on this terminal. */
const safe = (text: string): string => text.replace(UNSAFE, '\ufffd');

export function plainRow(runs: readonly Run[]): string {
  return safe(runs.map((run) => run.text).join('')).trimEnd();
}

/** Without the empty rows at its end. */
export function plainRows({ lines }: Picture): string[] {
  const rows = lines.map(plainRow);
  return rows.slice(0, rows.findLastIndex((row) => row !== '') + 1);
}

/** The cells `from` to `from + width` of a row, drawn from the first column on; a wide character that is cut is a blank. */
export function drawRow(runs: readonly Run[], from: number, width: number): string {
  let out = '';
  let x = 0;
  for (const run of runs) {
    if (x >= from + width) break;
    const cells = run.wide ? 2 : 1;
    const characters = run.joined ? [run.text] : [...run.text];
    const start = x;
    x += characters.length * cells;
    const shown = characters.map((c, i) => clip(c, start + i * cells, cells, from, width)).join('');
    if (shown === '') continue;
    const style = run.style !== undefined && STYLE.test(run.style) ? `\u001b[${run.style}m` : '';
    // Terminals disagree about what is wide: what follows is put where it belongs.
    const place = /^[ -~]*$/.test(shown) ? '' : `\u001b[${Math.min(x - from, width - 1) + 1}G`;
    out += style === '' ? shown + place : `${style}${shown}\u001b[0m${place}`;
  }
  return out;
}

function clip(character: string, x: number, cells: number, from: number, width: number): string {
  if (x >= from && x + cells <= from + width) return safe(character);
  return ' '.repeat(Math.max(0, Math.min(x + cells, from + width) - Math.max(x, from)));
}

/** Cells up to the last that is drawn. */
export function cellsOf(runs: readonly Run[]): number {
  return runs.reduce((sum, run) => sum + (run.joined ? 1 : [...run.text].length) * (run.wide ? 2 : 1), 0);
}
