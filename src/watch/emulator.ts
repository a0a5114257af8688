import widths from '@xterm/addon-unicode11';
import xterm from '@xterm/headless';
import { MAX_COLS, MAX_ROWS, type Run } from '../wire/watch.js';
import { rowRuns } from './runs.js';
import { createTame } from './tame.js';

/** The screen a session's output makes. */
export interface Emulator {
  /** Takes what has passed the terminal filter; resolves when it is drawn. */
  write(text: string): Promise<void>;
  /** Of a larger screen than is drawn, the upper left. */
  resize(cols: number, rows: number): void;
  readonly cols: number;
  readonly rows: number;
  row(y: number): Run[];
  cursor(): { col: number; row: number; shown: boolean };
  close(): void;
}

/** Characters drawn before other work gets a turn: what costs the emulator most takes a fifth of a second for so many. */
const PIECE = 1_024;
/** Pieces under way at once. */
const AHEAD = 64;

const within = (n: number, most: number) => Math.max(1, Math.min(n, most));

export function createEmulator(cols: number, rows: number): Emulator {
  const terminal = new xterm.Terminal({
    cols: within(cols, MAX_COLS),
    rows: within(rows, MAX_ROWS),
    scrollback: 0,
    allowProposedApi: true,
    // It writes what it does not understand to the console.
    logLevel: 'off',
  });
  terminal.loadAddon(new widths.Unicode11Addon());
  terminal.unicode.activeVersion = '11';
  const tame = createTame();
  let shown = true;
  const show = (on: boolean) => (params: readonly (number | number[])[]) => {
    if (params.includes(25)) shown = on;
    return false;
  };
  terminal.parser.registerCsiHandler({ prefix: '?', final: 'h' }, show(true));
  terminal.parser.registerCsiHandler({ prefix: '?', final: 'l' }, show(false));
  terminal.parser.registerCsiHandler({ intermediates: '!', final: 'p' }, () => {
    shown = true;
    return false;
  });
  const put = (text: string) => new Promise<void>((resolve) => terminal.write(text, resolve));

  return {
    async write(text) {
      const tamed = tame.push(text, terminal);
      let last: Promise<void> | undefined;
      for (let at = 0, n = 1; at < tamed.length; at += PIECE, n += 1) {
        last = put(tamed.slice(at, at + PIECE));
        if (n % AHEAD === 0) await last;
      }
      await last;
    },
    resize(toCols, toRows) {
      terminal.resize(within(toCols, MAX_COLS), within(toRows, MAX_ROWS));
    },
    get cols() {
      return terminal.cols;
    },
    get rows() {
      return terminal.rows;
    },
    row(y) {
      const { active } = terminal.buffer;
      const line = active.getLine(active.baseY + y);
      return line ? rowRuns(line, terminal.cols) : [];
    },
    cursor() {
      const { cursorX, cursorY } = terminal.buffer.active;
      return { col: Math.min(cursorX, terminal.cols - 1), row: cursorY, shown };
    },
    close: () => terminal.dispose(),
  };
}
