import { type ChildProcess, spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const FIXTURE = fileURLToPath(new URL('../fixtures/in-a-terminal.py', import.meta.url));

/** A program in a real terminal, driven as a person would: type, and look at what has come. */
export interface Terminal {
  readonly child: ChildProcess;
  type(text: string): void;
  resize(cols: number, rows: number): void;
  /** Everything shown so far. */
  shown(): string;
  /** Resolves when `what` has been shown after position `from`; rejects with the screen when it takes too long. */
  waitFor(what: string | RegExp, options?: { from?: number; timeoutMs?: number }): Promise<string>;
  /** Types a line and waits for `what` to be shown after it. */
  line(text: string, what: string | RegExp, timeoutMs?: number): Promise<string>;
  /** The exit status; rejects when the program does not end. */
  exit(timeoutMs?: number): Promise<number>;
  kill(): void;
}

export function openTerminal(program: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): Terminal {
  const child = spawn('python3', [FIXTURE, '120x30', program, ...args], {
    stdio: ['pipe', 'pipe', 'inherit', 'pipe'],
    env: { ...env, TERM: 'xterm-256color' },
  });
  let shown = '';
  const listeners = new Set<() => void>();
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    shown += chunk;
    for (const fn of listeners) fn();
  });
  // A program that ends with something unread resets its end of the pipe.
  for (const stream of child.stdio) stream?.on('error', () => {});
  const ended = new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? -1)));
  const waitFor: Terminal['waitFor'] = (what, { from = 0, timeoutMs = 20_000 } = {}) =>
    new Promise((resolve, reject) => {
      const look = () => {
        const text = shown.slice(from);
        if (typeof what === 'string' ? !text.includes(what) : !what.test(text)) return;
        listeners.delete(look);
        clearTimeout(timer);
        resolve(text);
      };
      const timer = setTimeout(() => {
        listeners.delete(look);
        reject(
          new Error(
            `late: not shown within ${timeoutMs} ms: ${String(what)}; shown: ${JSON.stringify(shown.slice(from))}`,
          ),
        );
      }, timeoutMs);
      listeners.add(look);
      look();
    });
  return {
    child,
    type: (text) => void child.stdin?.write(text),
    resize: (cols, rows) => void (child.stdio[3] as Writable).write(`${cols}x${rows}\n`),
    shown: () => shown,
    waitFor,
    line(text, what, timeoutMs = 20_000) {
      const from = shown.length;
      child.stdin?.write(`${text}\r`);
      return waitFor(what, { from, timeoutMs });
    },
    exit(timeoutMs = 20_000) {
      return new Promise((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new Error(`late: still running after ${timeoutMs} ms; shown: ${JSON.stringify(shown)}`)),
          timeoutMs,
        );
        void ended.then((code) => {
          clearTimeout(timer);
          resolve(code);
        });
      });
    },
    kill: () => void child.kill('SIGKILL'),
  };
}
