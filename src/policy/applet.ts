import type { CommandQuestion } from './types.js';

/** Programs that are many programs: the word after their name says which. */
const MULTI_CALL = /^(busybox|toybox)([.-].*)?$/;

/** What `busybox rm -r x` comes to: `rm -r x`, run without an exec of rm. Undefined for every other command. */
export function appletOf({ program, ...question }: CommandQuestion): CommandQuestion | undefined {
  const [first, ...words] = question.words;
  if (first === undefined || words.length === 0) return undefined;
  const base = first.text.slice(first.text.lastIndexOf('/') + 1);
  const names = [base, ...(program?.names ?? []), ...(program?.trustedNames ?? [])];
  return names.some((name) => MULTI_CALL.test(name)) ? { ...question, words } : undefined;
}
