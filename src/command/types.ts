import type { ShellName } from '../core/shells.js';
import type { Word } from '../policy/types.js';

/** One simple command found somewhere in a line. */
export interface ParsedCommand {
  /** Quotes and escapes resolved; at least one word. Assignments before the command are not among them. */
  words: Word[];
  /** The command as it was typed. */
  text: string;
}

/**
 * What a line holds; `commands` is always everything that was found.
 * `incomplete`: the shell will ask for more before it runs the last command; commands on earlier, complete lines of
 * the same text run at once.
 * `bad`: the shell will refuse it with a syntax error, but runs complete lines that stand before the error; also a
 * line that is too long, too deep or unreadable, of which nothing may run.
 */
export type LineResult =
  | { kind: 'incomplete'; commands: ParsedCommand[] }
  | { kind: 'bad'; message: string; commands: ParsedCommand[] }
  | { kind: 'ok'; commands: ParsedCommand[] };

/** Whose line it is, and what that shell said of it; the last two are zsh's. */
export interface Syntax {
  shell: ShellName;
  /** A word that starts with `#` starts a comment. */
  comments: boolean;
  /** The shell's own parser calls the line whole. */
  complete: boolean;
}

export const BASH: Syntax = { shell: 'bash', comments: true, complete: false };
