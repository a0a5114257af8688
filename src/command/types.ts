import type { Word } from '../policy/types.js';

/** One simple command found somewhere in a line. */
export interface ParsedCommand {
  /** Quotes removed; at least one word. */
  words: Word[];
  /** The command as it was typed. */
  text: string;
}

/**
 * What a line holds. `incomplete`: the shell would ask for more. `bad`: the shell refuses it with a syntax error, but
 * what stands before the error on earlier lines runs first: `commands` holds everything that was found.
 */
export type LineResult =
  | { kind: 'incomplete' }
  | { kind: 'bad'; message: string; commands: ParsedCommand[] }
  | { kind: 'ok'; commands: ParsedCommand[] };
