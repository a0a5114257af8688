import type { Word } from '../policy/types.js';

/**
 * The command behind a shell builtin that runs another: `command rm`, `builtin cd`, `exec -a x rm`. Undefined when
 * there is none, or when its options are only known at run time.
 */
export function unwrap(words: readonly Word[]): Word[] | undefined {
  const name = words[0];
  if (name === undefined || name.dynamic) return undefined;
  const options = WRAPPERS[name.text];
  if (options === undefined) return undefined;
  let at = 1;
  while (at < words.length) {
    const word = words[at] as Word;
    if (word.dynamic) return undefined;
    if (word.text === '--') return rest(words, at + 1);
    if (!word.text.startsWith('-') || word.text === '-') return rest(words, at);
    const skip = options(word.text);
    if (skip === 0) return undefined;
    at += skip;
  }
  return undefined;
}

/** How many words an option of the wrapper takes; 0: this does not run a command. */
const WRAPPERS: Record<string, (option: string) => number> = Object.assign(Object.create(null), {
  command: (option: string) => (/^-p+$/.test(option) ? 1 : 0),
  builtin: () => 0,
  exec: (option: string) =>
    /^-[cl]+$/.test(option) || /^-[cl]*a./.test(option) ? 1 : /^-[cl]*a$/.test(option) ? 2 : 0,
});

function rest(words: readonly Word[], from: number): Word[] | undefined {
  return from < words.length ? words.slice(from) : undefined;
}
