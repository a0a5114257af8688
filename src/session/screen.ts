import type { OutputStream } from './ports.js';

/**
 * What our own lines need to know of the terminal: whether the cursor is at the start of a line and whether a
 * full-screen program is on. Two searches a chunk, no parsing.
 */
export interface Screen {
  saw(chunk: Buffer): void;
  /** `text` as it must be sent so that it stands on a line of its own. */
  line(text: string): Buffer;
  /** Leaves a full-screen program's screen, if one is on; for the last words of a session. */
  restore(): string;
}

const ALT_ON = Buffer.from('\x1b[?1049h');
const ALT_OFF = Buffer.from('\x1b[?1049l');
/** Leave the alternate screen; show the cursor; no colours; no mouse, focus or bracketed-paste reports. */
const RESTORE = '\x1b[?1049l\x1b[?25h\x1b[0m\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1004l\x1b[?1006l\x1b[?2004l';
const NEWLINE = 0x0a;
const RETURN = 0x0d;

export function createScreen(pty: boolean): Screen {
  let atStart = true;
  let alternate = false;
  return {
    saw(chunk) {
      if (chunk.length === 0) return;
      const last = chunk[chunk.length - 1];
      atStart = last === NEWLINE || last === RETURN;
      const on = chunk.lastIndexOf(ALT_ON);
      const off = chunk.lastIndexOf(ALT_OFF);
      if (on !== off) alternate = on > off;
    },
    line(text) {
      const before = atStart ? '' : '\r\n';
      return Buffer.from(pty ? `${before}${text}\r\n` : `${text}\n`);
    },
    restore: () => (pty && alternate ? RESTORE : ''),
  };
}

/** Where our own words go: a pty has one stream, a command without one has stderr. */
export function noticeStream(pty: boolean): OutputStream {
  return pty ? 'out' : 'err';
}
