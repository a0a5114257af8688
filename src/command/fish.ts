import { endOfLine, type FishWord, isOperator, readWord, Unreadable } from './fish-words.js';
import { MAX_LINE_LENGTH } from './parse-line.js';
import type { LineResult, ParsedCommand } from './types.js';
import { unwrap } from './unwrap.js';

/** Substitutions and `eval` inside each other; bounds the stack. */
const MAX_NESTED = 50;
/** Commands in one line; bounds what a gate has to decide. */
const MAX_COMMANDS = 5_000;

/** What stands before a command and leaves it one. */
const BEFORE = new Set(['and', 'or', 'not', '!', 'if', 'else', 'while', 'begin', 'time', '{']);
/** What is followed by words that are no command. */
const INSTEAD = new Set(['for', 'switch', 'case', 'function', 'end', '}']);
const ASSIGNMENT = /^[A-Za-z_][A-Za-z0-9_]*=/;
const REDIRECTION = /^(?:&>>?\??|[0-9]*(?:>>\?|>>|>\?|>&|>|<&|<\?|<))/;

/**
 * Every command of a fish line, in blocks, pipes, substitutions and `eval` too. A line that cannot be read holds no
 * commands here: it is the exec gate's to decide. Never throws.
 */
export function parseFish(text: string): LineResult {
  if (text.length > MAX_LINE_LENGTH) return { kind: 'bad', message: 'the line is longer than 64 KiB', commands: [] };
  try {
    const commands: ParsedCommand[] = [];
    readStatements(text, 0, commands);
    return { kind: 'ok', commands };
  } catch (error) {
    if (error instanceof Unreadable) return { kind: 'ok', commands: [] };
    throw error;
  }
}

function readStatements(text: string, nested: number, commands: ParsedCommand[]): void {
  if (nested > MAX_NESTED) throw new Unreadable('too deeply nested');
  let words: FishWord[] = [];
  const finish = () => {
    keep(text, words, nested, commands);
    words = [];
  };
  let at = 0;
  while (at < text.length) {
    const redirection = REDIRECTION.exec(text.slice(at, at + 16))?.[0];
    if (redirection !== undefined) at = skipTarget(text, at + redirection.length, nested, commands);
    else if (endsStatement(text, at)) {
      finish();
      at += 1;
    } else if (BLANK.test(text.slice(at, at + 2))) at += text[at] === '\\' ? 2 : 1;
    else if (text[at] === '#') at = endOfLine(text, at);
    else {
      const word = /^\{\s/.test(text.slice(at, at + 2)) ? brace(at) : readWord(text, at);
      if (word.to === at) throw new Unreadable('a bracket too many');
      words.push(word);
      at = word.to;
    }
  }
  finish();
}

/** A newline behind a backslash is one too. */
const BLANK = /^(?:\s|\\\n)/;

function endsStatement(text: string, at: number): boolean {
  const c = text[at] ?? '';
  return '\n;|'.includes(c) || (c === '&' && (isOperator(text, at) || text[at + 1] === '|'));
}

const brace = (at: number): FishWord => ({ text: '{', dynamic: false, bare: true, from: at, to: at + 1, inner: [] });

/** A redirection's target is no word of the command; `2>|` has none. */
function skipTarget(text: string, from: number, nested: number, commands: ParsedCommand[]): number {
  let at = from;
  while (/[ \t]/.test(text[at] ?? '')) at += 1;
  if (text[at] === '|') return at;
  const target = readWord(text, at);
  readInner(text, target, nested, commands);
  return target.to;
}

function readInner(text: string, word: FishWord, nested: number, commands: ParsedCommand[]): void {
  for (const [from, to] of word.inner) readStatements(text.slice(from, to), nested + 1, commands);
}

function keep(text: string, all: readonly FishWord[], nested: number, commands: ParsedCommand[]): void {
  for (const word of all) readInner(text, word, nested, commands);
  const words = commandOf(all);
  const [first] = words;
  const last = words.at(-1);
  if (first === undefined || last === undefined) return;
  let plain: ParsedCommand['words'] | undefined = words.map(({ text: t, dynamic }) =>
    dynamic ? { text: t, dynamic } : { text: t },
  );
  while (plain !== undefined) {
    if (commands.length >= MAX_COMMANDS) throw new Unreadable('too many commands');
    commands.push({ words: plain, text: text.slice(first.from, last.to) });
    evaluated(plain, nested, commands);
    plain = unwrap(plain);
  }
}

/** The words of the statement's command, behind keywords and assignments; none where it has no command. */
function commandOf(all: readonly FishWord[]): readonly FishWord[] {
  let at = 0;
  for (let word = all[at]; word !== undefined; word = all[++at]) {
    if (word.bare && !word.dynamic && INSTEAD.has(word.text)) return [];
    const before = (word.bare && !word.dynamic && BEFORE.has(word.text)) || ASSIGNMENT.test(word.text);
    if (!before) return all.slice(at);
  }
  return [];
}

/** What `eval` is given runs as a line of its own, as far as it can be known and read. */
function evaluated(words: ParsedCommand['words'], nested: number, commands: ParsedCommand[]): void {
  const [name, ...rest] = words;
  if (name?.dynamic || name?.text !== 'eval' || rest.length === 0 || rest.some((word) => word.dynamic)) return;
  const found: ParsedCommand[] = [];
  try {
    readStatements(rest.map((word) => word.text).join(' '), nested + 1, found);
    commands.push(...found);
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
  }
}
