import type { CommandQuestion } from '../policy/types.js';
import type { ExecAsk } from './types.js';

/** The policy question for one execve, or one part of it, as it was named. */
export function questionForExec(ask: ExecAsk): CommandQuestion {
  const { program, argv, children, hooks } = ask;
  return { kind: 'command', words: argv.map((text) => ({ text })), program, children, hooks };
}
