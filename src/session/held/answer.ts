import { escapeText } from '../../core/escape.js';
import { isReport } from '../idle-input.js';

/** Longest answer: a recovery code with spaces fits many times, a reason is a sentence. Characters. */
const MAX_ANSWER = 200;
/** A sequence or a paste that is longer has no end: what came of it is dropped. Bytes. */
const MAX_SEQUENCE = 4_096;
const MAX_PASTE = 64 * 1024;

const NAK = 0x15;
const ETX = 0x03;
const EOT = 0x04;
const BS = 0x08;
const LF = 0x0a;
const CR = 0x0d;
const ETB = 0x17;
const ESC = 0x1b;
const DEL = 0x7f;
const PASTE = '\x1b[200~';
const PASTE_END = '\x1b[201~';

/** What some bytes of the person's came to. */
export interface Read {
  /** For the terminal. */
  echo: string;
  /** The answer is complete, or withdrawn; the reader takes no more. */
  done?: 'enter' | 'cancel';
  /** What is not the answer's, in order: what the terminal says by itself, and all that follows Enter or Ctrl-C. */
  programs: Buffer;
}

/** Reads one answer typed at a question of ours. Pure, but for the text it holds. */
export interface AnswerReader {
  /** Bytes as they come, cut anywhere. Not after `done`. */
  feed(chunk: Buffer): Read;
  readonly text: string;
  /** What of the answer stands on the screen. */
  readonly shown: string;
}

/** `hidden`: a star for each character. */
export function createAnswerReader(hidden: boolean): AnswerReader {
  return new Reader(hidden);
}

type State = 'plain' | 'esc' | 'csi' | 'mouse' | 'ss3' | 'string' | 'paste';

class Reader implements AnswerReader {
  #chars: string[] = [];
  #state: State = 'plain';
  /** An unfinished sequence, paste or character. */
  #held: number[] = [];
  #utf8: number[] = [];
  #echo = '';
  #programs: Buffer[] = [];
  #done: Read['done'];

  constructor(readonly hidden: boolean) {}

  get text(): string {
    return this.#chars.join('');
  }

  get shown(): string {
    return this.#chars.map((char) => this.#mark(char)).join('');
  }

  feed(chunk: Buffer): Read {
    let at = 0;
    for (; at < chunk.length && this.#done === undefined; at += 1) this.#byte(chunk[at] ?? 0);
    this.#programs.push(chunk.subarray(at));
    const read = { echo: this.#echo, programs: Buffer.concat(this.#programs) };
    this.#echo = '';
    this.#programs = [];
    return this.#done === undefined ? read : { ...read, done: this.#done };
  }

  #byte(byte: number): void {
    if (this.#state === 'plain') this.#plain(byte);
    else if (this.#state === 'paste') this.#paste(byte);
    else this.#sequence(byte);
  }

  #plain(byte: number): void {
    if (byte === ESC) {
      this.#utf8 = [];
      this.#held = [ESC];
      this.#state = 'esc';
    } else if (byte === CR || byte === LF) this.#done = 'enter';
    else if (byte === ETX || (byte === EOT && this.#chars.length === 0)) this.#cancel();
    else if (byte === DEL || byte === BS) this.#erase(1);
    else if (byte === NAK || byte === ETB) this.#erase(byte === NAK ? this.#chars.length : this.#lastWord());
    else if (byte >= 0x20) this.#character(byte);
  }

  #cancel(): void {
    this.#chars = [];
    this.#done = 'cancel';
  }

  #lastWord(): number {
    const word = /\S*\s*$/.exec(this.text)?.[0] ?? '';
    return this.hidden ? this.#chars.length : [...word].length;
  }

  #erase(count: number): void {
    for (const char of this.#chars.splice(this.#chars.length - Math.min(count, this.#chars.length)))
      this.#echo += '\b \b'.repeat(cellsOf(this.#mark(char)));
  }

  #character(byte: number): void {
    if (byte < 0x80) {
      this.#utf8 = [];
      this.#add(String.fromCharCode(byte));
      return;
    }
    if (byte >= 0xc0) this.#utf8 = [];
    this.#utf8.push(byte);
    const lead = this.#utf8[0] ?? 0;
    const size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 0;
    if (this.#utf8.length < size) return;
    const char = Buffer.from(this.#utf8).toString();
    this.#utf8 = [];
    if (size > 0 && !char.includes('\ufffd')) this.#add(char);
  }

  /** What is not safe to show is no part of an answer. */
  #add(char: string): void {
    if (this.#chars.length >= MAX_ANSWER || escapeText(char) !== char) return;
    this.#chars.push(char);
    this.#echo += this.#mark(char);
  }

  #mark(char: string): string {
    return this.hidden ? '*' : char;
  }

  #sequence(byte: number): void {
    const isText = byte >= 0x20 && byte !== DEL;
    // A key that begins no sequence, or a control character in one: what came of it is dropped.
    const cut = this.#state === 'string' ? byte !== ESC && byte !== 0x07 : true;
    if ((!isText && cut) || (this.#state === 'csi' && byte > DEL)) this.#abandon(byte);
    else {
      this.#held.push(byte);
      if (this.#held.length > MAX_SEQUENCE) this.#end();
      else this.#goOn(byte);
    }
  }

  #goOn(byte: number): void {
    if (this.#state === 'esc') this.#introduced(byte);
    else if (this.#state === 'string') this.#string(byte);
    else if (this.#state === 'ss3') this.#end();
    else if (this.#state === 'mouse' ? this.#held.length === 6 : byte >= 0x40) this.#csi();
  }

  #abandon(byte: number): void {
    this.#end();
    this.#plain(byte);
  }

  #introduced(byte: number): void {
    const kind = String.fromCharCode(byte);
    if (kind === '[') this.#state = 'csi';
    else if (kind === 'O') this.#state = 'ss3';
    else if (']P_^X'.includes(kind)) this.#state = 'string';
    else this.#abandon(byte);
  }

  #csi(): void {
    const text = this.#heldText();
    if (text === '\x1b[M') {
      this.#state = 'mouse';
      return;
    }
    if (isReport(text)) this.#programs.push(Buffer.from(this.#held));
    this.#end();
    if (text === PASTE) this.#state = 'paste';
  }

  /** Ends with BEL, or with ESC and a backslash. */
  #string(byte: number): void {
    const { length } = this.#held;
    if (byte !== 0x07 && !(length > 3 && this.#held[length - 2] === ESC)) return;
    const text = this.#heldText();
    if (byte === 0x07 || text.endsWith('\x1b\\')) {
      this.#programs.push(Buffer.from(this.#held));
      this.#end();
    } else {
      // Another sequence begins in the middle of this one.
      this.#held = [ESC];
      this.#state = 'esc';
      this.#sequence(byte);
    }
  }

  /** A paste is looked at whole: its first line is typed, and what follows that is the programs', as a paste. */
  #paste(byte: number): void {
    this.#held.push(byte);
    const ended = byte === 0x7e && this.#held.length >= PASTE_END.length && this.#heldEndsPaste();
    if (byte !== ETX && !ended && this.#held.length < MAX_PASTE) return;
    const bytes = Buffer.from(ended ? this.#held.slice(0, -PASTE_END.length) : this.#held);
    this.#end();
    if (byte === ETX) this.#cancel();
    else this.#pasted(bytes);
  }

  #pasted(bytes: Buffer): void {
    const end = bytes.findIndex((b) => b === CR || b === LF);
    for (const byte of end < 0 ? bytes : bytes.subarray(0, end))
      if (byte >= 0x20 && byte !== DEL) this.#character(byte);
    if (end < 0) return;
    this.#done = 'enter';
    const rest = bytes.subarray(bytes[end] === CR && bytes[end + 1] === LF ? end + 2 : end + 1);
    if (rest.length > 0) this.#programs.push(Buffer.from(PASTE), rest, Buffer.from(PASTE_END));
  }

  #heldEndsPaste(): boolean {
    return Buffer.from(this.#held.slice(-PASTE_END.length)).toString('latin1') === PASTE_END;
  }

  #heldText(): string {
    return Buffer.from(this.#held).toString('latin1');
  }

  #end(): void {
    this.#held = [];
    this.#state = 'plain';
  }
}

/** Cells a character surely takes at most. */
function cellsOf(char: string): number {
  return (char.codePointAt(0) ?? 0) >= 0x1100 ? 2 : 1;
}
