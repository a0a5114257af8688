import { cellsOf, drawRow, type Picture } from './watch-picture.js';

/** Draws a watched session's screen on this terminal, whose size need not be the session's. */
export interface Painter {
  /** What must be sent for the terminal to show that, or its part around the cursor; nothing where it shows it. */
  paint(picture: Picture, size: { cols: number; rows: number }): string;
}

/** A screen of its own, nothing wraps, no cursor but where the session has one. */
export const ENTER = '\u001b[?1049h\u001b[?7l\u001b[0m\u001b[2J';
/** Put right, whatever was drawn last. */
export const LEAVE = '\u001b[0m\u001b[?7h\u001b[?25h\u001b[?1049l';

/** `title` is for the last row: who is watched. */
export function createPainter(title: string): Painter {
  let rows: string[] = [];
  let shape = '';
  let top = 0;
  let left = 0;
  return {
    paint(picture, size) {
      const width = Math.max(1, size.cols);
      // The last row is ours.
      const height = Math.max(1, size.rows - 1);
      top = follow(top, picture.cursor.row, height, picture.rows);
      left = follow(left, picture.cursor.col, width, picture.cols);
      const seen = { top, left, width, height };
      const next = Array.from({ length: height }, (_, y) => rowText(picture, top + y, seen));
      if (size.rows > 1) next.push(statusRow(title, picture, seen));
      const before = `${size.cols}x${size.rows}` === shape ? rows : [];
      const clear = before === rows ? '' : '\u001b[0m\u001b[2J';
      shape = `${size.cols}x${size.rows}`;
      rows = next;
      const drawn = next.map((text, y) => (text === before[y] ? '' : `\u001b[${y + 1};1H${text}`)).join('');
      return `\u001b[?25l${clear}${drawn}${cursorAt(picture, seen)}`;
    },
  };
}

interface Seen {
  top: number;
  left: number;
  width: number;
  height: number;
}

/** Moved no further than the cursor needs; of what fits whole, all is seen. */
function follow(from: number, cursor: number, seen: number, all: number): number {
  const most = Math.max(0, all - seen);
  return Math.max(0, Math.min(most, Math.max(Math.min(from, cursor), cursor - seen + 1)));
}

function rowText({ lines }: Picture, row: number, { left, width }: Seen): string {
  const runs = lines[row] ?? [];
  const rest = cellsOf(runs) - left < width ? '\u001b[K' : '';
  return `\u001b[0m${drawRow(runs, left, width)}${rest}`;
}

function cursorAt({ cursor }: Picture, { top, left, width, height }: Seen): string {
  const row = cursor.row - top;
  const col = cursor.col - left;
  if (!cursor.shown || row < 0 || row >= height || col < 0 || col >= width) return '';
  return `\u001b[${row + 1};${col + 1}H\u001b[?25h`;
}

function statusRow(title: string, picture: Picture, seen: Seen): string {
  const { cols, rows, exact } = picture;
  const late = exact ? [] : ['still reading its beginning'];
  const isCut = cols > seen.width || rows > seen.height;
  const part = `only ${Math.min(cols, seen.width)}x${Math.min(rows, seen.height)} of its ${cols}x${rows} fit here`;
  const words = isCut ? [part, ...late, 'q leaves', title] : [title, `${cols}x${rows}`, ...late, 'q leaves'];
  const text = ` ${words.join(' · ')}`;
  const shown = [...text].slice(0, seen.width).join('');
  return `\u001b[0;7m${shown}${' '.repeat(Math.max(0, seen.width - [...shown].length))}\u001b[0m`;
}
