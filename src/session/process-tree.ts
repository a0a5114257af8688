import type { TreeProcess } from '../wire/guard.js';
import type { Admitted, ProcessInfo } from '../wire/types.js';
import type { Program } from './program-table.js';

/** Of one process's words, shown or sent: in number, and characters in all. */
const MAX_WORDS = 64;
const MAX_CHARS = 1_000;

/** A process as people see it: what it runs, and by which right. */
export function describeProcess(
  { pid, ppid, inner, image, argv = [] }: TreeProcess,
  program: Program | undefined,
  admitted: Pick<Admitted, 'startedAt'>,
): ProcessInfo {
  const who = { pid, ppid, inner };
  if (image === 0)
    return { ...who, argv: bounded(argv), why: 'shell', children: 'checked', startedAt: admitted.startedAt };
  // It began or ended just now.
  if (!program) return { ...who, argv: [], why: 'unknown', children: 'none', startedAt: admitted.startedAt };
  const { decision, word, startedAt, parts } = program;
  return {
    ...who,
    argv: bounded(parts[0]?.argv ?? []),
    ...(decision.rule === undefined ? {} : { rule: decision.rule.id }),
    why: decision.why === 'no-rule' ? 'trusted' : 'rule',
    children: word,
    startedAt,
  };
}

function bounded(argv: readonly string[]): string[] {
  const words: string[] = [];
  let left = MAX_CHARS;
  for (const word of argv.slice(0, MAX_WORDS)) {
    if (left <= 0) break;
    words.push(word.slice(0, left));
    left -= word.length;
  }
  return words;
}
