import type { CommandQuestion, Effect, Word } from '../types.js';
import { type Glob, matchGlob } from './glob.js';
import { takeOptions } from './options.js';
import { splitAction } from './parse.js';
import type { ActionPattern, CommandPattern, Token } from './types.js';

/**
 * Whether a command matches. A dynamic word may become any number of words: with `possible` false the pattern must
 * match whatever it becomes (only `**` and a lone `*` do), with `possible` true it is enough that it could.
 */
export function matchCommand(
  pattern: CommandPattern,
  question: CommandQuestion,
  effect: Effect,
  possible: boolean,
): boolean {
  if (pattern.every) return true;
  const first = question.words[0];
  if (first === undefined) return false;
  const unknown = first.dynamic === true && question.program === undefined;
  if (unknown ? !possible : !matchProgram(pattern.program, question, effect)) return false;
  // An unknown first word may become the program and words after it.
  const words = unknown ? question.words : question.words.slice(1);
  return matchArguments(pattern, words, effect, possible);
}

function matchArguments(pattern: CommandPattern, words: readonly Word[], effect: Effect, possible: boolean): boolean {
  const left = pattern.options.length === 0 ? words : takeOptions(words, pattern.options, effect, possible);
  if (left === undefined) return false;
  // `rm -r -- /` is the same deed as `rm -r /`: a deny rule that does not speak of `--` looks past it.
  const pastDashes = effect === 'deny' && !pattern.dashes;
  const optional = left.map((word) => (word.dynamic ? possible : pastDashes && word.text === '--'));
  return matchWords(pattern.rest, left, optional, possible);
}

function matchProgram(alternatives: readonly Glob[], question: CommandQuestion, effect: Effect): boolean {
  return alternatives.some((glob) => {
    const byPath = glob.some((piece) => piece.includes('/'));
    const names = byPath ? pathsOf(question, effect) : namesOf(question, effect);
    return names.some((name) => matchGlob(glob, name));
  });
}

function pathsOf({ words, program, builtin }: CommandQuestion, effect: Effect): string[] {
  const typed = words[0] as Word;
  if (effect === 'deny') return program ? [program.path, ...(program.same ?? []), typed.text] : [typed.text];
  if (builtin || program?.unsteady) return [];
  return [program?.path ?? typed.text];
}

/** Names an allow row may match are trusted ones; a deny row sees every name the file was reached by. */
function namesOf({ words, program, builtin }: CommandQuestion, effect: Effect): readonly string[] {
  const typed = words[0] as Word;
  if (effect === 'deny') {
    const base = typed.text.slice(typed.text.lastIndexOf('/') + 1);
    return [typed.text, base, ...(program?.names ?? []), ...(program?.trustedNames ?? [])];
  }
  if (builtin) return [typed.text];
  if (program) return program.trustedNames;
  return typed.text.includes('/') ? [] : [typed.text];
}

/**
 * Every token against every word, one row of the table at a time: O(tokens x words), nothing else. Optional words may
 * be passed over.
 */
function matchWords(tokens: readonly Token[], words: readonly Word[], optional: boolean[], possible: boolean): boolean {
  const last = words.length;
  let reach: boolean[] = new Array(last + 1).fill(false);
  reach[0] = true;
  passOver(reach, optional);
  for (const token of tokens) {
    const next: boolean[] = new Array(last + 1).fill(false);
    for (let at = 0; at <= last; at++) {
      if (token.kind === 'many') next[at] = reach[at] === true || (at > 0 && next[at - 1] === true);
      else if (at > 0 && reach[at - 1]) next[at] = matchWord(token.alternatives, words[at - 1] as Word, possible);
      // A dynamic word may give this token one of several words.
      if (possible && at < last && reach[at] && words[at]?.dynamic) next[at] = true;
    }
    passOver(next, optional);
    reach = next;
  }
  return reach[last] === true;
}

function passOver(reach: boolean[], optional: readonly boolean[]): void {
  for (const [at, may] of optional.entries()) if (may && reach[at]) reach[at + 1] = true;
}

function matchWord(alternatives: readonly Glob[], word: Word, possible: boolean): boolean {
  return word.dynamic ? possible : alternatives.some((glob) => matchGlob(glob, word.text));
}

/** Whether an action such as `@forward:db:5432` matches; within a part `*` is any characters. */
export function matchAction(pattern: ActionPattern, action: string): boolean {
  if (!action.startsWith('@')) return false;
  const parts = splitAction(action.slice(1));
  return (
    parts.length === pattern.parts.length &&
    pattern.parts.every((alternatives, i) => alternatives.some((glob) => matchGlob(glob, parts[i] as string)))
  );
}
