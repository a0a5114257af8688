import type { CommandQuestion, Word } from '../policy/types.js';
import type { ExecAsk } from './types.js';

/** What the guard could not hand over: any words at all, so that a deny rule which might match them refuses. */
const REST: Word = { text: '…', dynamic: true };

/** The policy question for one execve, or one part of it, as it was named. */
export function questionForExec({ program, argv, cut, children, hooks }: ExecAsk): CommandQuestion {
  const words: Word[] = argv.map((text) => ({ text }));
  return { kind: 'command', words: cut ? [...words, REST] : words, program, children, hooks };
}
