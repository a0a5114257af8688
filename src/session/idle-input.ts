/**
 * Tells what a person typed from what a terminal sends by itself: answers to queries (cursor position, device
 * attributes, modes, colours, sizes), focus reports and mouse motion. Only the former keeps a session from being idle.
 * Clicks, wheel and keys count. Holds at most MAX_PENDING bytes of an unfinished report between chunks.
 */
const ESC = 0x1b;
const BEL = 0x07;
const ST8 = 0x9c;
/** An unfinished report longer than this is taken as typing. */
const MAX_PENDING = 4_096;

/** CSI finals of reports no key produces: CPR `R`, DA `c`, DSR `n`, window `t`, DECRPM `y`, kitty `u` with `?`. */
const CSI_REPORT = /^\x1b\[(?:[?>=]?[\d;:]*(?:c|n|t|\$y)|\d+;\d+R|\?[\d;]*(?:u|R|S)|[IO]|<(\d+);\d+;\d+[Mm])$/;
/** Bit 5 of a mouse button code: the pointer moved. */
const MOTION_BIT = 32;

/** A whole CSI sequence that no key produces. */
export function isReport(sequence: string): boolean {
  const match = CSI_REPORT.exec(sequence);
  return match !== null && (match[1] === undefined || (Number(match[1]) & MOTION_BIT) !== 0);
}

export interface InputClassifier {
  /** True when the chunk holds something a person did. */
  isTyping(chunk: Buffer): boolean;
}

export function createInputClassifier(): InputClassifier {
  let pending = '';
  return {
    isTyping(chunk) {
      if (pending === '' && !chunk.includes(ESC)) return chunk.length > 0;
      const text = pending + chunk.toString('latin1');
      pending = '';
      let typed = false;
      for (let at = 0; at < text.length; ) {
        const report = readReport(text, at);
        if (report === 'incomplete') {
          pending = text.slice(at);
          // A lone escape is a key as far as anyone can tell; a longer unfinished one may yet be a report.
          if (pending.length === 1 || pending.length > MAX_PENDING) {
            pending = '';
            typed = true;
          }
          break;
        }
        if (report === 0) {
          typed = true;
          at += 1;
        } else at += report;
      }
      return typed;
    },
  };
}

/** The length of the terminal report at `at`; 0 when what stands there is typing. */
function readReport(text: string, at: number): number | 'incomplete' {
  if (text.charCodeAt(at) !== ESC) return 0;
  if (at + 1 >= text.length) return 'incomplete';
  const kind = text[at + 1];
  if (kind === '[') return readCsi(text, at);
  if (kind === ']' || kind === 'P' || kind === '_' || kind === '^' || kind === 'X') return readString(text, at);
  return 0;
}

function readCsi(text: string, at: number): number | 'incomplete' {
  let end = at + 2;
  while (end < text.length && text.charCodeAt(end) >= 0x20 && text.charCodeAt(end) < 0x40) end += 1;
  if (end >= text.length) return 'incomplete';
  const sequence = text.slice(at, end + 1);
  if (sequence === '\x1b[M') return readX10Mouse(text, at);
  return isReport(sequence) ? sequence.length : 0;
}

function readX10Mouse(text: string, at: number): number | 'incomplete' {
  if (at + 6 > text.length) return 'incomplete';
  const button = text.charCodeAt(at + 3) - 32;
  return (button & MOTION_BIT) !== 0 ? 6 : 0;
}

/** OSC, DCS, APC, PM and SOS: no key sends them. */
function readString(text: string, at: number): number | 'incomplete' {
  for (let i = at + 2; i < text.length; i += 1) {
    const c = text.charCodeAt(i);
    if (c === BEL || c === ST8) return i + 1 - at;
    if (c === ESC) {
      if (i + 1 >= text.length) return 'incomplete';
      return text[i + 1] === '\\' ? i + 2 - at : 0;
    }
  }
  return 'incomplete';
}
