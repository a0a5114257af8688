/**
 * Output that has passed the terminal filter, made harmless for the emulator too, which does as often as it is told what no
 * screen has room for, and keeps every mark that is put on a character.
 */

/** Marks kept on one character. More than any script stacks. */
const MAX_MARKS = 8;
/** Insert, delete, scroll, tabs, repeat, …: how often. The emulator takes 85 ms for `ESC [ 9999 L`. */
const COUNTED = /\u001b\[(\d{2,4})(?=([A-Za-z@`]))/g;
/** Of lines. */
const VERTICAL = 'LMST';
/** What takes no cell of its own, as far as any table of widths says. */
const MARKS = /[\p{M}\p{Cf}\p{Default_Ignorable_Code_Point}\u1160-\u11ff\ud7b0-\ud7ff]/u;
/** One escape sequence or control, or one character. */
const PIECES = /\u001b\[[0-?]*[ -/]*[@-~]|\u001b[ -/]*[0-~]|[\s\S]/gu;
const PLAIN = /^[\u0000-\u007f]*$/;
/** Ends with a character, not with a sequence or a control. */
const ENDS_IN_TEXT = /[ -~]$/;
const ENDS_IN_SEQUENCE = /\u001b(?:\[[0-?]*[ -/]*[@-~]|[ -/]*[0-~])$/;
/** Longer than any sequence that passes the filter. */
const LONGEST = 300;

export interface Tame {
  /** `text` ends with no sequence begun, as the filter's does. */
  push(text: string, screen: { cols: number; rows: number }): string;
}

export function createTame(): Tame {
  /** Marks on the last character; MAX_MARKS where there is none to put them on. */
  let marks = MAX_MARKS;
  const one = (piece: string): string => {
    if (piece < ' ') marks = MAX_MARKS;
    else if (!MARKS.test(piece)) marks = 0;
    else {
      marks += 1;
      return marks > MAX_MARKS ? '' : piece;
    }
    return piece;
  };
  return {
    push(text, { cols, rows }) {
      const most = Math.max(cols, rows);
      const counted = text.replace(COUNTED, (whole, n: string, final: string) => {
        const times = Math.min(Number(n), VERTICAL.includes(final) ? rows : most);
        return final === 'm' ? whole : `\u001b[${times}`;
      });
      if (!PLAIN.test(counted)) return counted.replace(PIECES, one);
      if (counted !== '') marks = endsInText(counted.slice(-LONGEST)) ? 0 : MAX_MARKS;
      return counted;
    },
  };
}

const endsInText = (tail: string): boolean => ENDS_IN_TEXT.test(tail) && !ENDS_IN_SEQUENCE.test(tail);
