import type { Dice } from './dice.js';

/** What reads a text: bash, or any POSIX shell (dash, busybox). */
export type Dialect = 'bash' | 'sh';

/** What one program in the making has beside its text. */
export interface Scene extends Dice {
  /** A name for a variable, function, file or here-document that this program has not used yet. */
  fresh(): string;
}

export function sceneOf(chance: Dice): Scene {
  let names = 0;
  return {
    ...chance,
    fresh: () => {
      names += 1;
      return `t${names}`;
    },
  };
}

/** In single quotes, for any shell. */
export const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
