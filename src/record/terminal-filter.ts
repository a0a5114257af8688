/**
 * What of a recording may reach an auditor's terminal: characters, colours, cursor movement, erasing, scrolling, the
 * alternate screen. An allow-list: everything else goes, above all what makes a terminal answer (DA, DSR, DECRQM,
 * DECRQSS, XTGETTCAP, ENQ, colour queries), act (clipboard, titles, links, windows, printing, files, images, bells) or
 * read its keyboard and mouse differently. Sequences are ECMA-48 and xterm's ctlseqs.
 */
import { createVtParser } from './vt-parser.js';

export interface TerminalFilter {
  /** What may be shown of the next piece of output, whatever its boundaries. */
  push(text: string): string;
  /** True while the alternate screen is shown. */
  readonly alternate: boolean;
  /** What puts the terminal right again, wherever the output stopped; the filter is as new afterwards. */
  reset(): string;
}

const ESC = '\u001b';
const CSI = `${ESC}[`;

/** BS HT LF VT FF CR SO SI. */
const CONTROLS = new Set([0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f]);
/** Save and restore cursor, index, next line, reverse index. */
const ESCAPES = new Set(['7', '8', 'D', 'E', 'M']);
/** G0 and G1: ASCII, line drawing, UK. */
const CHARSETS = new Set(['0', 'A', 'B']);
/** Numbers a movement may carry: larger ones are no screen's, and make a terminal work for nothing. */
const NUMBERS = /^\d{0,4}(?:;\d{0,4})?$/;
/** Cursor movement, tabs, insert, delete, scroll, erase characters, repeat, position, scroll region. */
const MOVES = 'ABCDEFGHILMPSXZ@`abdefr';
/** What the parameters of a control sequence may be, by intermediates and final; a sequence not here goes. */
const CSI_RULES = new Map<string, RegExp>([
  ...[...MOVES].map((final) => [final, NUMBERS] as const),
  ['m', /^[\d;:]*$/],
  ['J', /^[0-2]?$/], // 3 erases the auditor's scrollback
  ['K', /^[0-2]?$/],
  ['T', /^\d{0,4}$/], // with five numbers: mouse tracking
  ['s', /^$/], // with numbers: side margins
  ['u', /^$/], // with a prefix: kitty's keyboard protocol
  [' q', /^[0-6]?$/],
  ['!p', /^$/],
]);
/** Reverse video, origin, wrap, blinking and visible cursor, reverse wrap, and the alternate screens. */
const DEC_MODES = new Set(['5', '6', '7', '12', '25', '45', '47', '1047', '1048', '1049']);
const ALTERNATE_MODES = new Set(['47', '1047', '1049']);
/** Insert mode. */
const ANSI_MODES = new Set(['4']);

/** Colours, character sets, wrap and cursor: put right whatever was shown. */
const BASICS = `${CSI}0m${ESC}(B${ESC})B\u000f${CSI}?7h${CSI}?25h`;
/** What undoes a mode, where that is not its usual state. */
const UNDO: Record<string, string> = { '5': `${CSI}?5l`, '12': `${CSI}?12l`, '45': `${CSI}?45l` };
/** Explicit directions, which would show the auditor another order than the bytes have. */
const DIRECTIONS = /[\u202a-\u202e\u2066-\u2069]/g;

export function createTerminalFilter(): TerminalFilter {
  let out = '';
  let alternate: string | undefined;
  let margins = false;
  const undo = new Set<string>();

  const parser = createVtParser({
    text(run) {
      out += run.replace(DIRECTIONS, '');
    },
    control(code) {
      if (CONTROLS.has(code)) out += String.fromCharCode(code);
    },
    escape(intermediates, final) {
      if (intermediates === '' && ESCAPES.has(final)) out += ESC + final;
      else if ((intermediates === '(' || intermediates === ')') && CHARSETS.has(final))
        out += ESC + intermediates + final;
      else if (intermediates === '' && final === 'c') out += `${restore()}${CSI}H${CSI}2J`; // RIS itself resets more than the screen
    },
    csi(params, intermediates, final) {
      const sequence = intermediates + final;
      if (sequence === 'h' || sequence === 'l') out += modes(params, sequence);
      else if (CSI_RULES.get(sequence)?.test(params)) {
        if (sequence === 'r') margins = true;
        if (sequence === ' q') undo.add(`${CSI}0 q`);
        out += CSI + params + sequence;
      }
    },
  });

  function modes(params: string, final: 'h' | 'l'): string {
    if (!params.startsWith('?')) {
      if (!params.split(';').some((mode) => ANSI_MODES.has(mode))) return '';
      undo.add(`${CSI}4l`);
      return `${CSI}4${final}`;
    }
    const kept = params
      .slice(1)
      .split(';')
      .filter((mode) => DEC_MODES.has(mode));
    for (const mode of kept) note(mode, final === 'h');
    return kept.map((mode) => `${CSI}?${mode}${final}`).join('');
  }

  function note(mode: string, on: boolean): void {
    if (ALTERNATE_MODES.has(mode)) alternate = on ? mode : undefined;
    if (mode === '6') margins = true;
    const back = UNDO[mode];
    if (back !== undefined) undo.add(back);
  }

  function restore(): string {
    const screen = alternate === undefined ? '' : `${CSI}?${alternate}l`;
    // Resetting margins or origin mode homes the cursor: it goes to the last line, below what was shown.
    const region = margins ? `${CSI}?6l${CSI}r${CSI}9999;1H` : '';
    const modesBack = [...undo].join('');
    alternate = undefined;
    margins = false;
    undo.clear();
    return screen + region + modesBack + BASICS;
  }

  return {
    push(text) {
      parser.push(text);
      const passed = out;
      out = '';
      return passed;
    },
    get alternate() {
      return alternate !== undefined;
    },
    reset() {
      parser.push('\u0018'); // CAN: whatever sequence was begun
      out = '';
      return restore();
    },
  };
}
