import { BASH, type Syntax } from '../command/index.js';

/**
 * The words between the shell's hook and the door, over two FIFOs. A question is one line of NUL-separated fields;
 * in a field, byte 1 escapes: `\1a` is byte 1, `\1n` a newline, `\1z` NUL. An answer is ANSWER_SIZE bytes of ASCII, because the
 * shells read a fixed length in one call, and so two that wait on the FIFO never share out the bytes of one answer.
 * Its last byte is a newline: fish reads 1,024 bytes at a time until it has a line.
 * Any process of the session can write here: what does not parse is skipped.
 */

/** A longer question is skipped: the longest line the gate reads, in UTF-8, beside a PATH and a directory. Bytes. */
export const MAX_QUESTION = 4 * 64 * 1024 + 64 * 1024;
/** The hook reads as many. Below PIPE_BUF, so that writes stay whole. Bytes. */
export const ANSWER_SIZE = 1_024;
const MAX_NAMES = 100;

export type Message =
  | { kind: 'hello'; shell: string; id: string; version: string }
  | {
      kind: 'line';
      /** The asking shell's pid, in its own namespace. */
      shell: string;
      id: string;
      /** Goes up with every primary prompt of that shell. */
      counter: number;
      /** The shell could not count its prompts: take it as a new command. */
      fresh: boolean;
      cwd: string;
      path: string;
      text: string;
      syntax: Syntax;
    }
  | { kind: 'types'; shell: string; id: string; names: string[] }
  /** An answer has arrived: only fish says so, which cannot ask again. */
  | { kind: 'heard'; shell: string; id: string };

export type Answer =
  | { verb: 'ok' }
  /** Let go, but the command is not complete yet. */
  | { verb: 'more' }
  /** Refused; the text is for the terminal. */
  | { verb: 'no'; text: string }
  /** Held: the person is asked for something first. Ask again from time to time. */
  | { verb: 'wait' }
  /** Say which of these are aliases or functions. */
  | { verb: 'types'; names: string[] };

/** What every question begins with. */
export const MAGIC = Buffer.from('SP1\0');

/** Parses one question without its newline; undefined for anything else. */
export function parseMessage(bytes: Uint8Array): Message | undefined {
  const [magic, kind, shell, id, ...fields] = new TextDecoder().decode(bytes).split('\0');
  if (magic !== 'SP1' || shell === undefined || id === undefined) return undefined;
  if (!NUMBER.test(shell) || !NUMBER.test(id)) return undefined;
  const plain = fields.map(unescapeField);
  if (kind === 'hello' && plain.length === 1) return { kind, shell, id, version: plain[0] ?? '' };
  if (kind === 'heard' && plain.length === 0) return { kind, shell, id };
  if (kind === 'types') return { kind, shell, id, names: plain.slice(0, MAX_NAMES) };
  return kind === 'line' ? lineMessage(shell, id, plain) : undefined;
}

function lineMessage(shell: string, id: string, fields: string[]): Message | undefined {
  const [counter, fresh, cwd, path, text, named = 'bash'] = fields;
  if (fields.length > 6 || counter === undefined || !NUMBER.test(counter)) return undefined;
  const syntax = parseSyntax(named);
  if (syntax === undefined) return undefined;
  if (cwd === undefined || path === undefined || text === undefined || (fresh !== '0' && fresh !== '1'))
    return undefined;
  return { kind: 'line', shell, id, counter: Number(counter), fresh: fresh === '1', cwd, path, text, syntax };
}

/** A shell's name, then what it says of the line or of its options. */
function parseSyntax(named: string): Syntax | undefined {
  const [shell, ...said] = named.split(' ');
  if (shell === 'bash') return BASH;
  if (shell !== 'zsh' && shell !== 'fish') return undefined;
  return { shell, comments: said.includes('comments'), complete: said.includes('complete') };
}

const NUMBER = /^[0-9]{1,15}$/;

function unescapeField(field: string): string {
  return field.replace(/\u0001([anz])/g, (_, c: string) => (c === 'n' ? '\n' : c === 'z' ? '\0' : '\u0001'));
}

/** Texts must be escaped for a terminal already; what does not fit is cut. */
export function formatAnswer(shell: string, id: string, answer: Answer): string {
  const head = `SP1 ${shell}.${id} ${answer.verb} `;
  const room = ANSWER_SIZE - head.length - 2;
  const rest = answer.verb === 'no' ? encodeText(answer.text, room) : '';
  const names = answer.verb === 'types' ? answer.names.join(' ').slice(0, room) : '';
  return `${head}${rest}${names}\t`.padEnd(ANSWER_SIZE - 1, ' ').concat('\n');
}

/** As the shell's `printf %b` reads it. */
function encodeText(text: string, room: number): string {
  let encoded = '';
  for (const c of text) {
    const next = /[ -[\]-~]/.test(c)
      ? c
      : Buffer.from(c).reduce((all, byte) => `${all}\\x${byte.toString(16).padStart(2, '0')}`, '');
    if (encoded.length + next.length > room) break;
    encoded += next;
  }
  return encoded;
}

/** Names that can be asked about: one plain word each, and few enough for one answer. */
export function askable(names: readonly string[]): string[] {
  return names.filter((n) => /^[!-$&-[\]-~]{1,64}$/.test(n) && !n.startsWith('-')).slice(0, 14);
}
