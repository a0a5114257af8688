import type { Word } from '../policy/types.js';
import { parseLine } from './parse-line.js';
import type { LineResult, ParsedCommand, Syntax } from './types.js';
import { unwrap } from './unwrap.js';
import { statementsOf } from './zsh-statements.js';

/** Words that change how zsh reads the command behind them, and run it. */
const MODIFIERS = new Set(['noglob', 'nocorrect', '-']);

/** Here-documents and a backslash at the end: zsh's parser takes them for whole, and yet its editor asks for more. */
const TAKEN_FOR_WHOLE = /<<|(?<!\\)(?:\\\\)*\\$/;

/**
 * A zsh line by a parser of bash's syntax, which is most of zsh's. A line that is not bash's is taken apart at its `;`,
 * `&` and newlines, and what is plain there is read; the rest is left out, because a wrong reading would refuse a
 * valid line.
 */
export function parseZsh(text: string, syntax: Syntax): LineResult {
  const spelled = syntax.comments ? text : withoutComments(text);
  // A text that ends in a newline is one whose last line is empty: a backslash before it has been answered.
  const parsed = parseLine(spelled.endsWith('\n') ? `${spelled}\n` : spelled);
  if (parsed.kind === 'ok') return { kind: 'ok', commands: withModified(parsed.commands) };
  if (parsed.kind === 'bad' && !parsed.message.startsWith('syntax error')) return parsed;
  if (parsed.kind === 'incomplete' && (!syntax.complete || TAKEN_FOR_WHOLE.test(text)))
    return { kind: 'incomplete', commands: [] };
  return { kind: 'ok', commands: withModified(plainParts(spelled)) };
}

/** Where zsh takes `#` as it comes (as it does unless INTERACTIVE_COMMENTS is set), the parser must. */
function withoutComments(text: string): string {
  return text.replace(/(^|[\s;&|()])#/g, '$1\\#');
}

function plainParts(text: string): ParsedCommand[] {
  return statementsOf(text).flatMap((statement) => {
    const parsed = parseLine(statement);
    return parsed.kind === 'ok' ? parsed.commands : [];
  });
}

function withModified(commands: readonly ParsedCommand[]): ParsedCommand[] {
  return commands.flatMap((command) => [command, ...behind(command)]);
}

function behind({ words, text }: ParsedCommand): ParsedCommand[] {
  const found: ParsedCommand[] = [];
  let at = words;
  while (at[0] !== undefined && at[0].dynamic !== true && MODIFIERS.has(at[0].text) && at.length > 1) {
    at = at.slice(1);
    found.push({ words: at, text });
    const inner: Word[] | undefined = unwrap(at);
    if (inner !== undefined) {
      found.push({ words: inner, text });
      at = inner;
    }
  }
  return found;
}
