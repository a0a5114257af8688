import { parseFish } from './fish.js';
import { parseLine } from './parse-line.js';
import type { LineResult, Syntax } from './types.js';
import { parseZsh } from './zsh.js';

/**
 * As `parseLine`, in the syntax of the shell that asks. What cannot be read in a syntax other than bash's holds no
 * commands here and is no error: it is the exec gate's to decide.
 */
export function parseIn(text: string, syntax: Syntax): LineResult {
  switch (syntax.shell) {
    case 'bash':
      return parseLine(text);
    case 'zsh':
      return parseZsh(text, syntax);
    case 'fish':
      return parseFish(text);
  }
}
