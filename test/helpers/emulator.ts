import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sleep, systemClock } from '../../src/core/clock.js';

/** A program in a terminal emulator (tmux), looked at as a person does: by what stands on the screen now. */
export interface Emulator {
  /** tmux send-keys arguments: texts and key names such as `Enter`, `Escape`, `C-b`. */
  keys(...keys: string[]): void;
  /** Types a line and Enter. */
  line(text: string): void;
  /** The rows of the screen, without blanks at their ends. */
  rows(): string[];
  /** Row and column of the cursor, from 0. */
  cursor(): { row: number; column: number };
  /** Waits until `what` is on the screen; the rows then. */
  until(what: RegExp | string | ((rows: string[]) => boolean)): Promise<string[]>;
  stop(): void;
}

const clock = systemClock();
/** tmux runs its commands by SHELL, and the caller's own may be nologin. */
const ENV = { PATH: '/usr/local/bin:/usr/bin:/bin', TERM: 'xterm-256color', LANG: 'C.UTF-8', SHELL: '/bin/bash' };
const PATIENCE_MS = 20_000;

export function openEmulator(program: string, args: readonly string[], size = { cols: 100, rows: 24 }): Emulator {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-screen-'));
  const tmux = (...words: string[]) =>
    execFileSync('tmux', ['-S', join(dir, 'socket'), '-f', '/dev/null', ...words], { encoding: 'utf8', env: ENV });
  const quoted = [program, ...args].map((w) => `'${w.replaceAll("'", `'\\''`)}'`).join(' ');
  tmux('new-session', '-d', '-x', String(size.cols), '-y', String(size.rows), `${quoted}; sleep 1000`);
  tmux('set', '-g', 'status', 'off');
  tmux('set', '-s', 'escape-time', '0');
  const rows = () => {
    const lines = tmux('capture-pane', '-p').split('\n').slice(0, -1);
    return lines.map((line) => line.trimEnd());
  };
  return {
    keys: (...keys) => void tmux('send-keys', ...keys),
    line(text) {
      tmux('send-keys', '-l', text);
      tmux('send-keys', 'Enter');
    },
    rows,
    cursor() {
      const [row = 0, column = 0] = tmux('display-message', '-p', '#{cursor_y} #{cursor_x}').split(' ').map(Number);
      return { row, column };
    },
    async until(what) {
      const holds = (shown: string[]) => {
        if (typeof what === 'function') return what(shown);
        const text = shown.join('\n');
        return typeof what === 'string' ? text.includes(what) : what.test(text);
      };
      const end = clock.mono() + PATIENCE_MS;
      for (let shown = rows(); ; shown = rows()) {
        if (holds(shown)) return shown;
        if (clock.mono() > end) throw new Error(`late: the screen never showed ${String(what)}:\n${shown.join('\n')}`);
        await sleep(clock, 30);
      }
    },
    stop() {
      try {
        tmux('kill-server');
      } catch {
        // It ended with its program.
      }
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
