import { execFile, execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

/** A program in a terminal with a screen, kept by a tmux of the host: what is asked for is what a person would see. */
export interface Screen {
  /** Sends the bytes of `keys`. */
  type(keys: string): Promise<void>;
  /** Pastes as a terminal does: bracketed where the program asked for it. */
  paste(text: string): Promise<void>;
  resize(cols: number, rows: number): Promise<void>;
  /** The lines that stand on the screen now, blank ones at the end left out. */
  text(): Promise<string>;
  /** With all that scrolled away above it. */
  all(): Promise<string>;
  /** Resolves with the screen when `what` is on it; rejects with it when that takes too long. */
  shows(what: string | RegExp, timeoutMs?: number): Promise<string>;
  /** Forgets what scrolled away. */
  forget(): Promise<void>;
  close(): void;
}

const run = promisify(execFile);
const POLL_MS = 40;

/** Says how the program ended, and holds the screen. tmux itself at times misses the status. */
const HOLD = 'exec 2>&1; "$@"; echo "ended with $?"; exec tail -f /dev/null';

/** `program` in a terminal of 100 by 30. When it has ended, `ended with STATUS` stands below what it showed. */
export function openScreen(program: string, args: readonly string[]): Screen {
  const server = `sallyport-${randomUUID()}`;
  const base = ['-L', server, '-f', '/dev/null'];
  const { TMUX: _, ...env } = process.env;
  const start = ['set', '-g', 'history-limit', '5000', ';', 'new-session', '-d', '-x', '100', '-y', '30'];
  execFileSync('tmux', [...base, ...start, 'sh', '-c', HOLD, 'sh', program, ...args], { env });
  const tmux = async (...words: string[]) => (await run('tmux', [...base, ...words], { env })).stdout;
  const trim = (text: string) => text.trimEnd();
  const screen: Screen = {
    async type(keys) {
      const bytes = [...Buffer.from(keys)].map((byte) => byte.toString(16).padStart(2, '0'));
      await tmux('send-keys', '-H', ...bytes);
    },
    async paste(text) {
      await tmux('set-buffer', '--', text);
      await tmux('paste-buffer', '-p', '-r');
    },
    resize: async (cols, rows) => void (await tmux('resize-window', '-x', String(cols), '-y', String(rows))),
    text: async () => trim(await tmux('capture-pane', '-p')),
    all: async () => trim(await tmux('capture-pane', '-p', '-J', '-S', '-')),
    async shows(what, timeoutMs = 20_000) {
      for (let waited = 0; ; waited += POLL_MS) {
        const text = await screen.text();
        if (typeof what === 'string' ? text.includes(what) : what.test(text)) return text;
        if (waited > timeoutMs) throw new Error(`late: not on the screen: ${String(what)}\n${text}`);
        await sleep(POLL_MS);
      }
    },
    forget: async () => void (await tmux('clear-history')),
    close() {
      execFileSync('tmux', [...base, 'kill-server'], { env, stdio: 'ignore' });
    },
  };
  return screen;
}
