import type { Effect, Question } from '../types.js';
import { matchAction, matchCommand } from './match.js';
import { parsePattern } from './parse.js';
import type { Pattern } from './types.js';

export { literalOf } from './glob.js';
export { parsePattern } from './parse.js';
export type { Pattern } from './types.js';

/** `possible`: see matchCommand. Actions never match command patterns, nor the other way round. */
export function matchPattern(pattern: Pattern, question: Question, effect: Effect, possible: boolean): boolean {
  if (question.kind === 'action') return pattern.kind === 'action' && matchAction(pattern, question.action);
  return pattern.kind === 'command' && matchCommand(pattern, question, effect, possible);
}

/** Compiled patterns, shared: many rules hold the same few. */
const cache = new Map<string, Pattern>();
const CACHE_SIZE = 20_000;

/** As parsePattern, remembered. Throws PatternError. */
export function patternOf(text: string): Pattern {
  const known = cache.get(text);
  if (known) return known;
  const pattern = parsePattern(text);
  if (cache.size >= CACHE_SIZE) cache.clear();
  cache.set(text, pattern);
  return pattern;
}
