import { openSync } from 'node:fs';
import widths from '@xterm/addon-unicode11';
import xterm, { type Terminal } from '@xterm/headless';
import { onTestFinished } from 'vitest';
import { type Picture, withView } from '../../src/cli/watch-picture.js';
import type { View } from '../../src/control/watch.js';
import { systemClock } from '../../src/core/clock.js';
import { startViewer, type ViewerLimits } from '../../src/watch/viewer.js';

export interface Looking {
  views: View[];
  /** As a watcher has it who was given every view. */
  picture(): Picture | undefined;
  /** The cause, when all has been drawn. */
  over: Promise<string | undefined>;
  finish(): void;
}

/** A viewer of the recording at `path`, in this process. */
export function look(path: string, limits?: ViewerLimits): Looking {
  const views: View[] = [];
  let picture: Picture | undefined;
  let cause: string | undefined;
  const viewer = startViewer({
    fd: openSync(path, 'r'),
    clock: systemClock(),
    ...(limits === undefined ? {} : { limits }),
    send(message) {
      if (message.type === 'over') cause = message.cause;
      else {
        views.push(structuredClone(message.view));
        picture = withView(picture, message.view);
      }
    },
  });
  onTestFinished(() => viewer.stop());
  return { views, picture: () => picture, over: viewer.done.then(() => cause), finish: viewer.finish };
}

/** An emulator that is told everything, as a terminal is. */
export function bareTerminal(cols: number, rows: number): Terminal {
  const terminal = new xterm.Terminal({ cols, rows, scrollback: 0, allowProposedApi: true, logLevel: 'off' });
  terminal.loadAddon(new widths.Unicode11Addon());
  terminal.unicode.activeVersion = '11';
  onTestFinished(() => terminal.dispose());
  return terminal;
}

export const feed = (terminal: Terminal, data: string | Uint8Array): Promise<void> =>
  new Promise((resolve) => terminal.write(data, resolve));

/** Every cell of a row: its characters, width, colours and attributes. */
export function cellsOfRow(terminal: Terminal, row: number, cols = terminal.cols): string[] {
  const { active } = terminal.buffer;
  const line = active.getLine(active.baseY + row);
  return Array.from({ length: cols }, (_, x) => {
    const cell = line?.getCell(x);
    if (!cell) return 'none';
    const colours = [cell.getFgColorMode(), cell.getFgColor(), cell.getBgColorMode(), cell.getBgColor()];
    const looks = [
      cell.isBold(),
      cell.isDim(),
      cell.isItalic(),
      cell.isUnderline(),
      cell.isBlink(),
      cell.isInverse(),
      cell.isInvisible(),
      cell.isStrikethrough(),
      cell.isOverline(),
    ];
    return `${cell.getChars() || (cell.getWidth() === 0 ? '' : ' ')}|${cell.getWidth()}|${colours.join()}|${looks.map(Number).join('')}`;
  });
}
