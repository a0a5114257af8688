import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { TestBroker } from './broker.js';
import { type Emulator, openEmulator } from './emulator.js';
import { openTerminal, type Terminal } from './terminal.js';

const BIN = fileURLToPath(new URL('../../bin/sallyport', import.meta.url));

/** People at terminals of one broker: an engineer, and those who watch. All are gone with `close`. */
export interface Watching {
  /** alice at a prompt, and her session's id. */
  engineer(size?: { cols: number; rows: number }): Promise<{ screen: Emulator; id: string }>;
  /** Whoever runs the tests, watching. */
  watch(id: string, size?: { cols: number; rows: number }): Emulator;
  /** The same in a terminal whose bytes are kept. */
  watchRaw(id: string, ...args: string[]): Terminal;
  close(): void;
}

export function watchingOf(broker: TestBroker): Watching {
  const open: { stop(): void }[] = [];
  const emulator = (program: string, args: string[], size?: { cols: number; rows: number }) => {
    const one = openEmulator(program, args, size);
    open.push(one);
    return one;
  };
  return {
    async engineer(size = { cols: 100, rows: 30 }) {
      const before = new Set((await broker.json<{ id: string }[]>('sessions')).map(({ id }) => id));
      const screen = emulator('ssh', broker.sshArgs('-tt'), size);
      await screen.until('ready$');
      const now = await broker.json<{ id: string }[]>('sessions');
      return { screen, id: now.find(({ id }) => !before.has(id))?.id ?? '' };
    },
    watch: (id, size = { cols: 100, rows: 31 }) =>
      emulator(process.execPath, [BIN, '--home', broker.home, 'watch', id], size),
    watchRaw(id, ...args) {
      const terminal = openTerminal(process.execPath, [BIN, '--home', broker.home, 'watch', id, ...args]);
      open.push({ stop: terminal.kill });
      return terminal;
    },
    close() {
      for (const one of open) one.stop();
    },
  };
}

/** The viewers that this broker has started. */
export function viewersOf(broker: TestBroker): number[] {
  const found: number[] = [];
  for (const name of readdirSync('/proc').filter((one) => /^\d+$/.test(one))) {
    try {
      const isViewer = readFileSync(`/proc/${name}/cmdline`, 'utf8').includes('dist/watch/main.js');
      const parent = /^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${name}/status`, 'utf8'))?.[1];
      if (isViewer && Number(parent) === broker.process.pid) found.push(Number(name));
    } catch {
      // It has ended meanwhile.
    }
  }
  return found;
}
