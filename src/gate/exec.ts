import type { CommandQuestion, Decision, Rights } from '../policy/types.js';
import type { ExecAsk } from './types.js';

/** The policy question for one execve, as it was named. */
export function questionForExec(ask: ExecAsk): CommandQuestion {
  return question(ask, ask.program, ask.argv);
}

/**
 * Decides an execve. A script is decided as it was named; a deny that matches the form the kernel runs in its place
 * (`interpreter [argument] script arguments…`) refuses it too.
 */
export function decideExec(ask: ExecAsk, rights: Rights, atMs: number): Decision {
  const named = rights.decide(questionForExec(ask), atMs);
  if (!named.allow || ask.interpreter === undefined) return named;
  const { program, argv } = ask.interpreter;
  const run = rights.decide(question(ask, program, argv), atMs);
  return !run.allow && run.why !== 'no-rule' ? run : named;
}

function question(ask: ExecAsk, program: CommandQuestion['program'], argv: readonly string[]): CommandQuestion {
  return {
    kind: 'command',
    words: argv.map((text) => ({ text })),
    ...(program === undefined ? {} : { program }),
    children: ask.children,
    hooks: ask.hooks,
  };
}
