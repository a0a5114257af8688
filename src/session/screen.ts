import type { OutputStream } from './ports.js';
import { createTail } from './screen-tail.js';

/**
 * What our own lines need to know of the terminal: what stands on the cursor's line, whether a full-screen program is
 * on, and whether output stopped in the middle of a sequence. A few searches a chunk, no parsing.
 */
export interface Screen {
  saw(chunk: Buffer): void;
  /** `texts` as they must be sent to stand on lines of their own, a prompt they push up drawn again below them. */
  lines(...texts: string[]): Buffer;
  /** `text` where a line begins, the cursor left behind it. */
  opening(text: string): Buffer;
  /** The same as `lines`, for the last words of a session: nothing is drawn again. */
  lastLine(text: string): Buffer;
  /** `text` on the last row of a full-screen program's screen, the cursor left where it was. */
  lastRow(text: string, cols: number, rows: number): Buffer;
  /** A full-screen program is on. */
  readonly full: boolean;
  /** False: the last chunk ended within a sequence or a character, and words of ours would garble it. */
  readonly whole: boolean;
  /** Leaves a full-screen program's screen, if one is on; for the last words of a session. */
  restore(): string;
}

const PRIVATE_MODE = Buffer.from('\x1b[?');
const RESET = Buffer.from('\x1bc');
/** DECSET and DECRST of an alternate screen: by xterm's three numbers, alone or among others. */
const ALTERNATE = /^\x1b\[\?(?:\d+;)*(?:1049|1047|47)(?:;\d+)*([hl])/;
/** Longer than any list of modes a program sets at once. Bytes. */
const MAX_MODES = 64;
const UNFINISHED = /\x1b(?:[ -/]*|\[[0-?]*[ -/]*|[\]PX^_k][^\x07\x1b]*\x1b?)$/;
/** Leave the alternate screen; show the cursor; no colours; no mouse, focus or bracketed-paste reports. */
const RESTORE = '\x1b[?1049l\x1b[?25h\x1b[0m\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1004l\x1b[?1006l\x1b[?2004l';

export function createScreen(pty: boolean): Screen {
  const tail = createTail();
  let full = false;
  /** The end of the last chunk where it may be the beginning of a sequence. */
  let carry: Buffer = Buffer.alloc(0);
  /** Within a title, a link or what is copied, which may be long: no end of it has been seen. */
  let inText = false;

  const turn = (on: boolean) => {
    if (on !== full) on ? tail.leave() : tail.comeBack();
    full = on;
  };
  /** Follows the switches between the screens; what comes between two of them belongs to the one that is on. */
  const follow = (bytes: Buffer) => {
    let from = 0;
    for (let at = bytes.indexOf(PRIVATE_MODE); at >= 0; at = bytes.indexOf(PRIVATE_MODE, at + 1)) {
      const match = ALTERNATE.exec(bytes.toString('latin1', at, at + MAX_MODES));
      if (!match || (match[1] === 'h') === full) continue;
      tail.saw(bytes.subarray(from, at));
      turn(match[1] === 'h');
      from = at + match[0].length;
    }
    const reset = bytes.lastIndexOf(RESET);
    if (reset >= from) turn(false);
    tail.saw(bytes.subarray(from));
  };

  return {
    saw(chunk) {
      if (chunk.length === 0 || !pty) return;
      const end = inText ? endOfText(chunk) : 0;
      inText &&= end === chunk.length && !endsText(chunk);
      if (end > 0) follow(chunk.subarray(0, end));
      if (end === chunk.length) return;
      const rest = end === 0 ? chunk : chunk.subarray(end);
      const bytes = carry.length === 0 ? rest : Buffer.concat([carry, rest]);
      const cut = unfinishedAt(bytes);
      // What is long is not kept, but known to go on.
      inText = bytes.length - cut > MAX_MODES;
      const whole = inText ? bytes.length : cut;
      carry = Buffer.from(bytes.subarray(whole));
      follow(whole === bytes.length ? bytes : bytes.subarray(0, whole));
    },
    lines(...texts) {
      if (!pty) return Buffer.from(texts.map((text) => `${text}\n`).join(''));
      const { before, after } = tail.around();
      return Buffer.concat([Buffer.from(`${before}${texts.join('\r\n')}\r\n`), after]);
    },
    opening: (text) => Buffer.from(`${tail.around().before}${text}`),
    lastLine: (text) => Buffer.from(pty ? `${tail.around().before}${text}\r\n` : `${text}\n`),
    lastRow(text, cols, rows) {
      // Save the cursor, coordinates of the whole screen, the row cleared, our words in reverse, the cursor restored.
      return Buffer.from(`\x1b7\x1b[?6l\x1b[${rows};1H\x1b[0;7m${cutToCells(text, cols - 1)}\x1b[0m\x1b[K\x1b8`);
    },
    get full() {
      return full;
    },
    get whole() {
      return carry.length === 0 && !inText;
    },
    restore: () => (pty && full ? RESTORE : ''),
  };
}

/** Where a sequence or a character begins that the bytes do not finish; their length when they end well. */
function unfinishedAt(bytes: Buffer): number {
  const from = Math.max(0, bytes.length - MAX_MODES);
  const match = UNFINISHED.exec(bytes.toString('latin1', from));
  if (match) return from + match.index;
  const text = openTextAt(bytes);
  if (text >= 0) return text;
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) break;
    if (byte < 0xc0) continue;
    return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

const ESC = 0x1b;
const BELL = 0x07;
/** What begins a title, a link, a copy or another string (OSC, DCS, SOS, PM, APC, and screen's title), after an ESC. */
const TEXT_BEGINS = new Set([...']PX^_k'].map((c) => c.charCodeAt(0)));

/** Where a string begins that does not end in these bytes; -1: none does. */
function openTextAt(bytes: Buffer): number {
  const at = bytes.lastIndexOf(ESC);
  return at >= 0 && TEXT_BEGINS.has(bytes[at + 1] ?? 0) && bytes.indexOf(BELL, at) < 0 ? at : -1;
}

/** How much of the bytes is still of the string they begin in: up to a bell, or to an escape, which ends it in any case. */
function endOfText(bytes: Buffer): number {
  const bell = bytes.indexOf(BELL);
  const esc = bytes.indexOf(ESC);
  if (bell >= 0 && (esc < 0 || bell < esc)) return bell + 1;
  return esc < 0 ? bytes.length : esc;
}

const endsText = (bytes: Buffer): boolean => bytes[bytes.length - 1] === BELL;

/** Cut so that it surely fits: whatever is not ASCII may be two cells wide. */
function cutToCells(text: string, cells: number): string {
  let used = 0;
  let shown = '';
  for (const c of text) {
    used += c >= ' ' && c <= '~' ? 1 : 2;
    if (used > cells - 1) return `${shown}…`;
    shown += c;
  }
  return shown;
}

/** Where our own words go: a pty has one stream, a command without one has stderr. */
export function noticeStream(pty: boolean): OutputStream {
  return pty ? 'out' : 'err';
}
