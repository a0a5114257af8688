import type { ParsedScript } from 'unbash';
import { parse } from 'unbash';
import { messageOf } from '../core/errors.js';
import { Collector } from './collect.js';
import { endsInside } from './incomplete.js';
import type { LineResult } from './types.js';

/** Longer lines are refused unparsed. Unit: UTF-16 code units. */
export const MAX_LINE_LENGTH = 64 * 1024;

/** The parser's time grows with their square. */
const MAX_HEREDOCS = 500;
/** Brackets open at once, counted without a look at quotes: the parser takes a second for thousands. */
const MAX_DEPTH = 500;
/** Redirections, and brackets of pasted HTML: the parser's time grows with their square, too. */
const MAX_REDIRECTIONS = 10_000;

/**
 * Every command anywhere in `text`: in pipelines, lists, compound commands, function bodies, substitutions at any
 * depth, assignments, redirections and here-documents. Never throws.
 */
export function parseLine(text: string): LineResult {
  const excess = excessOf(text);
  if (excess !== undefined) return refused(excess);
  try {
    return judge(text, parse(text));
  } catch (error) {
    return refused(`the line cannot be read: ${messageOf(error)}`);
  }
}

/** What makes a line too much to parse; undefined: nothing does. */
export function excessOf(text: string): string | undefined {
  if (text.length > MAX_LINE_LENGTH) return 'the line is longer than 64 KiB';
  if (text.includes('\0')) return 'the line holds a NUL character';
  if ((text.match(/<</g)?.length ?? 0) > MAX_HEREDOCS) return 'the line holds too many here-documents';
  if ((text.match(/[<>]/g)?.length ?? 0) > MAX_REDIRECTIONS) return 'the line holds too many redirections';
  return depthOf(text) > MAX_DEPTH ? 'the line is too deeply nested' : undefined;
}

/** The most brackets open at any place. */
function depthOf(text: string): number {
  let depth = 0;
  let most = 0;
  for (const bracket of text.match(/[()[\]{}]/g) ?? []) {
    if ('([{'.includes(bracket)) depth += 1;
    else if (depth > 0) depth -= 1;
    most = Math.max(most, depth);
  }
  return most;
}

function refused(message: string): LineResult {
  return { kind: 'bad', message, commands: [] };
}

function judge(text: string, script: ParsedScript): LineResult {
  const found = new Collector(text);
  found.visit(script);
  const { commands } = found;
  if (found.tooMuch)
    return { kind: 'bad', message: 'the line is too deeply nested or holds too many commands', commands };
  if (endsInside(text, script)) return { kind: 'incomplete', commands };
  const error = found.errors[0];
  if (error) return { kind: 'bad', message: `syntax error: ${error.message}`, commands };
  return { kind: 'ok', commands };
}
