/** The kernel's rules for a file that begins with `#!`. */

/** BINPRM_BUF_SIZE: what the kernel looks at. */
export const HEAD_SIZE = 256;

export interface Shebang {
  interpreter: string;
  /** Everything after the interpreter, as one word. */
  argument?: string;
}

/** An ELF file of 32-bit words: i386, arm, x32. */
export const isNarrow = (head: Buffer): boolean =>
  head.length > 4 && head.readUInt32BE(0) === 0x7f45_4c46 && head[4] === 1;

const BLANK = /[ \t]/;

/** The interpreter line in a file's first bytes; undefined when there is none the kernel would take. */
export function parseShebang(head: Buffer): Shebang | undefined {
  if (head.length < 3 || head[0] !== 0x23 || head[1] !== 0x21) return undefined;
  const text = head.toString('latin1', 2, Math.min(head.length, HEAD_SIZE));
  const newline = text.indexOf('\n');
  const cut = newline < 0 && head.length >= HEAD_SIZE;
  const line = (newline < 0 ? text : text.slice(0, newline)).split('\0', 1)[0] ?? '';
  const start = line.replace(/^[ \t]+/, '');
  const blank = start.search(BLANK);
  // A name cut off by the buffer's end is no name; a cut argument is passed on cut.
  if (start === '' || (cut && blank < 0)) return undefined;
  const interpreter = blank < 0 ? start : start.slice(0, blank);
  const argument = blank < 0 ? '' : start.slice(blank).replace(/^[ \t]+|[ \t]+$/g, '');
  return argument === '' ? { interpreter } : { interpreter, argument };
}
