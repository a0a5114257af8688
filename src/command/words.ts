import type { Assignment, Command, Word as ShellWord, WordPart } from 'unbash';
import type { Word } from '../policy/types.js';

/** A shell word with its quotes removed; dynamic when the shell decides at run time what it becomes. */
export function plainWord(word: ShellWord): Word {
  return isDynamic(word) ? { text: word.value, dynamic: true } : { text: word.value };
}

function isDynamic(word: ShellWord): boolean {
  if (TILDE.test(word.text)) return true;
  return word.parts?.some(changesAtRunTime) ?? false;
}

/** A tilde where bash may expand it: at the start, or after `=` or `:` as in `prefix=~/x`. Quoted ones are caught too: harmless. */
const TILDE = /^~|[=:]~/;

function changesAtRunTime(part: WordPart): boolean {
  switch (part.type) {
    case 'Literal':
    case 'SingleQuoted':
    case 'AnsiCQuoted':
      return false;
    case 'DoubleQuoted':
      return part.parts.some((child) => child.type !== 'Literal');
    default:
      return true;
  }
}

/** The words of a simple command; empty for assignments and redirections alone. */
export function wordsOf(command: Command): Word[] {
  if (!command.name) return [];
  return [
    plainWord(command.name),
    ...command.args.map((arg) => (arg.type === 'Word' ? plainWord(arg) : assigned(arg))),
  ];
}

/** An argument such as `x=1` of `declare`. */
function assigned(arg: Assignment): Word {
  const head = `${arg.name}${arg.append ? '+=' : '='}`;
  if (arg.index || arg.value.type === 'ArrayValue') return { text: arg.text, dynamic: true };
  const value = plainWord(arg.value);
  return value.dynamic || arg.value.text.startsWith('~')
    ? { text: head + value.text, dynamic: true }
    : { text: head + value.text };
}
