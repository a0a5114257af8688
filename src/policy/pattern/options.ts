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

/** Words left when those that hold an option are taken out; undefined when an option is missing. */
export function takeOptions(
  words: readonly Word[],
  groups: readonly OptionGroup[],
  effect: Effect,
  possible: boolean,
): Word[] | undefined {
  const until = endOfOptions(words, possible);
  const dynamic = possible && words.some((word) => word.dynamic);
  const left: Word[] = [];
  const found = groups.map(() => dynamic);
  words.forEach((word, at) => {
    const held = at < until && !word.dynamic ? groups.map((group) => holdsOption(word.text, group, effect)) : [];
    if (!held.includes(true)) left.push(word);
    // Beside dynamic words, which may hold the option or be `--`, this word may go or stay.
    else if (dynamic) left.push({ text: word.text, dynamic: true });
    held.forEach((yes, group) => {
      if (yes) found[group] = true;
    });
  });
  return found.every(Boolean) ? left : undefined;
}

/** Options stand before `--`; to be certain, also before any word that may become `--`. */
function endOfOptions(words: readonly Word[], possible: boolean): number {
  const end = words.findIndex((word) => (word.dynamic ? !possible : word.text === '--'));
  return end < 0 ? words.length : end;
}
