/** A word of a fish line, its quotes and escapes resolved. */
export interface FishWord {
  text: string;
  /** Becomes known only when it runs: variables, substitutions, braces, wildcards, odd escapes. */
  dynamic: boolean;
  /** Nothing of it is quoted or escaped, so that it may be a keyword. */
  bare: boolean;
  from: number;
  to: number;
  /** Where in the text its command substitutions stand, without their brackets. */
  inner: [from: number, to: number][];
}

/** Thrown for what cannot be read: the caller then knows nothing of the line. */
export class Unreadable extends Error {}

const ENDS_WORD = /[\s;|<>)]/;
const ESCAPED: Record<string, string> = { a: '\x07', b: '\b', e: '\x1b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

/** Reads the word that starts at `from`. */
export function readWord(text: string, from: number): FishWord {
  const word: FishWord = { text: '', dynamic: false, bare: true, from, to: from, inner: [] };
  let braces = 0;
  let at = from;
  while (at < text.length) {
    const c = text[at] ?? '';
    if (braces === 0 && (ENDS_WORD.test(c) || (c === '&' && isOperator(text, at)))) break;
    if (c === '{') braces += 1;
    if (c === '}' && braces > 0) braces -= 1;
    at = take(text, at, word);
  }
  if (braces > 0) throw new Unreadable('an open brace');
  if (word.text.startsWith('~') || word.text.startsWith('%')) word.dynamic = true;
  word.to = at;
  return word;
}

/** fish takes an `&` inside a word as it comes. */
export function isOperator(text: string, at: number): boolean {
  return /^&(?:$|[\s;|&<>)])/.test(text.slice(at, at + 2));
}

/** Adds what stands at `at` to the word; returns where it goes on. */
function take(text: string, at: number, word: FishWord): number {
  const c = text[at] ?? '';
  switch (c) {
    case '\\':
      return takeEscape(text, at, word);
    case "'":
    case '"':
      return takeQuoted(text, at, word);
    case '(':
      return takeSubstitution(text, at, word);
    case '$':
      word.dynamic = true;
      if (text[at + 1] === '(') return takeSubstitution(text, at + 1, word);
      break;
    case '{':
    case '*':
    case '?':
      word.dynamic = true;
      break;
  }
  word.text += c;
  return at + 1;
}

function takeEscape(text: string, at: number, word: FishWord): number {
  const c = text[at + 1];
  word.bare = false;
  if (c === undefined) throw new Unreadable('a backslash at the end');
  if (/[0-7xXuUc]/.test(c)) word.dynamic = true;
  if (c !== '\n') word.text += ESCAPED[c] ?? c;
  return at + 2;
}

function takeQuoted(text: string, from: number, word: FishWord): number {
  const quote = text[from];
  const special = quote === "'" ? /['\\]/ : /["$\\\n]/;
  word.bare = false;
  let at = from + 1;
  while (at < text.length && text[at] !== quote) {
    const c = text[at] ?? '';
    const next = text[at + 1] ?? '';
    if (c === '\\' && special.test(next)) {
      if (next !== '\n') word.text += next;
      at += 2;
    } else if (c === '$' && quote === '"') {
      word.dynamic = true;
      at = next === '(' ? takeSubstitution(text, at + 1, word) : at + 1;
    } else {
      word.text += c;
      at += 1;
    }
  }
  if (at >= text.length) throw new Unreadable('an open quote');
  return at + 1;
}

function takeSubstitution(text: string, from: number, word: FishWord): number {
  const to = closingBracket(text, from);
  word.dynamic = true;
  word.bare = false;
  word.inner.push([from + 1, to]);
  word.text += text.slice(from, to + 1);
  return to + 1;
}

/** The `)` that belongs to the `(` at `from`, past quotes, comments and other brackets. */
function closingBracket(text: string, from: number): number {
  const scratch: FishWord = { text: '', dynamic: false, bare: true, from, to: from, inner: [] };
  let depth = 0;
  let at = from;
  while (at < text.length) {
    const c = text[at] ?? '';
    if (c === '(') depth += 1;
    if (c === ')') depth -= 1;
    if (depth === 0) return at;
    if (c === '\\') at += 2;
    else if (c === "'" || c === '"') at = takeQuoted(text, at, scratch);
    else if (c === '#' && /[\s;(&|]/.test(text[at - 1] ?? '')) at = endOfLine(text, at);
    else at += 1;
  }
  throw new Unreadable('an open bracket');
}

export function endOfLine(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end === -1 ? text.length : end;
}
