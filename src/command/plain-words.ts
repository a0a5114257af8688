import { type Command, parse, type Word, type WordPart } from 'unbash';
import { excessOf } from './parse-line.js';

/**
 * The words of a text that is one command of plain words, its quotes removed; undefined for anything a shell would have more
 * to do with: a second command, a pipe, a redirection, an assignment, a comment, a variable, a substitution. Nothing is
 * expanded: `*`, `{a,b}` and `~` are themselves. Never throws.
 */
export function plainWords(text: string): string[] | undefined {
  if (excessOf(text) !== undefined) return undefined;
  try {
    const command = onlyCommand(text);
    if (!command?.name || command.prefix.length > 0) return undefined;
    const words: Word[] = [command.name];
    for (const part of command.suffix) {
      if (part.type !== 'Word') return undefined;
      words.push(part);
    }
    return words.every((word) => (word.parts ?? []).every(isPlain)) ? words.map((word) => word.value) : undefined;
  } catch {
    return undefined;
  }
}

function onlyCommand(text: string): Command | undefined {
  const script = parse(text);
  const [statement, more] = script.commands;
  if (!statement || more || script.errors?.length || statement.background) return undefined;
  if (text.slice(statement.end).trim() !== '' || text.slice(0, statement.pos).trim() !== '') return undefined;
  return statement.command.type === 'Command' ? statement.command : undefined;
}

function isPlain(part: WordPart): boolean {
  switch (part.type) {
    case 'Literal':
    case 'SingleQuoted':
    case 'AnsiCQuoted':
    case 'Glob':
    case 'BraceExpansion':
      return (('parts' in part ? part.parts : undefined) ?? []).every(isPlain);
    case 'DoubleQuoted':
      return part.parts.every((child) => child.type === 'Literal');
    default:
      return false;
  }
}
