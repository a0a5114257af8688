import { chmodSync, chownSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { closeFd, setCloexec } from '../os/fd.js';
import { check, libc } from '../os/libc.js';
import type { TerminalModes } from '../wire/pty.js';
import type { PtySize } from '../wire/types.js';
import { applyModes } from './modes.js';

interface Native {
  open(cols: number, rows: number): { master: number; slave: number; pty: string };
}

let native: Native | undefined;

/** node-pty's compiled part alone: its JavaScript would start programs itself, and wait for them. */
function loadNative(): Native {
  const require = createRequire(import.meta.url);
  const root = dirname(require.resolve('node-pty/package.json'));
  native ??= require(join(root, 'build/Release/pty.node')) as Native;
  return native;
}

/** A new terminal. Whoever holds `slave` open keeps output readable after the last program is gone. */
export interface Pty {
  master: number;
  slave: number;
  /** The slave's path, for the program's side to open. */
  path: string;
}

const TCGETS = 0x5401;
const TCSETS = 0x5402;
const IUTF8 = 0o40000;

/** Opens a terminal that no later child inherits, owned by the account; in UTF-8 mode unless the client's modes say otherwise. */
export function openPty(size: PtySize & { modes?: TerminalModes | undefined }, owner?: { uid: number }): Pty {
  const { master, slave, pty } = loadNative().open(size.cols, size.rows);
  try {
    setCloexec(master);
    setCloexec(slave);
    const termios = Buffer.alloc(60);
    check('ioctl(TCGETS)', libc.ioctl(slave, TCGETS, termios));
    termios.writeUInt32LE((termios.readUInt32LE(0) | IUTF8) >>> 0, 0);
    applyModes(termios, size.modes ?? []);
    check('ioctl(TCSETS)', libc.ioctl(slave, TCSETS, termios));
    if (owner && process.getuid?.() !== owner.uid) chownSync(pty, owner.uid, -1);
    chmodSync(pty, 0o620);
  } catch (error) {
    closeFd(master);
    closeFd(slave);
    throw error;
  }
  return { master, slave, path: pty };
}
