import type { IBufferCell, IBufferLine } from '@xterm/headless';
import type { Run } from '../wire/watch.js';

/** A row as runs of characters that look alike, blanks at its end left out. */
export function rowRuns(line: IBufferLine, cols: number): Run[] {
  const runs: Run[] = [];
  let blanks = 0;
  let cell: IBufferCell | undefined;
  for (let x = 0; x < cols; x += 1) {
    cell = line.getCell(x, cell);
    if (!cell) break;
    // The right half of a wide character.
    if (cell.getWidth() === 0) continue;
    const chars = cell.getChars() || ' ';
    const style = styleOf(cell);
    if (chars === ' ' && style === '') {
      blanks += 1;
      continue;
    }
    if (blanks > 0) add(runs, ' '.repeat(blanks), '', false);
    blanks = 0;
    add(runs, chars, style, cell.getWidth() === 2);
  }
  return runs;
}

/** Joins what looks as the run before it; a character with marks stays alone. */
function add(runs: Run[], text: string, style: string, wide: boolean): void {
  const last = runs.at(-1);
  const joined = text.length > 1 && text.trimEnd() !== '' && [...text].length > 1;
  if (last && !joined && !last.joined && (last.style ?? '') === style && (last.wide ?? false) === wide) {
    last.text += text;
    return;
  }
  runs.push({
    text,
    ...(style === '' ? {} : { style }),
    ...(wide ? { wide } : {}),
    ...(joined ? { joined } : {}),
  });
}

/** Attributes in the order of their numbers in SGR (ECMA-48; 53 is xterm's overline). */
function styleOf(cell: IBufferCell): string {
  if (cell.isAttributeDefault()) return '';
  const codes: number[] = [];
  if (cell.isBold()) codes.push(1);
  if (cell.isDim()) codes.push(2);
  if (cell.isItalic()) codes.push(3);
  if (cell.isUnderline()) codes.push(4);
  if (cell.isBlink()) codes.push(5);
  if (cell.isInverse()) codes.push(7);
  if (cell.isInvisible()) codes.push(8);
  if (cell.isStrikethrough()) codes.push(9);
  if (cell.isOverline()) codes.push(53);
  if (!cell.isFgDefault()) codes.push(...colour(cell.getFgColor(), cell.isFgRGB(), 30));
  if (!cell.isBgDefault()) codes.push(...colour(cell.getBgColor(), cell.isBgRGB(), 40));
  return codes.join(';');
}

/** `base` is 30 for the character, 40 for what is behind it. */
function colour(value: number, rgb: boolean, base: 30 | 40): number[] {
  if (rgb) return [base + 8, 2, (value >> 16) & 255, (value >> 8) & 255, value & 255];
  if (value < 8) return [base + value];
  return value < 16 ? [base + 60 + value - 8] : [base + 8, 5, value];
}
