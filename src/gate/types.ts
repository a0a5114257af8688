/** The shapes of the gates: what they are asked, and what they say. */
import type { ShellName } from '../core/shells.js';
import type { Remedy } from '../policy/index.js';
import type { Children, CommandQuestion, Decision, Program } from '../policy/types.js';

/** `exec`: the kernel gate stands behind the line gate; `line-only`: what cannot be known is refused. */
export type GateMode = 'exec' | 'line-only';

/**
 * Finds the file a first word names: by `path` (the shell's PATH) or, with a slash, from `cwd`. Undefined when there
 * is none, or the door cannot see it.
 */
export type Lookup = (name: string, path: string, cwd?: string) => Program | undefined;

/** Where a line was typed. */
export interface LineContext {
  gate: GateMode;
  /** The shell's PATH. */
  path: string;
  cwd?: string;
  /** Whose builtins count; bash's when absent. */
  shell?: ShellName;
  /** Names the shell said are its aliases or functions. Absent: it has not been asked. */
  shellNames?: ReadonlySet<string>;
  /** True when the shell that reads the line has no aliases or functions of the user's (`ssh host command`). */
  noShellNames?: boolean;
}

export interface LineVerdict {
  allow: boolean;
  /** Of a refused line: the decision that refused it. Of an allowed one: its first command's, if any was decided. */
  decision?: Decision;
  /** The refused command's text, unescaped. */
  command?: string;
  /** Why, where no rule speaks: one phrase for the parentheses of the denial. */
  reason?: string;
  /** What would change it: half a sentence, safe to show. */
  remedy?: string;
  /** The least the person can bring that would have the whole line allowed. */
  remedies?: readonly Remedy[];
  /** With `remedies`: the commands that were refused. */
  refused?: readonly CommandQuestion[];
  /** Refused unless these names are aliases or functions of the shell: ask it, then decide again with `shellNames`. */
  pendingNames?: string[];
}

/** The guard's question about one execve, in the door. */
export interface ExecAsk {
  /** The file asked for, as named; of a script, the script itself. */
  program: Program;
  argv: string[];
  /** Words are missing at the end, or part of the last one is. */
  cut: boolean;
  /** The word of the process that asks. */
  children: Children;
  /** Names of loader or interpreter hooks in the environment. */
  hooks: string[];
}
