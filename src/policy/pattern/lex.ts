import type { Glob } from './glob.js';
import { PatternError } from './types.js';

/** A word of a pattern as written: its alternatives (`{a|b}`, else one), and whether any of it was quoted. */
export interface RawWord {
  alternatives: Glob[];
  braces: boolean;
  quoted: boolean;
  /** As written, without quotes resolved. */
  source: string;
}

/** Splits a command pattern into words; `'…'` and `\` take characters literally. Throws PatternError. */
export function lexPattern(text: string): RawWord[] {
  const words: RawWord[] = [];
  const lexer = new Lexer(text);
  for (let word = lexer.word(); word !== undefined; word = lexer.word()) words.push(word);
  return words;
}

class Lexer {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  word(): RawWord | undefined {
    while (isBlank(this.#text[this.#at])) this.#at++;
    if (this.#at >= this.#text.length) return undefined;
    const start = this.#at;
    const braces = this.#text[start] === '{';
    const word: RawWord = { alternatives: [], braces, quoted: false, source: '' };
    if (braces) this.#group(word);
    else word.alternatives.push(this.#glob(word, ''));
    word.source = this.#text.slice(start, this.#at);
    return word;
  }

  #group(word: RawWord): void {
    this.#at++;
    for (;;) {
      word.alternatives.push(this.#glob(word, '|}'));
      const c = this.#text[this.#at++];
      if (c === '}') break;
      if (c !== '|') throw new PatternError("a '{' is never closed; write '{' in quotes if a brace is meant");
    }
    const next = this.#text[this.#at];
    if (next !== undefined && !isBlank(next)) throw new PatternError(EMBEDDED);
  }

  /** Reads up to a blank, or to one of `stops`. */
  #glob(word: RawWord, stops: string): Glob {
    const pieces = [''];
    let stars = 0;
    for (; this.#at < this.#text.length; this.#at++) {
      const c = this.#text[this.#at] as string;
      if (stops.includes(c) || isBlank(c)) break;
      if (c === '*') {
        stars++;
        if (this.#text[this.#at - 1] !== '*' || pieces.at(-1) !== '' || stars === 1) pieces.push('');
        continue;
      }
      pieces[pieces.length - 1] += this.#literal(word, c);
    }
    return pieces;
  }

  #literal(word: RawWord, c: string): string {
    if (c === "'") {
      const end = this.#text.indexOf("'", this.#at + 1);
      if (end < 0) throw new PatternError("a quote ' is never closed");
      const literal = this.#text.slice(this.#at + 1, end);
      this.#at = end;
      word.quoted = true;
      return literal;
    }
    if (c === '\\') {
      word.quoted = true;
      const next = this.#text[++this.#at];
      if (next === undefined) throw new PatternError('a backslash stands at the end with nothing to take literally');
      return next;
    }
    if (c === '{' || c === '}') throw new PatternError(EMBEDDED);
    return c;
  }
}

const EMBEDDED = "braces group whole words, as in {a|b}; write '{' or '}' in quotes if a brace is meant";

function isBlank(c: string | undefined): boolean {
  return c === ' ' || c === '\t';
}
