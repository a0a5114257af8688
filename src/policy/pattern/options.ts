import type { Effect, Word } from '../types.js';
import type { OptionGroup } from './types.js';

/**
 * Whether a word holds one of these options. A letter (`-r`) also in a cluster (`-fr`). A long one exactly; in a deny
 * row also with a value (`--recursive=x`) and abbreviated (`--rec`), as getopt_long accepts both.
 */
export function holdsOption(word: string, group: OptionGroup, effect: Effect): boolean {
  return word.length > 1 && word[0] === '-' && group.some((option) => holds(word, option, effect));
}

function holds(word: string, option: string, effect: Effect): boolean {
  if (word === option) return true;
  if (option.length === 2) return word[1] !== '-' && word.includes(option[1] as string, 1);
  if (effect === 'allow') return false;
  const equals = word.indexOf('=');
  const name = equals < 0 ? word : word.slice(0, equals);
  if (name === option) return true;
  return option.startsWith('--') && name.length > 2 && option.startsWith(name);
}

/**
 * Words left when those that hold an option are taken out; undefined when an option is missing. Beside dynamic words,
 * which may hold the option or be `--`, a word that holds one may go or stay: it is then left as dynamic itself.
 */
export function takeOptions(
  words: readonly Word[],
  groups: readonly OptionGroup[],
  effect: Effect,
  possible: boolean,
): Word[] | undefined {
  const dashes = words.findIndex((word) => !word.dynamic && word.text === '--');
  const end = dashes < 0 ? words.length : dashes;
  const unsure = words.findIndex((word) => word.dynamic);
  const left: Word[] = [];
  const found = groups.map(() => possible && unsure >= 0);
  for (const [at, word] of words.slice(0, end).entries()) {
    const held = groups.map((group) => !word.dynamic && holdsOption(word.text, group, effect));
    const certain = unsure < 0 || (!possible && at < unsure);
    if (!held.includes(true)) left.push(word);
    else if (!certain) left.push({ text: word.text, dynamic: true });
    else for (const [group, yes] of held.entries()) found[group] ||= yes;
  }
  return found.every(Boolean) ? [...left, ...words.slice(end)] : undefined;
}
